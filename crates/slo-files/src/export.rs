//! An SLA as OpenSLO v1: one document of kind SLO per objective. What OpenSLO has no word for is in annotations, of which
//! [`read`](crate::read) makes the same SLA again.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    digest::digest,
    sla::{
        About, AlertPair, AnyObjective, BudgetWindow, EventsObjective, Given, Method, Objective,
        SlaName,
    },
};
use serde_json::{Map, Value, json};

use crate::composite;

/// The annotation that names the SLA.
pub(crate) const SLA: &str = "slacast/sla";
/// The annotation that has the objective's id.
pub(crate) const OBJECTIVE: &str = "slacast/objective";
/// The annotation that has the objective as JSON.
pub(crate) const DOCUMENT: &str = "slacast/document";
/// The annotation that has `display_name`, `description` and `annotations` of the SLA as JSON.
pub(crate) const ABOUT: &str = "slacast/about";

/// What the target is where the objective has none: OpenSLO needs one.
const NO_TARGET: f64 = 0.999;
const LONGEST_NAME: usize = 63;
/// The length of budgets that no calendar says, for the factor of a share of a budget.
const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// Writes an SLA as YAML.
pub fn export(sla: &SlaName, about: &About, objectives: &[AnyObjective]) -> String {
    let mut out = String::new();
    let names = names(sla, objectives);
    for (objective, name) in objectives.iter().zip(names) {
        out.push_str("---\n");
        if target(objective).is_none() {
            out.push_str("# The objective has no target. OpenSLO needs one, so 0.999 is written here; slacast/document says null.\n");
        }
        if let AnyObjective::Range(objective) = objective
            && objective.query.is_none()
        {
            out.push_str("# The query is the name of a metric of metrics.toml and the labels of its series.\n");
        }
        if let AnyObjective::Events(objective) = objective
            && objective.events.composite.is_some()
        {
            out.push_str("# A composite, which slacast/document says exactly; the query says about the same.\n");
        }
        write_fields(&slo(sla, about, objective, &name), 0, &mut out);
    }
    out
}

/// An objective as a document of kind SLO.
pub(crate) fn slo(
    sla: &SlaName,
    about: &About,
    objective: &AnyObjective,
    name: &str,
) -> Map<String, Value> {
    let mut annotations = texts(&about.annotations.0);
    annotations.insert(SLA.to_owned(), json!(sla));
    annotations.insert(OBJECTIVE.to_owned(), json!(objective.id()));
    annotations.insert(DOCUMENT.to_owned(), json!(document(objective).to_string()));
    if *about != About::default() {
        annotations.insert(ABOUT.to_owned(), json!(json!(about).to_string()));
    }
    let mut metadata = object([
        ("name", json!(name)),
        ("annotations", Value::Object(annotations)),
    ]);
    if let Some(display_name) = &about.display_name {
        metadata.insert("displayName".to_owned(), json!(display_name));
    }
    let service = about.annotations.0.get("service");
    let (indicator, method, entry) = match objective {
        AnyObjective::Events(objective) => of_events(objective),
        AnyObjective::Range(objective) => of_range(objective),
    };
    let mut spec = object([
        (
            "service",
            json!(service.map_or(sla.as_str(), String::as_str)),
        ),
        (
            "indicator",
            json!({"metadata": {"name": name}, "spec": indicator}),
        ),
        ("budgetingMethod", json!(method)),
        ("timeWindow", json!([time_window(window(objective))])),
        ("objectives", json!([entry])),
    ]);
    if let Some(description) = &about.description {
        spec.insert("description".to_owned(), json!(description));
    }
    let policies = policies(objective, name);
    if !policies.is_empty() {
        spec.insert("alertPolicies".to_owned(), Value::Array(policies));
    }
    object([
        ("apiVersion", json!("openslo/v1")),
        ("kind", json!("SLO")),
        ("metadata", Value::Object(metadata)),
        ("spec", Value::Object(spec)),
    ])
}

/// An objective as `POST /sla` takes it.
fn document(objective: &AnyObjective) -> Value {
    let mut document = json!(objective);
    let unwanted: &[&str] = match objective {
        AnyObjective::Range(objective) if objective.query.is_some() => &["metric"],
        AnyObjective::Events(objective) if objective.method == Method::Occurrences => {
            &["slice", "slice_target"]
        }
        _ => &[],
    };
    if let Value::Object(fields) = &mut document {
        for field in unwanted {
            fields.remove(*field);
        }
    }
    document
}

fn target(objective: &AnyObjective) -> Option<f64> {
    match objective {
        AnyObjective::Events(objective) => objective.target,
        AnyObjective::Range(objective) => objective.target,
    }
}

