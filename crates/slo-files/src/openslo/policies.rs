//! The alerts of an SLO: policies with conditions, inline or by reference.

use std::time::Duration;

use domain::{duration, sla::AlertPair};
use serde_json::{Value, json};

use super::{Others, required_number};
use crate::{
    alerts::{self, Carried, Pair, SEVERITY, Urgency, other_severity},
    fields::{Fields, unlabelled},
    report::{Note, Place, Refused},
};

const MINUTE: Duration = AlertPair::SHORTEST_WINDOW;
const DESCRIPTION: &str = "description";

/// The entries of `alerts`; `None` where no policy says anything that can be used: then the usual alerts hold.
pub(super) fn read(
    spec: &Fields<'_>,
    others: &Others<'_>,
    notes: &mut Vec<Note>,
) -> Result<Option<Vec<Value>>, Refused> {
    let policies = spec.items("alertPolicies")?;
    let has_policies = !policies.is_empty();
    let mut alerts = Alerts {
        others,
        entries: Vec::new(),
        is_off: false,
        left_out: Vec::new(),
        notes,
    };
    for (place, item) in policies {
        let policy = match item {
            Value::String(name) => alerts.referred(name, place, "AlertPolicy")?,
            _ => alerts.inline(item, place, ("alertPolicyRef", "AlertPolicy"))?,
        };
        if let Some(policy) = policy {
            alerts.add_policy(policy)?;
        }
    }
    let Alerts {
        entries,
        is_off,
        mut left_out,
        notes,
        ..
    } = alerts;
    let has_alerts = is_off || !entries.is_empty();
    if !has_alerts && has_policies {
        for note in &mut left_out {
            note.what.push_str("; the usual alerts hold");
        }
        if left_out.is_empty() {
            let what = "have no condition: the usual alerts hold";
            left_out.push(Note::at(spec.at("alertPolicies"), what));
        }
    }
    notes.extend(left_out);
    Ok(has_alerts.then_some(entries))
}

/// The alerts of an SLO while its policies are read.
struct Alerts<'r, 'a> {
    others: &'r Others<'a>,
    entries: Vec<Value>,
    /// Whether a policy says that there are to be none.
    is_off: bool,
    /// Why policies and conditions make no alerts.
    left_out: Vec<Note>,
    notes: &'r mut Vec<Note>,
}

