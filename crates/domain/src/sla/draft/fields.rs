//! The fields of an objective: each read on its own, what is wrong noted with its place.

pub(crate) use crate::json_pointer::below;
use std::time::Duration;

use serde_json::{Map, Value};

use super::InvalidDraft;
use crate::{
    Labels, duration,
    sla::{is_label_name, is_objective_id},
};

const MOST_FAULTS: usize = 100;
const MOST_LABELS: usize = 64;
const LONGEST_METRIC: usize = 255;
const LONGEST_LABEL: usize = 4096;
pub(super) const LONGEST_HOLD: Duration = Duration::from_secs(3600);

/// What was found wrong so far.
#[derive(Default)]
pub(crate) struct Faults(pub(crate) Vec<InvalidDraft>);

impl Faults {
    pub(crate) fn add(&mut self, pointer: &str, reason: impl Into<String>) {
        if self.0.len() < MOST_FAULTS {
            self.0.push(InvalidDraft {
                pointer: pointer.to_owned(),
                reason: reason.into(),
            });
        }
    }
}

pub(super) fn check_metric(name: &str, pointer: &str, faults: &mut Faults) {
    if name.is_empty() || name.len() > LONGEST_METRIC || name.chars().any(char::is_control) {
        faults.add(
            pointer,
            format!("is not a metric's name of 1 to {LONGEST_METRIC} bytes"),
        );
    }
}

/// An objective's id.
pub(crate) fn id(
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

pub(super) fn labels(fields: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> Labels {
    let pointer = below(pointer, "labels");
    let given = match fields.get("labels") {
        None | Some(Value::Null) => return Labels::default(),
        Some(Value::Object(given)) => given,
        Some(_) => {
            faults.add(&pointer, "is not an object of texts");
            return Labels::default();
        }
    };
    if given.len() > MOST_LABELS {
        faults.add(&pointer, format!("has more than {MOST_LABELS} labels"));
        return Labels::default();
    }
    let mut labels = Labels::default();
    for (name, value) in given {
        let at = below(&pointer, name);
        if name == "__name__" {
            faults.add(&at, "is no label here: `metric` names the metric");
        } else if !is_label_name(name) || name.len() > LONGEST_LABEL {
            faults.add(
                &at,
                "is not a label's name: a letter or _, then letters, digits and _",
            );
        }
        match value {
            Value::String(value) if value.len() <= LONGEST_LABEL => {
                labels.0.insert(name.clone(), value.clone());
            }
            Value::String(_) => faults.add(&at, format!("is longer than {LONGEST_LABEL} bytes")),
            _ => faults.add(&at, "is not a text"),
        }
    }
    labels
}

pub(super) fn hold(fields: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> Duration {
    let Some(text) = text(fields, pointer, "for", faults) else {
        return Duration::ZERO;
    };
    match duration::parse(&text) {
        Ok(hold) if hold <= LONGEST_HOLD => return hold,
        Ok(_) => faults.add(&below(pointer, "for"), "is longer than 1h"),
        Err(error) => faults.add(&below(pointer, "for"), error.to_string()),
    }
    Duration::ZERO
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

pub(crate) fn text(
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

pub(super) fn cut(text: &str) -> String {
    text.chars().take(LONGEST_METRIC).collect()
}
