//! Names that an object of a JSON text has twice: a parser keeps one of the values and nobody knows which was meant.

use std::{cell::RefCell, collections::HashSet, fmt};

use domain::fault::below;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The JSON pointers of the names that appear again, at most `most`. Of a text that is no JSON those before its fault.
pub(crate) fn repeated_names(text: &str, most: usize) -> Vec<String> {
    let found = RefCell::new(Vec::new());
    let root = Node {
        place: None,
        found: &found,
        most,
    };
    // The parser has seen that it is JSON, or reports it.
    let _ = root.deserialize(&mut serde_json::Deserializer::from_str(text));
    found.into_inner()
}

/// A value, whose objects are looked through.
struct Node<'a> {
    place: Option<&'a Place<'a>>,
    found: &'a RefCell<Vec<String>>,
    most: usize,
}

/// Where a value is. Its pointer is built where it is asked for alone: a text may have millions of values, each as deep as
/// the parser allows.
struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    member: Member<'a>,
}

enum Member<'a> {
    Name(&'a str),
    Position(usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        let parent = self.parent.map(Self::pointer).unwrap_or_default();
        match self.member {
            Member::Name(name) => below(&parent, name),
            Member::Position(position) => below(&parent, &position.to_string()),
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
            let place = Place {
                parent: self.place,
                member: Member::Name(&name),
            };
            if seen.contains(&name) && self.found.borrow().len() < self.most {
                self.found.borrow_mut().push(place.pointer());
            }
            map.next_value_seed(Node {
                place: Some(&place),
                ..self
            })?;
            seen.insert(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        for position in 0.. {
            let place = Place {
                parent: self.place,
                member: Member::Position(position),
            };
            let item = Node {
                place: Some(&place),
                ..self
            };
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
    fn a_name_that_appears_again_is_reported_by_its_pointer() {
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

    #[test]
    fn millions_of_values_far_down_cost_nothing_but_their_parsing() {
        let name = "n".repeat(255);
        let open = format!("{{\"{name}\":").repeat(120);
        let text = format!(
            "{open}[{}0,{{\"a\":1,\"a\":2}}]{}",
            "0,".repeat(1_000_000),
            "}".repeat(120)
        );
        let [found] = &repeated_names(&text, 2)[..] else {
            panic!("one name appears again");
        };
        assert_eq!(found.len(), 120 * 256 + "/1000001/a".len());
    }
}
