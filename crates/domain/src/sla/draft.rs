mod alerting;
mod alerts;
mod budget;
mod events;
mod fields;

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    AnyObjective, Objective, SlaName,
    fields::{id, number, text, valid},
};
use crate::{
    fault::{Fault, Faults, below},
    series::MetricName,
};
use fields::{hold, labels, silence};

/// An SLA as somebody asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its name, if it was given one.
    pub name: Option<SlaName>,
    /// The objectives, 1 to 10,000, in the order given, ids unique.
    pub objectives: Vec<AnyObjective>,
    /// Whether the time before is judged and counted after the fact, as far as budgets look back.
    pub replay: bool,
}

const MOST_OBJECTIVES: usize = 10_000;
/// The fields of every objective.
const FIELDS: [&str; 13] = [
    "labels",
    "min",
    "max",
    "for",
    "target",
    "budget_window",
    "missing",
    "alerts",
    "severity",
    "runbook",
    "expect",
    "hold",
    "series_end",
];

impl Draft {
    /// Reads `{"name": …?, "replay": …?, "objectives": [{"id": …?, "metric", "labels"?, "min"?, "max"?, "for"?, "target"?,
    /// "budget_window"?, "missing"?, "alerts"?, "severity"?, "runbook"?, "expect"?, "hold"?, "series_end"?}]}`, or ranges
    /// by metric: `{"cpuUsage": {"min": 0, "max": 80}}`. An objective of a list that has `events` is one of events:
    /// `{"id"?, "events": {two of "good", "bad", "total"}, "by"?, "target"?, "budget_window"?, "method"?, "slice"?,
    /// "slice_target"?, "no_traffic"?, "min_bad"?, "alerts"?, "runbook"?, "expect"?}`.
    ///
    /// # Errors
    /// With everything that is wrong, up to 100 faults: a value of another type, an unknown field, a name, metric, label,
    /// id, bound, `for`, `hold` or target out of its range, an objective without a bound or with `min` above `max`, an id twice, no
    /// objective or more than 10,000.
    pub fn parse(document: &Value) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let draft = match document {
            Value::Object(fields)
                if fields.contains_key("name") || fields.contains_key("objectives") =>
            {
                named(fields, &mut faults)
            }
            Value::Object(fields) => Self {
                name: None,
                objectives: by_metric(fields, &mut faults),
                replay: true,
            },
            _ => {
                faults.add("", "must be an object");
                return Err(faults.0);
            }
        };
        if faults.0.is_empty() {
            Ok(draft)
        } else {
            Err(faults.0)
        }
    }
}

impl Draft {
    /// The objectives of ranges among its own, in the order given.
    pub fn ranges(&self) -> Vec<Objective> {
        let ranges = self
            .objectives
            .iter()
            .filter_map(|objective| match objective {
                AnyObjective::Range(objective) => Some(objective.clone()),
                AnyObjective::Events(_) => None,
            });
        ranges.collect()
    }
}

fn named(fields: &Map<String, Value>, faults: &mut Faults) -> Draft {
    for field in fields
        .keys()
        .filter(|field| !matches!(field.as_str(), "name" | "objectives" | "replay"))
    {
        faults.add(&below("", field), "is not a field of an SLA");
    }
    let name = text(fields, "", "name", faults)
        .and_then(|name| valid(SlaName::parse(name), "/name", faults));
    let objectives = match fields.get("objectives") {
        Some(Value::Array(values)) => listed(values, faults),
        Some(_) => {
            faults.add("/objectives", "must be a list of objectives");
            Vec::new()
        }
        None => {
            faults.add("/objectives", "is missing");
            Vec::new()
        }
    };
    let replay = match fields.get("replay") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(replay)) => *replay,
        Some(_) => {
            faults.add("/replay", "must be true or false");
            true
        }
    };
    Draft {
        name,
        objectives,
        replay,
    }
}

