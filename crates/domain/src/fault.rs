//! What is wrong with a document, and where: JSON pointers (RFC 6901).

use serde_json::{Map, Value};

/// A value of a document that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {reason}")]
pub struct Fault {
    /// JSON pointer (RFC 6901) to the value.
    pub pointer: String,
    /// What is wrong with it, in a sentence.
    pub reason: String,
}

const MOST_FAULTS: usize = 100;

/// What was found wrong so far.
#[derive(Default)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, pointer: &str, reason: impl Into<String>) {
        if self.0.len() < MOST_FAULTS {
            self.0.push(Fault {
                pointer: pointer.to_owned(),
                reason: reason.into(),
            });
        }
    }

    /// Notes each member of `fields` that is in none of the lists of `known`; `whole` is what they are fields of.
    pub(crate) fn unknown(
        &mut self,
        fields: &Map<String, Value>,
        pointer: &str,
        known: &[&[&str]],
        whole: &str,
    ) {
        for field in fields.keys() {
            if !known.iter().any(|list| list.contains(&field.as_str())) {
                self.add(&below(pointer, field), format!("is not a field of {whole}"));
            }
        }
    }
}

/// What is shown of a member's name at most, characters.
const LONGEST_NAME: usize = 255;

/// The pointer to a member of what `pointer` points to, its name escaped and cut to a length fit for an error.
pub fn below(pointer: &str, member: &str) -> String {
    let name: String = member.chars().take(LONGEST_NAME).collect();
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_escaped_and_cut() {
        assert_eq!(below("/objectives/0", "a/b~c"), "/objectives/0/a~1b~0c");
        assert_eq!(below("", &"é".repeat(1000)).chars().count(), 256);
    }
}
