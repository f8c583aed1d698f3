//! The alerts of an SLO: policies with conditions, inline or by reference.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Others, required_number, window::length};
use crate::{
    alerts::{self, Carried, Pair, SEVERITY, Urgency, other_severity},
    fields::Fields,
    report::{Note, Place, Refused},
};

const MINUTE: Duration = Duration::from_secs(60);
const DESCRIPTION: &str = "description";

/// The entries of `alerts`; `None` where no policy says anything that can be used: then the usual alerts hold.
pub(super) fn read(
    spec: &Fields<'_>,
    others: &Others<'_>,
    notes: &mut Vec<Note>,
) -> Result<Option<Vec<Value>>, Refused> {
    let mut entries = Vec::new();
    let mut is_off = false;
    for (place, item) in spec.items("alertPolicies")? {
        let found = match item {
            Value::String(name) => referred(name, place, "AlertPolicy", others, notes)?,
            _ => inline(
                item,
                place,
                ("alertPolicyRef", "AlertPolicy"),
                others,
                notes,
            )?,
        };
        if let Some(policy) = found {
            is_off |= self::policy(policy, others, &mut entries, notes)?;
        }
    }
    Ok((is_off || !entries.is_empty()).then_some(entries))
}

/// What a policy or condition is: written here, or in a document that is referred to. `None` where that is missing, which is
/// noted.
fn inline<'a>(
    item: &'a Value,
    place: Place,
    (reference, kind): (&str, &str),
    others: &Others<'a>,
    notes: &mut Vec<Note>,
) -> Result<Option<Fields<'a>>, Refused> {
    let fields = Fields::of(item, place)?;
    match fields.text(reference)? {
        Some(name) => {
            let found = referred(name, fields.at(reference), kind, others, notes)?;
            fields.finish(notes);
            Ok(found)
        }
        None => Ok(Some(fields)),
    }
}

fn referred<'a>(
    name: &str,
    place: Place,
    kind: &str,
    others: &Others<'a>,
    notes: &mut Vec<Note>,
) -> Result<Option<Fields<'a>>, Refused> {
    match others.refer(kind, name) {
        Some(document) => Ok(Some(Fields::of(&document.value, document.place.clone())?)),
        None => {
            let what = format!("is left out: there is no {kind} `{name}` in this body");
            notes.push(Note::at(place, what));
            Ok(None)
        }
    }
}

/// What the metadata of a policy or condition say: labels and annotations, and what people call it.
fn metadata(
    fields: &Fields<'_>,
    carried: &mut Carried,
    notes: &mut Vec<Note>,
) -> Result<(), Refused> {
    for name in ["apiVersion", "kind"] {
        fields.get(name);
    }
    let Some(metadata) = fields.fields("metadata")? else {
        return Ok(());
    };
    // A name is there to be referred to.
    metadata.get("name");
    if let Some(name) = metadata.text("displayName")? {
        carried.name = Some(name.to_owned());
    }
    carried.label(metadata.labels("labels")?);
    carried.annotate(metadata.labels("annotations")?);
    metadata.finish(notes);
    Ok(())
}

