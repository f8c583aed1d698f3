//! Fields of a document: each read on its own, what is wrong noted with its place.

use serde_json::{Map, Value};

use super::{fault::Faults, is_objective_id};
use crate::json_pointer::below;

/// An objective's id.
pub(super) fn id(
    fields: &Map<String, Value>,
    pointer: &str,
    field: &str,
    faults: &mut Faults,
) -> Option<String> {
    let id = text(fields, pointer, field, faults)?;
    if !is_objective_id(&id) {
        faults.add(
            &below(pointer, field),
            "is not 1 to 63 of A-Z a-z 0-9 . _ -",
        );
    }
    Some(id)
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
                faults.add(&below(pointer, field), "is not a finite number");
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
            faults.add(&below(pointer, field), "is not a text");
            None
        }
    }
}
