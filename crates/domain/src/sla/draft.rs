mod about;
mod alerting;
mod alerts;
mod budget;
mod composite;
mod events;
mod fields;

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    About, AnyObjective, Objective, SampledQuery, SlaName,
    fields::{id, number, text, valid},
};
use crate::{
    fault::{Fault, Faults, below},
    series::MetricName,
};
use fields::{hold, labels, silence};

/// The fields of an SLA.
const SLA_FIELDS: [&str; 6] = [
    "name",
    "objectives",
    "display_name",
    "description",
    "annotations",
    "replay",
];

/// An SLA as somebody asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its name, if it was given one.
    pub name: Option<SlaName>,
    /// What it is, for people.
    pub about: About,
    /// The objectives, 1 to 10,000, in the order given, ids unique.
    pub objectives: Vec<AnyObjective>,
    /// Whether the time before is judged and counted after the fact, as far as budgets look back.
    pub replay: bool,
}

const MOST_OBJECTIVES: usize = 10_000;
/// The fields of an objective of a list that say which one it is, and what it is about.
const LISTED: [&str; 4] = ["id", "metric", "query", "step"];
/// The fields of every objective of ranges.
const FIELDS: [&str; 16] = [
    "display_name",
    "description",
    "annotations",
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
    /// by metric: `{"cpuUsage": {"min": 0, "max": 80}}`. An objective of a list may have `"query"` and `"step"?` in place of
    /// `"metric"`. One that has `events` is one of events:
    /// `{"id"?, "events": {two of "good", "bad", "total"; or "composite"}, "by"?, "target"?, "budget_window"?, "method"?, "slice"?,
    /// "slice_target"?, "no_traffic"?, "min_bad"?, "alerts"?, "runbook"?, "expect"?}`. An SLA and an objective of a list may
    /// have `"display_name"`, `"description"` and `"annotations"`.
    ///
    /// # Errors
    /// With everything that is wrong, up to 100 faults: a value of another type, an unknown field, a name, metric, query,
    /// label, id, bound, `for`, `hold` or target out of its range, an objective without a bound or with `min` above `max`,
    /// an id twice, no objective or more than 10,000.
    pub fn parse(document: &Value) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let mut draft = read(document, &mut faults)?;
        if faults.0.is_empty() {
            composite::resolve(&mut draft.objectives, &mut faults);
        }
        if faults.0.is_empty() {
            Ok(draft)
        } else {
            Err(faults.0)
        }
    }

    /// Reads an SLA of which objectives are not there yet: what the parts of a composite count is left open.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_some(document: &Value) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let draft = read(document, &mut faults)?;
        if faults.0.is_empty() {
            Ok(draft)
        } else {
            Err(faults.0)
        }
    }
}

fn read(document: &Value, faults: &mut Faults) -> Result<Draft, Vec<Fault>> {
    match document {
        Value::Object(fields)
            if fields.contains_key("name") || fields.contains_key("objectives") =>
        {
            Ok(named(fields, faults))
        }
        Value::Object(fields) => Ok(Draft {
            name: None,
            about: About::default(),
            objectives: by_metric(fields, faults),
            replay: true,
        }),
        _ => {
            faults.add("", "must be an object");
            Err(std::mem::take(&mut faults.0))
        }
    }
}

impl Draft {
    /// Its objectives as those of the SLA `sla`, whatever the draft calls it.
    pub fn objectives_of(self, sla: &SlaName) -> Vec<AnyObjective> {
        let mut objectives = self.objectives;
        for objective in &mut objectives {
            objective.belongs_to(sla);
        }
        objectives
    }

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
    faults.unknown(fields, "", &[&SLA_FIELDS], "an SLA");
    let name = text(fields, "", "name", faults)
        .and_then(|name| valid(SlaName::parse(name), "/name", faults));
    let about = about::about(fields, "", faults);
    let sla = name.clone().unwrap_or_else(SlaName::default_name);
    let objectives = match fields.get("objectives") {
        Some(Value::Array(values)) => listed(values, &sla, faults),
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
        about,
        objectives,
        replay,
    }
}

fn listed(values: &[Value], sla: &SlaName, faults: &mut Faults) -> Vec<AnyObjective> {
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
            range(fields, &pointer, sla, faults).map(AnyObjective::Range)
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

/// What an objective of ranges is about.
enum Subject {
    Metric(MetricName),
    Query(SampledQuery),
}

/// An objective of a list that is about a metric or a query.
fn range(
    fields: &Map<String, Value>,
    pointer: &str,
    sla: &SlaName,
    faults: &mut Faults,
) -> Option<Objective> {
    let is_given = |field| fields.get(field).is_some_and(|value| !value.is_null());
    let subject = if is_given("query") {
        if is_given("metric") {
            faults.add(
                &below(pointer, "metric"),
                "is not a field beside `query`: the series of a query are called SLA/ID",
            );
        }
        fields::query(fields, pointer, faults).map(Subject::Query)
    } else {
        if is_given("step") {
            faults.add(&below(pointer, "step"), "is for an objective with `query`");
        }
        let at = below(pointer, "metric");
        let metric = match fields.get("metric") {
            Some(Value::String(name)) => name,
            Some(_) => {
                faults.add(&at, "must be a string");
                return None;
            }
            None => {
                faults.add(&at, "is missing, and so is `query`");
                return None;
            }
        };
        valid(MetricName::parse(metric), &at, faults).map(Subject::Metric)
    };
    objective(subject, fields, pointer, Some(sla), faults)
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
                let subject = metric.map(Subject::Metric);
                let objective = objective(subject, range, &pointer, None, faults);
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

/// An objective from its fields; `None` without a subject. Where another is invalid the fault is noted and its default
/// taken. `listed` is the SLA of an objective of a list.
fn objective(
    subject: Option<Subject>,
    fields: &Map<String, Value>,
    pointer: &str,
    listed: Option<&SlaName>,
    faults: &mut Faults,
) -> Option<Objective> {
    let of_a_list = listed.map_or(&[][..], |_| &LISTED);
    faults.unknown(fields, pointer, &[&FIELDS, of_a_list], "an objective");
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
    let given = listed.and_then(|_| id(fields, pointer, "id", faults));
    let target = budget::share(fields, pointer, "target", faults);
    let budget_window = budget::window(fields, pointer, faults);
    let missing = budget::term(fields, pointer, "missing", faults);
    let alerts = alerts::alerts(fields, pointer, faults);
    let severity = budget::term(fields, pointer, "severity", faults);
    let runbook = alerting::runbook(fields, pointer, faults);
    let expect = alerting::expect(fields, pointer, target.is_some(), faults);
    let silence = silence(fields, pointer, faults);
    let series_end = budget::term(fields, pointer, "series_end", faults);
    let about = about::about(fields, pointer, faults);
    let objective = match (subject?, listed) {
        (Subject::Query(query), Some(sla)) => {
            Objective::on_query(sla, given, query, labels, (min, max), hold)
        }
        (Subject::Query(_), None) => return None,
        (Subject::Metric(metric), _) => {
            let objective = Objective::new(metric, labels, (min, max), hold);
            Objective {
                id: given.unwrap_or_else(|| objective.id.clone()),
                ..objective
            }
        }
    };
    Some(Objective {
        target,
        budget_window,
        missing,
        alerts,
        severity,
        runbook,
        expect,
        silence,
        series_end,
        about,
        ..objective
    })
}

#[cfg(test)]
mod tests;