fn window(objective: &AnyObjective) -> BudgetWindow {
    match objective {
        AnyObjective::Events(objective) => objective.budget_window,
        AnyObjective::Range(objective) => objective.budget_window,
    }
}

fn source(query: &str) -> Value {
    json!({"metricSource": {"type": "Prometheus", "spec": {"query": query}}})
}

fn entry(about: &About, target: Option<f64>) -> Map<String, Value> {
    let mut entry = object([("target", json!(target.unwrap_or(NO_TARGET)))]);
    if let Some(name) = &about.display_name {
        entry.insert("displayName".to_owned(), json!(name));
    }
    entry
}

/// The indicator, the budgeting method and the entry of `objectives`.
fn of_events(objective: &EventsObjective) -> (Value, &'static str, Map<String, Value>) {
    let events = &objective.events;
    let mut entry = entry(&objective.about, objective.target);
    let method = match objective.method {
        Method::Occurrences => "Occurrences",
        Method::Timeslices => "Timeslices",
        Method::RatioTimeslices => "RatioTimeslices",
    };
    if objective.method != Method::Occurrences {
        entry.insert("timeSliceWindow".to_owned(), json!(objective.slice.name()));
    }
    if objective.method == Method::Timeslices {
        let share = objective.slice_target().unwrap_or(NO_TARGET);
        entry.insert("timeSliceTarget".to_owned(), json!(share));
    }
    if let Some(composite) = &events.composite {
        let ratio = json!({"rawType": "failure", "raw": source(&composite::query(composite))});
        return (json!({ "ratioMetric": ratio }), method, entry);
    }
    let sum = |sum: &Option<String>| sum.clone().unwrap_or_default();
    let (part, counted, total) = match events.given() {
        Some(Given::BadTotal) => ("bad", sum(&events.bad), sum(&events.total)),
        // OpenSLO wants the total. Each on a line of its own: the first may end with a comment.
        Some(Given::GoodBad) => {
            let total = format!("{}\n+ {}", sum(&events.good), sum(&events.bad));
            ("good", sum(&events.good), total)
        }
        _ => ("good", sum(&events.good), sum(&events.total)),
    };
    let ratio = json!({"counter": true, part: source(&counted), "total": source(&total)});
    (json!({ "ratioMetric": ratio }), method, entry)
}

fn of_range(objective: &Objective) -> (Value, &'static str, Map<String, Value>) {
    let (query, step) = match &objective.query {
        Some(query) => (query.text.clone(), query.step),
        None => {
            let labels = &objective.labels;
            let labels = if labels.0.is_empty() {
                String::new()
            } else {
                labels.to_string()
            };
            (
                format!("{}{labels}", objective.metric),
                Duration::from_secs(60),
            )
        }
    };
    let mut entry = entry(&objective.about, objective.target);
    let (op, value) = match (objective.max, objective.min) {
        (Some(max), _) => ("lte", max),
        (None, min) => ("gte", min.unwrap_or_default()),
    };
    entry.insert("op".to_owned(), json!(op));
    entry.insert("value".to_owned(), json!(value));
    entry.insert("timeSliceTarget".to_owned(), json!(1.0));
    entry.insert("timeSliceWindow".to_owned(), json!(shorthand(step)));
    (
        json!({ "thresholdMetric": source(&query) }),
        "Timeslices",
        entry,
    )
}

fn time_window(window: BudgetWindow) -> Value {
    match (window, json!(window)) {
        (BudgetWindow::Rolling(length), _) => {
            json!({"duration": shorthand(length), "isRolling": true})
        }
        (BudgetWindow::Calendar(_), calendar) => {
            let starts = calendar["starts"].as_str().unwrap_or_default();
            json!({
                "duration": calendar["calendar"],
                "isRolling": false,
                "calendar": {"startTime": starts.replace('T', " "), "timeZone": calendar["time_zone"]},
            })
        }
    }
}

/// A duration in one unit: OpenSLO has no others.
fn shorthand(length: Duration) -> String {
    let seconds = length.as_secs();
    for (unit, size) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds >= size && seconds.is_multiple_of(size) {
            return format!("{}{unit}", seconds / size);
        }
    }
    format!("{seconds}s")
}

fn policies(objective: &AnyObjective, name: &str) -> Vec<Value> {
    let (alerts, window) = match objective {
        AnyObjective::Events(objective) => (&objective.alerts, objective.budget_window),
        AnyObjective::Range(objective) => (&objective.alerts, objective.budget_window),
    };
    let length = match window {
        BudgetWindow::Rolling(length) => length,
        BudgetWindow::Calendar(_) => MONTH,
    };
    let pairs = alerts.iter().flatten().enumerate();
    pairs
        .map(|(position, pair)| policy(pair, length, &numbered(name, position + 1)))
        .collect()
}

