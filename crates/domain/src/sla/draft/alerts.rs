//! `alerts`: the burn-rate alerts that an objective brings itself.

use std::time::Duration;

use serde_json::{Map, Value};

use super::budget;
use crate::{
    fault::{Faults, below},
    series::Labels,
    sla::{
        AlertPair, Pace,
        fields::{number, text},
        is_label_name,
    },
    time::duration,
};

const FIELDS: [&str; 8] = [
    "long",
    "short",
    "factor",
    "budget_share",
    "severity",
    "name",
    "labels",
    "annotations",
];
const MOST_PAIRS: usize = 20;
const MOST_LABELS: usize = AlertPair::MOST_LABELS;
const LONGEST_NAME: usize = AlertPair::LONGEST_NAME;
const LONGEST_VALUE: usize = AlertPair::LONGEST_LABEL;

/// The pairs; `None`: the usual ones. A pair with a fault is left out.
pub(super) fn alerts(
    fields: &Map<String, Value>,
    pointer: &str,
    faults: &mut Faults,
) -> Option<Vec<AlertPair>> {
    let pointer = below(pointer, "alerts");
    let given = match fields.get("alerts")? {
        Value::Null => return None,
        Value::Array(given) => given,
        _ => {
            faults.add(&pointer, "must be a list of pairs of windows");
            return None;
        }
    };
    if given.len() > MOST_PAIRS {
        let reason = format!("has {} pairs; {MOST_PAIRS} are the most", given.len());
        faults.add(&pointer, reason);
        return None;
    }
    let mut pairs = Vec::new();
    for (position, pair) in given.iter().enumerate() {
        let at = format!("{pointer}/{position}");
        match pair {
            Value::Object(fields) => pairs.extend(self::pair(fields, &at, faults)),
            _ => faults.add(&at, "must be an object"),
        }
    }
    Some(pairs)
}

fn pair(fields: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> Option<AlertPair> {
    faults.unknown(fields, pointer, &[&FIELDS], "an alert");
    let long = window(fields, pointer, "long", faults);
    let short = window(fields, pointer, "short", faults);
    if let Some((long, short)) = long.zip(short)
        && short > long
    {
        faults.add(&below(pointer, "short"), "must not be longer than `long`");
    }
    let pace = pace(fields, pointer, faults);
    let severity = budget::term(fields, pointer, "severity", faults);
    let name = text(fields, pointer, "name", faults);
    if let Some(name) = &name
        && (name.trim().is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_control))
    {
        let reason = format!("must have 1 to {LONGEST_NAME} bytes without control characters");
        faults.add(&below(pointer, "name"), reason);
    }
    let labels = labels(fields, pointer, "labels", MOST_LABELS, faults);
    let annotations = self::labels(fields, pointer, "annotations", MOST_LABELS, faults);
    Some(AlertPair {
        long: long?,
        short: short?,
        pace: pace?,
        severity,
        name,
        labels,
        annotations,
    })
}

fn window(
    fields: &Map<String, Value>,
    pointer: &str,
    field: &str,
    faults: &mut Faults,
) -> Option<Duration> {
    let at = below(pointer, field);
    if fields.get(field).is_none_or(Value::is_null) {
        faults.add(&at, "is missing");
        return None;
    }
    let length = duration::parse(&text(fields, pointer, field, faults)?);
    let is_window = |length: &Duration| {
        (AlertPair::SHORTEST_WINDOW..=AlertPair::LONGEST_WINDOW).contains(length)
            && length.as_millis().is_multiple_of(60_000)
    };
    let window = length.ok().filter(is_window);
    if window.is_none() {
        faults.add(&at, "must be a duration from 1m to 1y in whole minutes");
    }
    window
}

fn pace(fields: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> Option<Pace> {
    let factor = number(fields, pointer, "factor", faults).map(Pace::Factor);
    let share = number(fields, pointer, "budget_share", faults).map(Pace::BudgetShare);
    let given = |field| fields.get(field).is_some_and(|value| !value.is_null());
    if given("factor") == given("budget_share") {
        faults.add(pointer, "must have either factor or budget_share");
        return None;
    }
    let pace = factor.or(share)?;
    let (Pace::Factor(value) | Pace::BudgetShare(value)) = pace;
    if value <= 0.0 {
        let field = if factor.is_some() {
            "factor"
        } else {
            "budget_share"
        };
        faults.add(&below(pointer, field), "must be greater than 0");
        return None;
    }
    Some(pace)
}

/// An object of texts, at most `most` of them.
pub(super) fn labels(
    fields: &Map<String, Value>,
    pointer: &str,
    field: &str,
    most: usize,
    faults: &mut Faults,
) -> Labels {
    let pointer = below(pointer, field);
    let given = match fields.get(field) {
        None | Some(Value::Null) => return Labels::default(),
        Some(Value::Object(given)) => given,
        Some(_) => {
            faults.add(&pointer, "must be an object of strings");
            return Labels::default();
        }
    };
    if given.len() > most {
        faults.add(&pointer, format!("has more than {most} entries"));
        return Labels::default();
    }
    let mut labels = Labels::default();
    for (name, value) in given {
        let at = below(&pointer, name);
        match value {
            _ if !is_label_name(name) || name.len() > LONGEST_NAME => {
                faults.add(&at, "must be named as a label is");
            }
            Value::String(value) if value.len() <= LONGEST_VALUE => {
                labels.0.insert(name.clone(), value.clone());
            }
            _ => faults.add(
                &at,
                format!("must be a string of at most {LONGEST_VALUE} bytes"),
            ),
        }
    }
    labels
}
