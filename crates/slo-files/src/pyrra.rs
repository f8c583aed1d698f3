//! Pyrra: one SLO per object of its Kubernetes kind.

use std::{collections::BTreeMap, time::Duration};

use domain::sla::{BudgetWindow, Origin};
use promql::Selector;
use serde_json::{Map, Value, json};

use crate::{
    ImportOrigin,
    alerts::{self, Carried},
    documents::Document,
    fields::Fields,
    names::{self, Id},
    report::{Note, Refused},
    slo::{self, Objective, Owner, Query, Slo, Sum},
};

/// An object of kind `ServiceLevelObjective`.
pub(crate) fn slo(document: &Document) -> Result<Slo, Refused> {
    let fields = Fields::of(&document.value, document.place.clone())?;
    for name in ["apiVersion", "kind"] {
        fields.get(name);
    }
    let mut notes = Vec::new();
    let metadata = fields.required("metadata")?;
    let name = metadata.required_text("name")?;
    let namespace = metadata.text("namespace")?.unwrap_or_default();
    let annotations = slo::annotations(&metadata, &mut notes)?;
    let spec = fields.required("spec")?;
    let about = slo::about(None, spec.label("description")?, annotations, &mut notes);
    let mut objective = Map::new();
    let target = slo::target(&spec, "target", &mut notes)?;
    objective.insert("target".to_owned(), json!(target));
    let period = window(&spec, &mut notes)?;
    objective.insert(
        "budget_window".to_owned(),
        json!(BudgetWindow::Rolling(period)),
    );
    indicator(&spec.required("indicator")?, &mut objective, &mut notes)?;
    let pairs = alerting(&spec, period, &mut notes)?;
    objective.insert("alerts".to_owned(), Value::Array(pairs));
    let sources = BTreeMap::from([
        ("target", spec.at("target")),
        ("budget_window", spec.at("window")),
        ("events", spec.at("indicator")),
        ("query", spec.at("indicator")),
        ("by", spec.at("indicator")),
        ("alerts", spec.at("alerting")),
    ]);
    let named_at = metadata.at("name");
    metadata.finish(&mut notes);
    spec.finish(&mut notes);
    fields.finish(&mut notes);
    Ok(Slo {
        owner: Owner {
            name: name.to_owned(),
            place: named_at.clone(),
            origin: ImportOrigin::Document(Origin {
                format: "pyrra.dev/v1alpha1".to_owned(),
                kind: "ServiceLevelObjective".to_owned(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            }),
            about,
            is_shared: false,
        },
        objectives: vec![Objective {
            id: Id::Chosen(names::slug(name)),
            named_at,
            place: document.place.clone(),
            fields: objective,
            sources,
            notes: Vec::new(),
        }],
        notes,
    })
}

fn window(spec: &Fields<'_>, notes: &mut Vec<Note>) -> Result<Duration, Refused> {
    let Some(text) = spec.text("window")? else {
        notes.push(Note::at(spec.at("window"), "is missing: the window is 30d"));
        return Ok(Duration::from_secs(30 * 86_400));
    };
    match text.parse() {
        Ok(BudgetWindow::Rolling(length)) => Ok(length),
        Ok(BudgetWindow::Calendar(_)) => Err(Refused::at(spec.at("window"), "must be a duration")),
        Err(error) => Err(Refused::at(spec.at("window"), format!("{error}"))),
    }
}

/// A selector, and where it stands.
fn metric<'a>(indicator: &Fields<'a>, name: &str, notes: &mut Vec<Note>) -> Result<Sum, Refused> {
    let query = indicator.required(name)?;
    let sum = Sum::read(name, &Query::read(&query, "metric", notes)?)?;
    query.finish(notes);
    Ok(sum)
}

fn indicator(
    indicator: &Fields<'_>,
    objective: &mut Map<String, Value>,
    notes: &mut Vec<Note>,
) -> Result<(), Refused> {
    if indicator.has("latencyNative") {
        let reason = "native histograms cannot be counted: use `latency` with the buckets of a classic histogram";
        return Err(Refused::at(indicator.at("latencyNative"), reason));
    }
    let kinds = ["ratio", "latency", "bool_gauge"];
    let given: Vec<&str> = kinds
        .into_iter()
        .filter(|kind| indicator.has(kind))
        .collect();
    let [kind] = given[..] else {
        let reason = "must have one of ratio, latency and bool_gauge";
        return Err(Refused::at(indicator.place().clone(), reason));
    };
    let fields = indicator.required(kind)?;
    let grouping = fields.texts("grouping")?;
    match kind {
        "bool_gauge" => {
            let query = Query::read(&fields, "metric", notes)?;
            objective.insert("query".to_owned(), json!(query.text));
            objective.insert("min".to_owned(), json!(1));
            if !grouping.is_empty() {
                let what = "a range objective judges each series, so it has no `by`";
                notes.push(Note::at(fields.at("grouping"), what));
            }
        }
        _ => {
            let (name, part) = if kind == "ratio" {
                ("errors", "bad")
            } else {
                ("success", "good")
            };
            let (counted, total) = (
                metric(&fields, name, notes)?,
                metric(&fields, "total", notes)?,
            );
            if kind == "latency" && !counted.sum.selectors.iter().all(has_a_bucket) {
                let reason = "must have a matcher of `le`: the bucket of what is fast enough";
                return Err(Refused::at(fields.at(name).below("metric"), reason));
            }
            slo::count(objective, (part, &counted), ("total", &total), notes)?;
            if !grouping.is_empty() {
                objective.insert("by".to_owned(), json!(grouping));
            }
        }
    }
    fields.finish(notes);
    indicator.note_unread(notes);
    Ok(())
}

fn has_a_bucket(selector: &Selector) -> bool {
    let mut matchers = selector.matchers.iter();
    matchers.any(|matcher| matcher.label == "le")
}

fn alerting(
    spec: &Fields<'_>,
    period: Duration,
    notes: &mut Vec<Note>,
) -> Result<Vec<Value>, Refused> {
    let mut carried = Carried::default();
    let mut is_disabled = false;
    if let Some(alerting) = spec.fields("alerting")? {
        carried.call(alerting.label("name")?, notes);
        is_disabled = alerting.flag("disabled")?.unwrap_or(false)
            || !alerting.flag("burnrates")?.unwrap_or(true);
        for name in ["absent", "absentName"] {
            if alerting.get(name).is_some() {
                let what =
                    "has no use here: SlacastNoData says when no series of an objective is there";
                notes.push(Note::at(alerting.at(name), what));
            }
        }
        if is_disabled {
            alerting.note_left_out(&["name"], alerts::DISABLED, notes);
        }
        alerting.finish(notes);
    }
    if is_disabled {
        return Ok(Vec::new());
    }
    Ok(alerts::pyrra(period)
        .iter()
        .map(|pair| alerts::entry(pair, &carried))
        .collect())
}
