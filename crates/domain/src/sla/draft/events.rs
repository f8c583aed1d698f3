//! The fields of an objective of events.

use serde_json::{Map, Value};

use super::{about, alerting, alerts, budget, composite};
use crate::{
    fault::{Faults, below},
    sla::{
        Events, EventsObjective, Method, NoTraffic, SliceLength,
        fields::{id, number, text},
        is_label_name,
    },
};

const FIELDS: [&str; 16] = [
    "display_name",
    "description",
    "annotations",
    "id",
    "events",
    "by",
    "target",
    "budget_window",
    "method",
    "slice",
    "slice_target",
    "no_traffic",
    "min_bad",
    "alerts",
    "runbook",
    "expect",
];
const LONGEST_SUM: usize = 4096;
const MOST_LABELS: usize = 16;
const LONGEST_LABEL: usize = 4096;

/// An objective of events from its fields; `None` where `events` is wrong. Where another field is wrong the fault is
/// noted and its default taken. Whether the sums can be counted is for whoever knows PromQL to say.
pub(super) fn objective(
    fields: &Map<String, Value>,
    pointer: &str,
    faults: &mut Faults,
) -> Option<EventsObjective> {
    faults.unknown(fields, pointer, &[&FIELDS], "an objective of events");
    let events = events(fields, pointer, faults);
    let by = by(fields, pointer, faults);
    let given = id(fields, pointer, "id", faults);
    let target = budget::share(fields, pointer, "target", faults);
    let budget_window = budget::window(fields, pointer, faults);
    let method: Method = budget::term(fields, pointer, "method", faults);
    let slice: SliceLength = budget::term(fields, pointer, "slice", faults);
    let slice_target = budget::share(fields, pointer, "slice_target", faults);
    let no_traffic: NoTraffic = budget::term(fields, pointer, "no_traffic", faults);
    let min_bad = number(fields, pointer, "min_bad", faults);
    let alerts = alerts::alerts(fields, pointer, faults);
    let runbook = alerting::runbook(fields, pointer, faults);
    let expect = alerting::expect(fields, pointer, target.is_some(), faults);
    if min_bad.is_some_and(|least| least < 0.0) {
        faults.add(&below(pointer, "min_bad"), "must not be negative");
    }
    if method == Method::Occurrences {
        // What an SLA is answered with can be put back: the usual slice stands there, too.
        let others = [
            ("slice", slice != SliceLength::default()),
            ("slice_target", slice_target.is_some()),
        ];
        for (field, _) in others.into_iter().filter(|(_, is_there)| *is_there) {
            faults.add(
                &below(pointer, field),
                "is for the methods timeslices and ratio_timeslices",
            );
        }
        if no_traffic != NoTraffic::Excluded {
            faults.add(
                &below(pointer, "no_traffic"),
                "must be excluded where the method is occurrences",
            );
        }
    }
    if method == Method::Timeslices && slice_target.or(target).is_none() {
        faults.add(
            pointer,
            "must have slice_target or target: the method is timeslices",
        );
    }
    let about = about::about(fields, pointer, faults);
    let events = events?;
    if events.composite.is_some() && !by.is_empty() {
        faults.add(
            &below(pointer, "by"),
            "is not for a composite, which takes the events of each part together",
        );
    }
    let objective = EventsObjective::new(events, by);
    Some(EventsObjective {
        id: given.unwrap_or_else(|| objective.id.clone()),
        target,
        budget_window,
        method,
        slice,
        slice_target,
        no_traffic,
        min_bad: min_bad.unwrap_or(objective.min_bad),
        alerts,
        runbook,
        expect,
        about,
        ..objective
    })
}

fn events(fields: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> Option<Events> {
    let pointer = below(pointer, "events");
    let given = match fields.get("events") {
        Some(Value::Object(given)) => given,
        _ => {
            faults.add(
                &pointer,
                "must be an object with two of good, bad and total, or with composite",
            );
            return None;
        }
    };
    let before = faults.0.len();
    for field in given.keys() {
        if !matches!(field.as_str(), "good" | "bad" | "total" | "composite") {
            faults.add(
                &below(&pointer, field),
                "is not good, bad, total or composite",
            );
        }
    }
    let mut sum = |name: &str| {
        let text = text(given, &pointer, name, faults)?;
        let at = below(&pointer, name);
        if text.trim().is_empty() {
            faults.add(&at, "is empty");
        } else if text.len() > LONGEST_SUM {
            faults.add(&at, format!("is longer than {LONGEST_SUM} bytes"));
        }
        Some(text.trim().to_owned())
    };
    let events = Events {
        good: sum("good"),
        bad: sum("bad"),
        total: sum("total"),
        composite: None,
    };
    if let Some(composite) = given.get("composite") {
        let at = below(&pointer, "composite");
        for (name, _) in events.sums() {
            faults.add(
                &below(&pointer, name),
                "is not for a composite, which counts what its parts count",
            );
        }
        let composite = composite::composite(composite, &at, faults)?;
        return (faults.0.len() == before).then(|| Events {
            composite: Some(Box::new(composite)),
            ..Events::default()
        });
    }
    if faults.0.len() > before {
        return None;
    }
    if events.given().is_none() {
        faults.add(
            &pointer,
            "must have two of good, bad and total, or composite",
        );
        return None;
    }
    Some(events)
}

fn by(fields: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> Vec<String> {
    let pointer = below(pointer, "by");
    let given = match fields.get("by") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(given)) => given,
        Some(_) => {
            faults.add(&pointer, "must be a list of label names");
            return Vec::new();
        }
    };
    if given.len() > MOST_LABELS {
        faults.add(&pointer, format!("has more than {MOST_LABELS} labels"));
        return Vec::new();
    }
    let mut by = Vec::new();
    for (position, name) in given.iter().enumerate() {
        let at = format!("{pointer}/{position}");
        match name {
            Value::String(name) if is_label_name(name) && name.len() <= LONGEST_LABEL => {
                if by.contains(name) {
                    faults.add(&at, format!("appears twice: {name}"));
                } else {
                    by.push(name.clone());
                }
            }
            _ => faults.add(
                &at,
                format!("must be a label name, 1 to {LONGEST_LABEL} bytes"),
            ),
        }
    }
    by.sort();
    by
}
