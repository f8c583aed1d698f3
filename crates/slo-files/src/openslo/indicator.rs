//! What an SLO measures: `indicator`, or `indicatorRef` to a document of kind SLI.

use serde_json::Value;

use super::Others;
use crate::{
    fields::Fields,
    report::{Note, Refused},
    slo::{Counters, Query},
};

/// What is measured, and what is to say of it.
#[derive(Clone, Debug)]
pub(super) struct Indicator {
    pub(super) measure: Measure,
    pub(super) notes: Vec<Note>,
}

/// What is measured.
#[derive(Clone, Debug)]
pub(super) enum Measure {
    /// A value that is compared with a limit.
    Threshold(Query),
    /// Two of good, bad and all events.
    Ratio {
        one: (&'static str, Query),
        other: (&'static str, Query),
        counters: Counters,
    },
    /// The share of good or bad events.
    Raw { query: Query, is_success: bool },
}

/// The indicator of an SLO, or of one of its objectives.
pub(super) fn of<'a>(
    fields: &Fields<'a>,
    others: &Others<'a>,
) -> Result<Option<Indicator>, Refused> {
    let mut notes = Vec::new();
    let inline = fields.fields("indicator")?;
    let reference = fields.text("indicatorRef")?;
    let spec = match (inline, reference) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let reason = "must not be there beside `indicator`";
            return Err(Refused::at(fields.at("indicatorRef"), reason));
        }
        (Some(inline), None) => inline,
        (None, Some(name)) => {
            let Some(document) = others.refer("SLI", name) else {
                let reason = format!("there is no SLI `{name}` in this body");
                return Err(Refused::at(fields.at("indicatorRef"), reason));
            };
            Fields::of(&document.value, document.place.clone())?
        }
    };
    for name in ["apiVersion", "kind"] {
        spec.get(name);
    }
    if let Some(metadata) = spec.fields("metadata")? {
        // A name is there to be referred to.
        metadata.get("name");
        metadata.finish(&mut notes);
    }
    let body = spec.required("spec")?;
    let measure = measure(&body, others, &mut notes)?;
    body.finish(&mut notes);
    spec.finish(&mut notes);
    Ok(Some(Indicator { measure, notes }))
}

fn measure(
    spec: &Fields<'_>,
    others: &Others<'_>,
    notes: &mut Vec<Note>,
) -> Result<Measure, Refused> {
    let both = (spec.fields("thresholdMetric")?, spec.fields("ratioMetric")?);
    match both {
        (Some(threshold), None) => {
            let query = source(&threshold, others, notes)?;
            threshold.finish(notes);
            Ok(Measure::Threshold(query))
        }
        (None, Some(ratio)) => {
            let measure = ratio_of(&ratio, others, notes)?;
            ratio.finish(notes);
            Ok(measure)
        }
        _ => {
            let reason = "must have one of thresholdMetric and ratioMetric";
            Err(Refused::at(spec.place().clone(), reason))
        }
    }
}

fn ratio_of(
    ratio: &Fields<'_>,
    others: &Others<'_>,
    notes: &mut Vec<Note>,
) -> Result<Measure, Refused> {
    let counters = Counters::of_flag(ratio, "counter")?;
    if let Some(raw) = ratio.fields("raw")? {
        let is_success = match ratio.required_text("rawType")? {
            "success" => true,
            "failure" => false,
            _ => {
                return Err(Refused::at(
                    ratio.at("rawType"),
                    "must be success or failure",
                ));
            }
        };
        let query = source(&raw, others, notes)?;
        raw.finish(notes);
        return Ok(Measure::Raw { query, is_success });
    }
    let mut given = Vec::new();
    for name in ["good", "bad", "total"] {
        if let Some(fields) = ratio.fields(name)? {
            given.push((name, source(&fields, others, notes)?));
            fields.finish(notes);
        }
    }
    if given.len() == 3 {
        let (_, bad) = given.remove(1);
        let what = "is left out: good and total are counted";
        notes.push(Note::at(bad.place, what));
    }
    let both: Result<[(&str, Query); 2], _> = given.try_into();
    let Ok([one, other]) = both else {
        let reason = "must have two of good, bad and total, or raw";
        return Err(Refused::at(ratio.place().clone(), reason));
    };
    Ok(Measure::Ratio {
        one,
        other,
        counters,
    })
}

/// The query of a metric source, which must be Prometheus.
fn source(
    fields: &Fields<'_>,
    others: &Others<'_>,
    notes: &mut Vec<Note>,
) -> Result<Query, Refused> {
    let source = fields.required("metricSource")?;
    let kind = source.text("type")?.map(|kind| (kind, source.at("type")));
    let mut kinds = Vec::from_iter(kind);
    if let Some(name) = source.text("metricSourceRef")? {
        match others.refer("DataSource", name) {
            Some(document) => {
                let of_document = document.value.pointer("/spec/type").and_then(Value::as_str);
                let place = document.place.below("spec").below("type");
                kinds.extend(of_document.map(|kind| (kind, place)));
            }
            None => {
                let what = format!(
                    "there is no DataSource `{name}` in this body: PROMETHEUS_URL is asked"
                );
                notes.push(Note::at(source.at("metricSourceRef"), what));
            }
        }
    }
    let mut kinds = kinds.into_iter();
    if let Some((kind, place)) = kinds.find(|(kind, _)| !kind.eq_ignore_ascii_case("prometheus")) {
        let reason = format!("must be Prometheus: `{kind}` cannot be asked here");
        return Err(Refused::at(place, reason));
    }
    let spec = source.required("spec")?;
    let query = Query::read(&spec, "query", notes)?;
    spec.finish(notes);
    source.finish(notes);
    Ok(query)
}
