//! The fields of a composite, and what its parts are.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::budget;
use crate::{
    fault::{Faults, below},
    sla::{
        AnyObjective, Composite, EventsObjective, Method, Part, SliceLength,
        composite::default_weight,
        fields::{id, number},
    },
};

/// `events`, `slice_target` and `no_traffic` follow from the objective; they are there in what was given back.
const PART_FIELDS: [&str; 5] = [
    "objective",
    "weight",
    "events",
    "slice_target",
    "no_traffic",
];
const GREATEST_WEIGHT: f64 = 1e6;

/// `{"combine"?, "parts": [{"objective", "weight"?}]}`; `None` where a part is wrong.
pub(super) fn composite(given: &Value, pointer: &str, faults: &mut Faults) -> Option<Composite> {
    let Value::Object(given) = given else {
        faults.add(pointer, "must be an object with parts");
        return None;
    };
    let before = faults.0.len();
    faults.unknown(given, pointer, &[&["combine", "parts"]], "a composite");
    let combine = budget::term(given, pointer, "combine", faults);
    let at = below(pointer, "parts");
    let Some(Value::Array(listed)) = given.get("parts") else {
        faults.add(&at, "must be a list of objectives of this SLA");
        return None;
    };
    if !Composite::PARTS.contains(&listed.len()) {
        let (fewest, most) = Composite::PARTS.into_inner();
        let reason = format!(
            "has {} parts; a composite has {fewest} to {most}",
            listed.len()
        );
        faults.add(&at, reason);
        return None;
    }
    let mut objectives = HashSet::new();
    let mut parts = Vec::new();
    for (position, value) in listed.iter().enumerate() {
        let at = format!("{at}/{position}");
        let Value::Object(fields) = value else {
            faults.add(&at, "must be an object with objective");
            continue;
        };
        let Some(part) = part(fields, &at, faults) else {
            continue;
        };
        if !objectives.insert(part.objective.clone()) {
            faults.add(
                &below(&at, "objective"),
                format!("appears twice: `{}`", part.objective),
            );
        }
        parts.push(part);
    }
    (faults.0.len() == before).then_some(Composite { combine, parts })
}

fn part(fields: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> Option<Part> {
    faults.unknown(fields, pointer, &[&PART_FIELDS], "a part");
    let weight = number(fields, pointer, "weight", faults).unwrap_or_else(default_weight);
    if !(weight > 0.0 && weight <= GREATEST_WEIGHT) {
        faults.add(
            &below(pointer, "weight"),
            format!("must be greater than 0, and at most {GREATEST_WEIGHT}"),
        );
    }
    if fields.get("objective").is_none_or(Value::is_null) {
        faults.add(&below(pointer, "objective"), "is missing");
    }
    Some(Part {
        objective: id(fields, pointer, "objective", faults)?,
        weight,
        events: written(fields, "events"),
        slice_target: written(fields, "slice_target"),
        no_traffic: written(fields, "no_traffic"),
    })
}

/// What the objective counted when this was written, for who does not have the objective.
fn written<T: DeserializeOwned + Default>(fields: &Map<String, Value>, field: &str) -> T {
    let value = fields.get(field).cloned().unwrap_or_default();
    serde_json::from_value(value).unwrap_or_default()
}

/// Takes over, for each part of each composite, what the objective counts that it is.
pub(super) fn resolve(objectives: &mut [AnyObjective], faults: &mut Faults) {
    let all = objectives.to_vec();
    for (position, objective) in objectives.iter_mut().enumerate() {
        let AnyObjective::Events(objective) = objective else {
            continue;
        };
        let Some(composite) = &mut objective.events.composite else {
            continue;
        };
        for (place, part) in composite.parts.iter_mut().enumerate() {
            let meant = all.iter().find(|other| *other.id() == part.objective);
            match counts(meant) {
                Ok(meant) => part.count_as(meant),
                Err(reason) => {
                    let at =
                        format!("/objectives/{position}/events/composite/parts/{place}/objective");
                    faults.add(&at, format!("`{}` {reason}", part.objective));
                }
            }
        }
    }
}

/// The objective, if it can be a part.
fn counts(meant: Option<&AnyObjective>) -> Result<&EventsObjective, &'static str> {
    match meant {
        None => Err("is no objective of this SLA"),
        Some(AnyObjective::Range(_)) => {
            Err("is an objective of ranges: a composite is made of objectives of events")
        }
        Some(AnyObjective::Events(objective)) if objective.events.composite.is_some() => {
            Err("is a composite itself")
        }
        Some(AnyObjective::Events(objective))
            if objective.method != Method::Occurrences
                && objective.slice != SliceLength::OneMinute =>
        {
            Err("has slices of more than a minute: a composite is made minute by minute")
        }
        Some(AnyObjective::Events(objective)) => Ok(objective),
    }
}