impl<'a> Alerts<'_, 'a> {
    /// What a policy or condition is: written here, or in a document that is referred to. `None` where that is missing,
    /// which is noted.
    fn inline(
        &mut self,
        item: &'a Value,
        place: Place,
        (reference, kind): (&str, &str),
    ) -> Result<Option<Fields<'a>>, Refused> {
        let fields = Fields::of(item, place)?;
        match fields.text(reference)? {
            Some(name) => {
                let found = self.referred(name, fields.at(reference), kind)?;
                fields.finish(self.notes);
                Ok(found)
            }
            None => Ok(Some(fields)),
        }
    }

    fn referred(
        &mut self,
        name: &str,
        place: Place,
        kind: &str,
    ) -> Result<Option<Fields<'a>>, Refused> {
        match self.others.refer(kind, name) {
            Some(document) => Ok(Some(Fields::of(&document.value, document.place.clone())?)),
            None => {
                let what = format!("is left out: there is no {kind} `{name}` in this body");
                self.left_out.push(Note::at(place, what));
                Ok(None)
            }
        }
    }

    /// What the metadata of a policy or condition say: labels and annotations, and what people call it.
    fn metadata(&mut self, fields: &Fields<'_>, carried: &mut Carried) -> Result<(), Refused> {
        for name in ["apiVersion", "kind"] {
            fields.get(name);
        }
        let Some(metadata) = fields.fields("metadata")? else {
            return Ok(());
        };
        // A name is there to be referred to.
        metadata.get("name");
        carried.call(metadata.label("displayName")?, self.notes);
        carried.label(metadata.labels("labels", self.notes)?, self.notes);
        carried.annotate(metadata.labels("annotations", self.notes)?, self.notes);
        metadata.finish(self.notes);
        Ok(())
    }

    /// Keeps the description of a policy or condition as an annotation.
    fn describe(&mut self, spec: &Fields<'_>, carried: &mut Carried) -> Result<(), Refused> {
        let Some(description) = spec.label(DESCRIPTION)? else {
            return Ok(());
        };
        match unlabelled(DESCRIPTION, &description.text) {
            Some(what) => self.notes.push(Note::at(description.place, what)),
            None => carried.annotate(vec![description], self.notes),
        }
        Ok(())
    }

    /// Adds the alerts of a policy.
    fn add_policy(&mut self, policy: Fields<'a>) -> Result<(), Refused> {
        let mut carried = Carried::default();
        self.metadata(&policy, &mut carried)?;
        let spec = policy.required("spec")?;
        self.describe(&spec, &mut carried)?;
        for name in ["alertWhenNoData", "alertWhenResolved"] {
            if spec.get(name).is_some() {
                let what = "is left out: alerts are sent when they fire and when they resolve, and SlacastNoData says when nothing is measured";
                self.notes.push(Note::at(spec.at(name), what));
            }
        }
        if spec.get("notificationTargets").is_some() {
            let what = "are left out: ALERTMANAGER_URLS and ALERT_WEBHOOKS say who gets alerts";
            self.notes
                .push(Note::at(spec.at("notificationTargets"), what));
        }
        let first = self.entries.len();
        let is_off = spec.flag("alertWhenBreaching")? == Some(false);
        self.is_off |= is_off;
        let conditions = spec.items("conditions")?;
        if is_off && !conditions.is_empty() {
            let what = "are left out: `alertWhenBreaching` is false";
            self.notes.push(Note::at(spec.at("conditions"), what));
        } else {
            for (place, item) in conditions {
                let names = ("conditionRef", "AlertCondition");
                if let Some(found) = self.inline(item, place, names)? {
                    self.add_condition(found, carried.clone())?;
                }
            }
        }
        self.note_what_none_has(&policy, &spec, &carried, first);
        spec.finish(self.notes);
        policy.finish(self.notes);
        Ok(())
    }

    /// Notes what a policy says that no alert of it has, `first` being the first of these.
    fn note_what_none_has(
        &mut self,
        policy: &Fields<'_>,
        spec: &Fields<'_>,
        said: &Carried,
        first: usize,
    ) {
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
            if !self.entries[first..].iter().any(has_it) {
                let what = "is left out: no alert of the policy has it";
                self.notes.push(Note::at(place, what));
            }
        }
    }

    /// Adds the alert that a condition is, if it can be one.
    fn add_condition(&mut self, fields: Fields<'_>, mut carried: Carried) -> Result<(), Refused> {
        self.metadata(&fields, &mut carried)?;
        let spec = fields.required("spec")?;
        self.describe(&spec, &mut carried)?;
        let urgency = match spec.text("severity")? {
            Some("page") => Urgency::Page,
            Some("ticket") | None => Urgency::Ticket,
            Some(word) => {
                self.notes
                    .push(other_severity(spec.at(SEVERITY), word, Urgency::Ticket));
                carried.label(Vec::from_iter(spec.label(SEVERITY)?), self.notes);
                Urgency::Ticket
            }
        };
        let condition = spec.required("condition")?;
        match burn(&condition, urgency, self.notes)? {
            Ok(pair) => self.entries.push(alerts::entry(&pair, &carried)),
            Err(note) => self.left_out.push(note),
        }
        condition.finish(self.notes);
        spec.finish(self.notes);
        fields.finish(self.notes);
        Ok(())
    }
}

/// The windows and the pace of a condition; or why no alert can have them.
fn burn(
    condition: &Fields<'_>,
    urgency: Urgency,
    notes: &mut Vec<Note>,
) -> Result<Result<Pair, Note>, Refused> {
    let left_out = |name: &str, what: String| Ok(Err(Note::at(condition.at(name), what)));
    let kind = condition.text("kind")?.unwrap_or("burnrate");
    if !kind.eq_ignore_ascii_case("burnrate") {
        let what = format!("is left out: only burn rates can be alerted by, not `{kind}`");
        return left_out("kind", what);
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
            return left_out("op", what);
        }
    }
    if factor <= 0.0 {
        let what = "is left out with its condition: an alert needs one above 0";
        return left_out("threshold", what.to_owned());
    }
    let is_window = |length: Duration| {
        (MINUTE..=AlertPair::LONGEST_WINDOW).contains(&length)
            && length.as_millis().is_multiple_of(MINUTE.as_millis())
    };
    if !is_window(long) {
        let what = "is left out with its condition: a window has whole minutes, from 1m to 1y";
        return left_out("lookbackWindow", what.to_owned());
    }
    let short = short.unwrap_or_else(|| twelfth(long));
    if !is_window(short) || short > long {
        let what =
            "is left out with its condition: it has whole minutes, from 1m to `lookbackWindow`";
        return left_out("alertAfter", what.to_owned());
    }
    Ok(Ok(Pair {
        urgency,
        long,
        short,
        factor,
    }))
}

/// A duration, also one of 0.
fn length(fields: &Fields<'_>, name: &str) -> Result<Option<Duration>, Refused> {
    let Some(text) = fields.text(name)? else {
        return Ok(None);
    };
    let length = duration::parse(text);
    let length =
        length.map_err(|_| Refused::at(fields.at(name), "must be a duration such as 5m or 1h"))?;
    Ok(Some(length))
}

/// A twelfth in whole minutes, at least one.
fn twelfth(long: Duration) -> Duration {
    let minutes = (long.as_secs() as f64 / 12.0 / MINUTE.as_secs() as f64).round();
    MINUTE * (minutes as u32).max(1)
}