/// Adds the alerts of a policy. Returns whether it says that there are to be none.
fn policy(
    policy: Fields<'_>,
    others: &Others<'_>,
    entries: &mut Vec<Value>,
    notes: &mut Vec<Note>,
) -> Result<bool, Refused> {
    let mut carried = Carried::default();
    metadata(&policy, &mut carried, notes)?;
    let spec = policy.required("spec")?;
    if let Some(description) = spec.text(DESCRIPTION)? {
        carried.annotate(vec![(DESCRIPTION, description.to_owned())]);
    }
    for name in ["alertWhenNoData", "alertWhenResolved"] {
        if spec.get(name).is_some() {
            let what = "is left out: alerts are sent when they fire and when they resolve, and SlacastNoData says when nothing is measured";
            notes.push(Note::at(spec.at(name), what));
        }
    }
    if spec.get("notificationTargets").is_some() {
        let what = "are left out: ALERTMANAGER_URLS and ALERT_WEBHOOKS say who gets alerts";
        notes.push(Note::at(spec.at("notificationTargets"), what));
    }
    let (said, first) = (carried.clone(), entries.len());
    let is_off = spec.flag("alertWhenBreaching")? == Some(false);
    let conditions = spec.items("conditions")?;
    if is_off && !conditions.is_empty() {
        let what = "are left out: `alertWhenBreaching` is false";
        notes.push(Note::at(spec.at("conditions"), what));
    } else {
        for (place, item) in conditions {
            let names = ("conditionRef", "AlertCondition");
            if let Some(found) = inline(item, place, names, others, notes)? {
                entries.extend(condition(found, carried.clone(), notes)?);
            }
        }
    }
    let metadata = policy.at("metadata");
    let name = said
        .name
        .iter()
        .map(|name| (None, "name", name, metadata.below("displayName")));
    let labels = said.labels.iter().map(|(name, text)| {
        let place = metadata.below("labels").below(name);
        (Some("labels"), name.as_str(), text, place)
    });
    let annotations = said.annotations.iter().map(|(name, text)| {
        let is_of_spec = name == DESCRIPTION && spec.has(DESCRIPTION);
        let place = if is_of_spec {
            spec.at(DESCRIPTION)
        } else {
            metadata.below("annotations").below(name)
        };
        (Some("annotations"), name.as_str(), text, place)
    });
    for (of, name, text, place) in name.chain(labels).chain(annotations) {
        let has_it = |entry: &Value| {
            let holder = of.map_or(Some(entry), |of| entry.get(of));
            let own = holder.and_then(|holder| holder.get(name));
            // A label `severity` may be the entry's own.
            let own = own.or_else(|| entry.get(SEVERITY).filter(|_| name == SEVERITY));
            own == Some(&json!(text))
        };
        if !entries[first..].iter().any(has_it) {
            let what = "is left out: no alert of the policy has it";
            notes.push(Note::at(place, what));
        }
    }
    spec.finish(notes);
    policy.finish(notes);
    Ok(is_off)
}

/// The alert that a condition is, if it can be one.
fn condition(
    fields: Fields<'_>,
    mut carried: Carried,
    notes: &mut Vec<Note>,
) -> Result<Option<Value>, Refused> {
    metadata(&fields, &mut carried, notes)?;
    let spec = fields.required("spec")?;
    if let Some(description) = spec.text(DESCRIPTION)? {
        carried.annotate(vec![(DESCRIPTION, description.to_owned())]);
    }
    let urgency = match spec.text("severity")? {
        Some("page") => Urgency::Page,
        Some("ticket") | None => Urgency::Ticket,
        Some(word) => {
            notes.push(other_severity(spec.at(SEVERITY), word, Urgency::Ticket));
            carried.label(vec![(SEVERITY, word.to_owned())]);
            Urgency::Ticket
        }
    };
    let condition = spec.required("condition")?;
    let pair = burn(&condition, urgency, notes)?;
    condition.finish(notes);
    spec.finish(notes);
    fields.finish(notes);
    Ok(pair.map(|pair| alerts::entry(&pair, &carried)))
}

fn burn(
    condition: &Fields<'_>,
    urgency: Urgency,
    notes: &mut Vec<Note>,
) -> Result<Option<Pair>, Refused> {
    let kind = condition.text("kind")?.unwrap_or("burnrate");
    if !kind.eq_ignore_ascii_case("burnrate") {
        let what = format!("is left out: only burn rates can be alerted by, not `{kind}`");
        notes.push(Note::at(condition.at("kind"), what));
        return Ok(None);
    }
    let factor = required_number(condition, "threshold")?;
    let long = length(condition, "lookbackWindow")?;
    let long = long.ok_or_else(|| Refused::at(condition.at("lookbackWindow"), "is missing"))?;
    let short = length(condition, "alertAfter")?;
    match condition.text("op")? {
        Some("gt" | "gte") => {}
        None => {
            let what = "is missing: the alert fires when the burn rate is above the threshold";
            notes.push(Note::at(condition.at("op"), what));
        }
        Some(op) => {
            let what = format!(
                "`{op}` is left out with its condition: a burn rate alerts when it is too high"
            );
            notes.push(Note::at(condition.at("op"), what));
            return Ok(None);
        }
    }
    Ok(Some(Pair {
        urgency,
        long,
        short: short.unwrap_or_else(|| twelfth(long)),
        factor,
    }))
}

/// A twelfth in whole minutes, at least one.
fn twelfth(long: Duration) -> Duration {
    let minutes = (long.as_secs() as f64 / 12.0 / MINUTE.as_secs() as f64).round();
    MINUTE * (minutes as u32).max(1)
}
