//! Fields of a document: each read on its own, what is wrong noted with its place.

use serde_json::{Map, Value};

use super::ObjectiveId;
use crate::{
    fault::{Faults, below},
    text::InvalidText,
};

/// An objective's id.
pub(super) fn id(
    fields: &Map<String, Value>,
    pointer: &str,
    field: &str,
    faults: &mut Faults,
) -> Option<ObjectiveId> {
    let id = text(fields, pointer, field, faults)?;
    valid(ObjectiveId::parse(id), &below(pointer, field), faults)
}

/// What was read, if it keeps its rule.
pub(super) fn valid<T>(
    read: Result<T, InvalidText>,
    pointer: &str,
    faults: &mut Faults,
) -> Option<T> {
    read.inspect_err(|error| faults.add(pointer, error.to_string()))
        .ok()
}

pub(super) fn number(
    fields: &Map<String, Value>,
    pointer: &str,
    field: &str,
    faults: &mut Faults,
) -> Option<f64> {
    match fields.get(field) {
        None | Some(Value::Null) => None,
        Some(value) => {
            let number = value.as_f64().filter(|number| number.is_finite());
            if number.is_none() {
                faults.add(&below(pointer, field), "must be a finite number");
            }
            number
        }
    }
}

pub(super) fn text(
    fields: &Map<String, Value>,
    pointer: &str,
    field: &str,
    faults: &mut Faults,
) -> Option<String> {
    match fields.get(field) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            faults.add(&below(pointer, field), "must be a string");
            None
        }
    }
}
