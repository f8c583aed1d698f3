//! The fields of an objective that say what it is about.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    fault::{Faults, below},
    series::Labels,
    sla::{
        SampledQuery,
        fields::text,
        is_label_name,
        objective::{DEFAULT_SILENCE, DEFAULT_STEP},
    },
    time::duration,
};

const MOST_LABELS: usize = 64;
const LONGEST_LABEL: usize = 4096;
pub(super) const LONGEST_HOLD: Duration = Duration::from_secs(3600);
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(12 * 3600);

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

const LONGEST_QUERY: usize = 4096;
const SHORTEST_STEP: Duration = Duration::from_secs(1);
const LONGEST_STEP: Duration = Duration::from_secs(300);

/// `query` and `step`: PromQL in place of a metric. What it means is for the server to say.
pub(super) fn query(
    fields: &Map<String, Value>,
    pointer: &str,
    faults: &mut Faults,
) -> Option<SampledQuery> {
    let before = faults.0.len();
    let step = text(fields, pointer, "step", faults).and_then(|text| {
        let at = below(pointer, "step");
        match duration::parse(&text) {
            Ok(step)
                if (SHORTEST_STEP..=LONGEST_STEP).contains(&step) && step.subsec_nanos() == 0 =>
            {
                return Some(step);
            }
            Ok(_) => faults.add(&at, "must be 1s to 5m in whole seconds"),
            Err(error) => faults.add(&at, error.to_string()),
        }
        None
    });
    let at = below(pointer, "query");
    let text = text(fields, pointer, "query", faults)?;
    if text.trim().is_empty() {
        faults.add(&at, "is empty");
    } else if text.len() > LONGEST_QUERY {
        faults.add(&at, format!("is longer than {LONGEST_QUERY} bytes"));
    }
    (faults.0.len() == before).then(|| SampledQuery {
        text: text.trim().to_owned(),
        step: step.unwrap_or(DEFAULT_STEP),
    })
}

/// `for`: how long a value must be out of range.
pub(super) fn hold(fields: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> Duration {
    duration_up_to(LONGEST_HOLD, fields, pointer, "for", faults).unwrap_or_default()
}

/// `hold`: how long a series that fell silent out of range keeps its state.
pub(super) fn silence(fields: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> Duration {
    duration_up_to(LONGEST_SILENCE, fields, pointer, "hold", faults).unwrap_or(DEFAULT_SILENCE)
}

fn duration_up_to(
    longest: Duration,
    fields: &Map<String, Value>,
    pointer: &str,
    field: &str,
    faults: &mut Faults,
) -> Option<Duration> {
    let text = text(fields, pointer, field, faults)?;
    match duration::parse(&text) {
        Ok(given) if given <= longest => return Some(given),
        Ok(_) => {
            let longest = duration::format(longest);
            faults.add(&below(pointer, field), format!("is longer than {longest}"));
        }
        Err(error) => faults.add(&below(pointer, field), error.to_string()),
    }
    None
}
