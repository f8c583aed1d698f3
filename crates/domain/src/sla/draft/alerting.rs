//! The fields of an objective that its alerts follow from.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    fault::{Faults, below},
    sla::{
        Expectation, Runbook,
        fields::{number, text, valid},
    },
    time::duration,
};

const LONGEST_EXHAUSTION: Duration = Duration::from_secs(30 * 86_400);

pub(super) fn runbook(
    fields: &Map<String, Value>,
    pointer: &str,
    faults: &mut Faults,
) -> Option<Runbook> {
    let runbook = text(fields, pointer, "runbook", faults)?;
    valid(Runbook::parse(runbook), &below(pointer, "runbook"), faults)
}

/// `expect`: what is to come that somebody wants to know of. `exhausted_in` is about a budget: it needs a target.
pub(super) fn expect(
    fields: &Map<String, Value>,
    pointer: &str,
    has_target: bool,
    faults: &mut Faults,
) -> Option<Expectation> {
    let pointer = below(pointer, "expect");
    let fields = match fields.get("expect") {
        None | Some(Value::Null) => return None,
        Some(Value::Object(fields)) => fields,
        Some(_) => {
            faults.add(&pointer, "must be an object");
            return None;
        }
    };
    let known = ["probability", "exhausted_in"];
    faults.unknown(fields, &pointer, &[&known], "`expect`");
    let probability = number(fields, &pointer, "probability", faults);
    if probability.is_some_and(|probability| !(probability > 0.0 && probability <= 1.0)) {
        let at = below(&pointer, "probability");
        faults.add(&at, "must be greater than 0 and not greater than 1");
    }
    let exhausted_in = text(fields, &pointer, "exhausted_in", faults).and_then(|text| {
        let at = below(&pointer, "exhausted_in");
        match duration::parse(&text) {
            Ok(time) if time.is_zero() || time > LONGEST_EXHAUSTION => {
                faults.add(&at, "must be longer than 0 and not longer than 30d");
            }
            Ok(_) if !has_target => {
                faults.add(&at, "needs a `target`: without one there is no budget")
            }
            Ok(time) => return Some(time),
            Err(error) => faults.add(&at, error.to_string()),
        }
        None
    });
    Some(Expectation {
        probability,
        exhausted_in,
    })
}