fn listed(values: &[Value], faults: &mut Faults) -> Vec<AnyObjective> {
    if !is_right_number(values.len(), "/objectives", faults) {
        return Vec::new();
    }
    let mut ids = HashSet::new();
    let mut objectives = Vec::new();
    for (position, value) in values.iter().enumerate() {
        let pointer = format!("/objectives/{position}");
        let Value::Object(fields) = value else {
            faults.add(&pointer, "must be an object");
            continue;
        };
        let objective = if fields.contains_key("events") {
            events::objective(fields, &pointer, faults).map(AnyObjective::Events)
        } else {
            of_metric(fields, &pointer, faults).map(AnyObjective::Range)
        };
        let Some(objective) = objective else {
            continue;
        };
        if !ids.insert(objective.id().clone()) {
            let given = fields.contains_key("id");
            let at = if given {
                below(&pointer, "id")
            } else {
                pointer
            };
            faults.add(&at, format!("appears twice: id `{}`", objective.id()));
        }
        objectives.push(objective);
    }
    objectives
}

/// An objective of a list that is about a metric.
fn of_metric(fields: &Map<String, Value>, pointer: &str, faults: &mut Faults) -> Option<Objective> {
    let at = below(pointer, "metric");
    let metric = match fields.get("metric") {
        Some(Value::String(name)) => name,
        Some(_) => {
            faults.add(&at, "must be a string");
            return None;
        }
        None => {
            faults.add(&at, "is missing");
            return None;
        }
    };
    let metric = valid(MetricName::parse(metric), &at, faults);
    objective(metric, fields, pointer, &["id", "metric"], faults)
}

fn by_metric(fields: &Map<String, Value>, faults: &mut Faults) -> Vec<AnyObjective> {
    if !is_right_number(fields.len(), "", faults) {
        return Vec::new();
    }
    let mut objectives = Vec::new();
    for (metric, value) in fields {
        let pointer = below("", metric);
        match value {
            Value::Object(range) => {
                let metric = valid(MetricName::parse(metric), &pointer, faults);
                let objective = objective(metric, range, &pointer, &[], faults);
                objectives.extend(objective.map(AnyObjective::Range));
            }
            _ => faults.add(
                &pointer,
                "must be a range such as {\"min\": 0, \"max\": 80}",
            ),
        }
    }
    objectives
}

fn is_right_number(count: usize, pointer: &str, faults: &mut Faults) -> bool {
    if count == 0 {
        faults.add(pointer, "must have an objective");
    } else if count > MOST_OBJECTIVES {
        faults.add(
            pointer,
            format!("has {count} objectives; {MOST_OBJECTIVES} are the most"),
        );
    }
    (1..=MOST_OBJECTIVES).contains(&count)
}

/// An objective from its fields; `None` without a metric. Where another is invalid the fault is noted and its default
/// taken.
fn objective(
    metric: Option<MetricName>,
    fields: &Map<String, Value>,
    pointer: &str,
    own: &[&str],
    faults: &mut Faults,
) -> Option<Objective> {
    for field in fields.keys() {
        if !FIELDS.contains(&field.as_str()) && !own.contains(&field.as_str()) {
            faults.add(&below(pointer, field), "is not a field of an objective");
        }
    }
    let before = faults.0.len();
    let (min, max) = (
        number(fields, pointer, "min", faults),
        number(fields, pointer, "max", faults),
    );
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        faults.add(
            &below(pointer, "min"),
            format!("must not be greater than max: {min} > {max}"),
        );
    }
    if min.is_none() && max.is_none() && faults.0.len() == before {
        faults.add(pointer, "must have min or max");
    }
    let labels = labels(fields, pointer, faults);
    let hold = hold(fields, pointer, faults);
    let given = own.contains(&"id");
    let given = given.then(|| id(fields, pointer, "id", faults)).flatten();
    let target = budget::share(fields, pointer, "target", faults);
    let budget_window = budget::window(fields, pointer, faults);
    let missing = budget::term(fields, pointer, "missing", faults);
    let alerts = alerts::alerts(fields, pointer, faults);
    let severity = budget::term(fields, pointer, "severity", faults);
    let runbook = alerting::runbook(fields, pointer, faults);
    let expect = alerting::expect(fields, pointer, target.is_some(), faults);
    let silence = silence(fields, pointer, faults);
    let series_end = budget::term(fields, pointer, "series_end", faults);
    let objective = Objective::new(metric?, labels, (min, max), hold);
    Some(Objective {
        id: given.unwrap_or(objective.id),
        target,
        budget_window,
        missing,
        alerts,
        severity,
        runbook,
        expect,
        silence,
        series_end,
        ..objective
    })
}

#[cfg(test)]
mod tests;
