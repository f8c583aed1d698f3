/// A value of a draft that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {reason}")]
pub struct InvalidDraft {
    /// JSON pointer (RFC 6901) to the value.
    pub pointer: String,
    /// What is wrong with it, in a sentence.
    pub reason: String,
}

const MOST_FAULTS: usize = 100;

/// What was found wrong so far.
#[derive(Default)]
pub(super) struct Faults(pub(super) Vec<InvalidDraft>);

impl Faults {
    pub(super) fn add(&mut self, pointer: &str, reason: impl Into<String>) {
        if self.0.len() < MOST_FAULTS {
            self.0.push(InvalidDraft {
                pointer: pointer.to_owned(),
                reason: reason.into(),
            });
        }
    }
}
