//! The fields of an objective that say what it is about.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    fault::{Faults, below},
    series::Labels,
    sla::{fields::text, is_label_name},
    time::duration,
};

const MOST_LABELS: usize = 64;
const LONGEST_LABEL: usize = 4096;
pub(super) const LONGEST_HOLD: Duration = Duration::from_secs(3600);

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
                format!("invalid label name: must be 1 to {LONGEST_LABEL} bytes"),
            );
        }
        match value {
            Value::String(value) if value.len() <= LONGEST_LABEL => {
                labels.0.insert(name.clone(), value.clone());
            }
            Value::String(_) => faults.add(&at, format!("is longer than {LONGEST_LABEL} bytes")),
            _ => faults.add(&at, "must be a string"),
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
