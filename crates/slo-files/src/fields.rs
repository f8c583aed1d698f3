//! The fields of a mapping, each read once: what nobody reads is reported.

use std::{cell::RefCell, collections::BTreeSet};

use domain::sla::{AlertPair, is_label_name};
use serde_json::{Map, Value};

use crate::report::{Note, Place, Refused};

/// A mapping of a document.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    place: Place,
    read: RefCell<BTreeSet<&'a str>>,
}

impl<'a> Fields<'a> {
    /// The mapping that a value is.
    pub(crate) fn of(value: &'a Value, place: Place) -> Result<Self, Refused> {
        match value {
            Value::Object(map) => Ok(Self {
                map,
                place,
                read: RefCell::default(),
            }),
            _ => Err(Refused::at(place, "must be a mapping")),
        }
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Where a field of it stands.
    pub(crate) fn at(&self, name: &str) -> Place {
        self.place.below(name)
    }

    /// A field, if it is there and not null.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        let (name, value) = self.map.get_key_value(name)?;
        self.read.borrow_mut().insert(name);
        (!value.is_null()).then_some(value)
    }

    /// Whether a field is there and not null; that does not count as reading it.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// A text that may be missing.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Refused> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refused::at(self.at(name), "must be a string")),
        }
    }

    /// A text that must be there.
    pub(crate) fn required_text(&self, name: &str) -> Result<&'a str, Refused> {
        match self.text(name)? {
            Some(text) if !text.trim().is_empty() => Ok(text),
            Some(_) => Err(Refused::at(self.at(name), "is empty")),
            None => Err(Refused::at(self.at(name), "is missing")),
        }
    }

    /// A number that may be missing, as written: a number, or a text that is one.
    pub(crate) fn number(&self, name: &str) -> Result<Option<f64>, Refused> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(value) => value.as_f64(),
        };
        match number.filter(|number: &f64| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(Refused::at(self.at(name), "must be a number")),
        }
    }

    /// True or false, if it is there; also in the words of YAML 1.1, which the tools' own readers know.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refused> {
        let flag = match self.get(name) {
            None => return Ok(None),
            Some(Value::Bool(flag)) => Some(*flag),
            Some(Value::String(word)) => match word.to_ascii_lowercase().as_str() {
                "y" | "yes" | "on" => Some(true),
                "n" | "no" | "off" => Some(false),
                _ => None,
            },
            Some(_) => None,
        };
        match flag {
            Some(flag) => Ok(Some(flag)),
            None => Err(Refused::at(self.at(name), "must be true or false")),
        }
    }

    /// A mapping that may be missing.
    pub(crate) fn fields(&self, name: &str) -> Result<Option<Self>, Refused> {
        let value = self.get(name);
        value
            .map(|value| Self::of(value, self.at(name)))
            .transpose()
    }

    /// A mapping that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<Self, Refused> {
        let fields = self.fields(name)?;
        fields.ok_or_else(|| Refused::at(self.at(name), "is missing"))
    }

    /// The items of a list, each with its place; none if it is missing.
    pub(crate) fn items(&self, name: &str) -> Result<Vec<(Place, &'a Value)>, Refused> {
        let place = self.at(name);
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                let items = items.iter().enumerate();
                Ok(items
                    .map(|(position, item)| (place.item(position), item))
                    .collect())
            }
            Some(_) => Err(Refused::at(place, "must be a list")),
        }
    }

    /// A list of texts; none if it is missing.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<&'a str>, Refused> {
        let items = self.items(name)?;
        let texts = items.into_iter().map(|(place, item)| {
            item.as_str()
                .ok_or_else(|| Refused::at(place, "must be a string"))
        });
        texts.collect()
    }

    /// A text that may be missing, with its place.
    pub(crate) fn label(&self, name: &'a str) -> Result<Option<Label<'a>>, Refused> {
        let text = self.text(name)?;
        Ok(text.map(|text| Label {
            name,
            text: text.to_owned(),
            place: self.at(name),
        }))
    }

    /// A mapping of names to texts, such as labels. Other values are written as texts; of a list its items, with
    /// commas between. What no label can be is left out, and noted.
    pub(crate) fn labels(
        &self,
        name: &str,
        notes: &mut Vec<Note>,
    ) -> Result<Vec<Label<'a>>, Refused> {
        let Some(labels) = self.fields(name)? else {
            return Ok(Vec::new());
        };
        let mut kept = Vec::new();
        for (name, value) in labels.map {
            let (text, place) = (written(value), labels.at(name));
            match unlabelled(name, &text) {
                Some(what) => notes.push(Note::at(place, what)),
                None => kept.push(Label { name, text, place }),
            }
        }
        Ok(kept)
    }

    /// Notes those of some fields that are there: what they say is left out.
    pub(crate) fn note_left_out(&self, names: &[&str], what: &str, notes: &mut Vec<Note>) {
        let there = names.iter().filter(|name| self.has(name));
        notes.extend(there.map(|name| Note::at(self.at(name), what)));
    }

    /// Notes each field that nobody has read, once all of them were looked for.
    pub(crate) fn finish(self, notes: &mut Vec<Note>) {
        self.note_unread(notes);
    }

    /// Notes each field that nobody has read so far.
    pub(crate) fn note_unread(&self, notes: &mut Vec<Note>) {
        let read = self.read.borrow();
        for name in self.map.keys().filter(|name| !read.contains(name.as_str())) {
            notes.push(Note::at(
                self.place.below(name),
                "has no use here and is left out",
            ));
        }
    }
}

/// A text that has a name, such as a label, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Label<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// Why a name and a text cannot be a label or an annotation.
pub(crate) fn unlabelled(name: &str, text: &str) -> Option<String> {
    let longest = AlertPair::LONGEST_LABEL;
    if text.len() > longest {
        Some(format!("is left out: it has more than {longest} bytes"))
    } else if name.len() > AlertPair::LONGEST_NAME {
        let longest = AlertPair::LONGEST_NAME;
        Some(format!(
            "is left out: its name has more than {longest} bytes"
        ))
    } else if is_label_name(name) {
        None
    } else {
        Some("is left out: it is not named as a label is".to_owned())
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(written).collect();
            items.join(",")
        }
        value => value.to_string(),
    }
}
