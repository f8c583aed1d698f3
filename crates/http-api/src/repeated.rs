//! Names that an object of a JSON text has twice: a parser keeps one of the values and nobody knows which was meant.

use std::{cell::RefCell, collections::HashSet, fmt};

use domain::fault::below;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The JSON pointers of the names that are there again, at most `most`. Of a text that is no JSON those before its fault.
pub(crate) fn repeated_names(text: &str, most: usize) -> Vec<String> {
    let found = RefCell::new(Vec::new());
    let root = Node {
        pointer: String::new(),
        found: &found,
        most,
    };
    // That it is JSON the parser has seen, or tells.
    let _ = root.deserialize(&mut serde_json::Deserializer::from_str(text));
    found.into_inner()
}

/// A value, whose objects are looked through.
struct Node<'a> {
    pointer: String,
    found: &'a RefCell<Vec<String>>,
    most: usize,
}

impl Node<'_> {
    fn below(&self, member: &str) -> Self {
        Self {
            pointer: below(&self.pointer, member),
            ..*self
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let member = self.below(&name);
            if !seen.insert(name) && self.found.borrow().len() < self.most {
                self.found.borrow_mut().push(member.pointer.clone());
            }
            map.next_value_seed(member)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        for position in 0.. {
            let item = self.below(&position.to_string());
            if sequence.next_element_seed(item)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_there_again_is_told_by_its_pointer() {
        for (text, expected) in [
            (r#"{"a": 1, "b": {"a": 2}, "c": [null, "x", 1.5]}"#, &[][..]),
            (r#"{"a": 1, "b": true, "a": 1}"#, &["/a"]),
            (r#"{"o": [{}, {"m~/": {}, "m~/": -1}]}"#, &["/o/1/m~0~1"]),
            (r#"{"a": {"x": 1, "x": 2}, "\u0061": 3}"#, &["/a/x", "/a"]),
            (r#"{"a": 1, "a": 2, "a": 3, "a": 4}"#, &["/a", "/a"]),
            (r#"{"a": 1, "a": "#, &["/a"]),
            ("7", &[]),
        ] {
            assert_eq!(repeated_names(text, 2), expected, "{text}");
        }
    }
}
