//! SLOs of OpenSLO v1alpha: the ratio stands in the objective, the threshold in the SLO.

use serde_json::Value;

use super::{
    belongs_to, choose_ids,
    indicator::{Indicator, Measure},
    named, objective,
    others::Others,
    policies, window,
};
use crate::{
    documents::Document,
    fields::Fields,
    report::{Note, Refused},
    slo::{self, Counters, Query, Slo},
};

/// A document of kind SLO.
pub(crate) fn slo(document: &Document) -> Result<Slo, Refused> {
    let fields = Fields::of(&document.value, document.place.clone())?;
    for name in ["apiVersion", "kind"] {
        fields.get(name);
    }
    let mut notes = Vec::new();
    let metadata = fields.required("metadata")?;
    let named = named(&metadata, "openslo/v1alpha", &mut notes)?;
    let spec = fields.required("spec")?;
    let mut about = named.annotations.clone();
    if let Some(service) = spec.text("service")? {
        belongs_to(service, &mut about, &metadata, &mut notes, &spec);
    }
    let about = slo::about(
        named.display_name.clone(),
        spec.label("description")?,
        about,
        &mut notes,
    );
    let common = objective::Common {
        budgeting: objective::Budgeting::read(&spec, &mut notes)?,
        window: window::read_alpha(&spec, &mut notes)?,
        alerts: policies::read(&spec, &Others::default(), &mut notes)?,
        alerts_at: spec.at("alertPolicies"),
    };
    let threshold = threshold(&spec, &mut notes)?;
    let items = spec.items("objectives")?;
    if items.is_empty() {
        return Err(Refused::at(spec.at("objectives"), "must have an objective"));
    }
    let count = items.len();
    let mut objectives = Vec::new();
    for (place, item) in items {
        let entry = Fields::of(item, place)?;
        let indicator = match (ratio(&entry)?, &threshold) {
            (Some(ratio), _) => ratio,
            (None, Some(threshold)) => Indicator {
                measure: Measure::Threshold(threshold.clone()),
                notes: Vec::new(),
            },
            (None, None) => {
                let reason = "is missing, and the SLO has no `indicator`";
                return Err(Refused::at(entry.at("ratioMetrics"), reason));
            }
        };
        objectives.push(objective::read(entry, &indicator, &common)?);
    }
    choose_ids(&mut objectives, &named.name, count);
    spec.finish(&mut notes);
    let place = metadata.at("name");
    metadata.finish(&mut notes);
    fields.finish(&mut notes);
    Ok(Slo {
        owner: named.owner(place, about),
        objectives,
        notes,
    })
}

fn threshold(spec: &Fields<'_>, notes: &mut Vec<Note>) -> Result<Option<Query>, Refused> {
    let Some(indicator) = spec.fields("indicator")? else {
        return Ok(None);
    };
    if let Some(metadata) = indicator.fields("metadata")? {
        metadata.get("name");
        metadata.finish(notes);
    }
    let inner = indicator.fields("spec")?;
    let holder = inner.as_ref().unwrap_or(&indicator);
    let metric = holder.required("thresholdMetric")?;
    let query = query(&metric, notes)?;
    metric.finish(notes);
    if let Some(inner) = inner {
        inner.finish(notes);
    }
    indicator.finish(notes);
    Ok(Some(query))
}

fn ratio(entry: &Fields<'_>) -> Result<Option<Indicator>, Refused> {
    let Some(ratio) = entry.fields("ratioMetrics")? else {
        return Ok(None);
    };
    let mut notes = Vec::new();
    // Both names were in use.
    let counter = if ratio.has("incremental") {
        "incremental"
    } else {
        "counter"
    };
    let counters = Counters::of_flag(&ratio, counter)?;
    let mut read = |name: &'static str| -> Result<Option<(&'static str, Query)>, Refused> {
        let Some(fields) = ratio.fields(name)? else {
            return Ok(None);
        };
        let query = query(&fields, &mut notes)?;
        fields.finish(&mut notes);
        Ok(Some((name, query)))
    };
    let given = [read("good")?, read("bad")?, read("total")?];
    let mut given = given.into_iter().flatten();
    let (Some(one), Some(other), None) = (given.next(), given.next(), given.next()) else {
        let reason = "must have two of good, bad and total";
        return Err(Refused::at(ratio.place().clone(), reason));
    };
    ratio.finish(&mut notes);
    Ok(Some(Indicator {
        measure: Measure::Ratio {
            one,
            other,
            counters,
        },
        notes,
    }))
}

fn query(fields: &Fields<'_>, notes: &mut Vec<Note>) -> Result<Query, Refused> {
    for (name, expected) in [("source", "prometheus"), ("queryType", "promql")] {
        if let Some(value) = fields.get(name)
            && !value
                .as_str()
                .is_some_and(|text| text.eq_ignore_ascii_case(expected))
        {
            let reason = format!("must be {expected}: {} cannot be asked here", shown(value));
            return Err(Refused::at(fields.at(name), reason));
        }
    }
    let query = Query::read(fields, "query", notes)?;
    fields.note_unread(notes);
    Ok(query)
}

fn shown(value: &Value) -> String {
    value.to_string().chars().take(64).collect()
}