fn policy(pair: &AlertPair, length: Duration, name: &str) -> Value {
    let mut metadata = object([("name", json!(name))]);
    if let Some(display_name) = &pair.name {
        metadata.insert("displayName".to_owned(), json!(display_name));
    }
    for (field, labels) in [("labels", &pair.labels), ("annotations", &pair.annotations)] {
        if !labels.0.is_empty() {
            metadata.insert(field.to_owned(), Value::Object(texts(&labels.0)));
        }
    }
    json!({
        "kind": "AlertPolicy",
        "metadata": {"name": name},
        "spec": {
            "alertWhenBreaching": true,
            "conditions": [{
                "kind": "AlertCondition",
                "metadata": metadata,
                "spec": {
                    "severity": pair.severity,
                    "condition": {
                        "kind": "burnrate",
                        "op": "gte",
                        "threshold": pair.pace.factor(pair.long, length),
                        "lookbackWindow": shorthand(pair.long),
                        "alertAfter": shorthand(pair.short),
                    },
                },
            }],
        },
    })
}

/// A name for each objective that is valid in OpenSLO, each another one.
fn names(sla: &SlaName, objectives: &[AnyObjective]) -> Vec<String> {
    let plain = |objective: &AnyObjective| valid(&format!("{sla}-{}", objective.id()));
    let names: Vec<String> = objectives.iter().map(plain).collect();
    let mut counts = BTreeMap::<&str, usize>::new();
    for name in &names {
        *counts.entry(name).or_default() += 1;
    }
    let names = names.iter().zip(objectives).map(|(name, objective)| {
        if counts.get(name.as_str()) == Some(&1) {
            return name.clone();
        }
        let digest: [u8; 4] = digest([sla.as_str(), objective.id().as_str()]);
        let digest = format!("-{:08x}", u32::from_be_bytes(digest));
        cut(name, LONGEST_NAME - digest.len()) + &digest
    });
    names.collect()
}

/// The label of a domain name that a text becomes (RFC 1123).
fn valid(text: &str) -> String {
    let characters = text.chars().map(|c| match c.to_ascii_lowercase() {
        c if c.is_ascii_lowercase() || c.is_ascii_digit() => c,
        _ => '-',
    });
    let name: String = characters.collect();
    cut(name.trim_start_matches('-'), LONGEST_NAME)
}

fn cut(name: &str, longest: usize) -> String {
    let name: String = name.chars().take(longest).collect();
    name.trim_end_matches('-').to_owned()
}

fn numbered(name: &str, number: usize) -> String {
    let number = format!("-{number}");
    cut(name, LONGEST_NAME - number.len()) + &number
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn texts(texts: &BTreeMap<String, String>) -> Map<String, Value> {
    let texts = texts.iter();
    texts
        .map(|(name, text)| (name.clone(), json!(text)))
        .collect()
}

fn write_fields(fields: &Map<String, Value>, indent: usize, out: &mut String) {
    for (name, value) in fields {
        out.push_str(&" ".repeat(indent));
        out.push_str(&key(name));
        out.push(':');
        write_value(value, indent, out);
    }
}

fn write_value(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            write_fields(fields, indent + 2, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                out.push_str(&" ".repeat(indent + 2));
                out.push('-');
                write_value(item, indent + 2, out);
            }
        }
        // JSON's scalars are YAML's; texts in quotation marks are never read as something else.
        scalar => {
            out.push(' ');
            out.push_str(&scalar.to_string());
            out.push('\n');
        }
    }
}

/// A name as it is where YAML cannot take it for something else.
fn key(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-');
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(legal);
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if is_plain && !reserved.contains(&name.to_ascii_lowercase().as_str()) {
        name.to_owned()
    } else {
        json!(name).to_string()
    }
}

#[cfg(test)]
mod tests {
    use domain::{duration, sla::Draft};

    use super::*;

    #[test]
    fn names_are_valid_and_different() {
        let objective = |id: &str| json!({"id": id, "metric": "m", "max": 1});
        let long = "x".repeat(63);
        let ids = ["A.b", "a-b", "c", &long];
        let draft = json!({"name": "web", "objectives": ids.map(objective)});
        let names = names(
            &"web".parse().unwrap(),
            &Draft::parse(&draft).unwrap().objectives,
        );
        assert!(names[0].starts_with("web-a-b-") && names[1].starts_with("web-a-b-"));
        assert_ne!(names[0], names[1]);
        assert_eq!((names[2].as_str(), names[3].len()), ("web-c", 63));
    }

    #[test]
    fn durations_have_one_unit() {
        for (text, expected) in [
            ("1h30m", "90m"),
            ("4w", "28d"),
            ("90s", "90s"),
            ("1y", "365d"),
        ] {
            assert_eq!(shorthand(duration::parse(text).unwrap()), expected);
        }
    }
}
