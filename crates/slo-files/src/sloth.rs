//! Sloth: services with SLOs, as its own format and as its Kubernetes kind, and its alert windows.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    duration,
    sla::{BudgetWindow, Origin},
};
use promql::{EventsShare, with_a_window};
use serde_json::{Map, Value, json};

use crate::{
    ImportOrigin,
    alerts::{self, Carried, Pair, SEVERITY, Urgency, other_severity},
    documents::Document,
    fields::{Fields, Label},
    names::Id,
    report::{Note, Place, Refused, Report},
    shares,
    slo::{self, About, Counters, Objective, Owner, Query, Slo, Sum},
};

/// The window of Sloth's SLOs, and the pairs of windows that it alerts by.
pub(crate) struct Windows {
    window: BudgetWindow,
    period: Duration,
    pairs: Vec<Pair>,
    /// The alert windows of the body: where, and whether they are used.
    given: Vec<(Place, bool)>,
    notes: Vec<Note>,
}

impl Windows {
    /// Sloth's own pairs for a window.
    pub(crate) fn new(window: BudgetWindow) -> Self {
        let period = match window {
            BudgetWindow::Rolling(length) => length,
            BudgetWindow::Calendar(_) => Duration::from_secs(30 * 86_400),
        };
        Self {
            window,
            period,
            pairs: alerts::sloth(period),
            given: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Reads a document of kind `AlertWindows`, which is used where its `sloPeriod` is the window.
    pub(crate) fn read(&mut self, document: &Document) -> Result<(), Refused> {
        let mut notes = Vec::new();
        let fields = Fields::of(&document.value, document.place.clone())?;
        for name in ["apiVersion", "kind"] {
            fields.get(name);
        }
        let spec = fields.required("spec")?;
        let period = length(&spec, "sloPeriod")?;
        let mut pairs = Vec::new();
        for (name, urgency) in [("page", Urgency::Page), ("ticket", Urgency::Ticket)] {
            let windows = spec.required(name)?;
            for speed in ["quick", "slow"] {
                let window = windows.required(speed)?;
                let percent = window.number("errorBudgetPercent")?;
                let percent = percent.filter(|percent| *percent > 0.0).ok_or_else(|| {
                    Refused::at(window.at("errorBudgetPercent"), "must be greater than 0")
                })?;
                let both = (
                    length(&window, "longWindow")?,
                    length(&window, "shortWindow")?,
                );
                pairs.push(alerts::of_budget(urgency, percent, both, period));
                window.finish(&mut notes);
            }
            windows.finish(&mut notes);
        }
        spec.finish(&mut notes);
        fields.finish(&mut notes);
        let is_used = period == self.period && !self.given.iter().any(|(_, is_used)| *is_used);
        if is_used {
            self.pairs = pairs;
            self.notes.extend(notes);
        }
        self.given.push((document.place.clone(), is_used));
        Ok(())
    }

    /// Reports what is not used, without SLOs of Sloth all of it.
    pub(crate) fn finish(self, has_slos: bool, report: &mut Report) {
        for (place, is_used) in self.given {
            if !has_slos {
                let what = "alert windows without an SLO of Sloth in this body: not used";
                report.adapt_alone(Note::at(place, what));
            } else if !is_used {
                let period = duration::format(self.period);
                let what = format!(
                    "alert windows of another period than {period}, or not the first of it: not used"
                );
                report.adapt_alone(Note::at(place, what));
            }
        }
        for note in self.notes {
            report.adapt_alone(note);
        }
    }
}

fn length(fields: &Fields<'_>, name: &str) -> Result<Duration, Refused> {
    let text = fields.required_text(name)?;
    let read = duration::parse(text)
        .ok()
        .filter(|length| !length.is_zero());
    read.ok_or_else(|| Refused::at(fields.at(name), "must be a duration such as 1h or 30d"))
}

/// A document of Sloth's own format.
pub(crate) fn service(
    document: &Document,
    windows: &Windows,
    report: &mut Report,
) -> Result<Slo, Refused> {
    let fields = Fields::of(&document.value, document.place.clone())?;
    fields.get("version");
    let mut notes = Vec::new();
    let labels = fields.labels("labels", &mut notes)?;
    let about = slo::about(None, None, labels, &mut notes);
    let origin = ("prometheus/v1", String::new());
    let mut read = slos(&fields, origin, about, windows, report)?;
    read.notes.extend(notes);
    Ok(read)
}

/// An object of Sloth's Kubernetes kind.
pub(crate) fn object(
    document: &Document,
    windows: &Windows,
    report: &mut Report,
) -> Result<Slo, Refused> {
    let fields = Fields::of(&document.value, document.place.clone())?;
    for name in ["apiVersion", "kind"] {
        fields.get(name);
    }
    let mut notes = Vec::new();
    let mut namespace = String::new();
    let spec = fields.required("spec")?;
    let mut labels = spec.labels("labels", &mut notes)?;
    if let Some(metadata) = fields.fields("metadata")? {
        namespace = metadata.text("namespace")?.unwrap_or_default().to_owned();
        let more = slo::annotations(&metadata, &mut notes)?;
        for label in more.into_iter().chain(metadata.label("name")?) {
            match labels.iter().find(|kept| kept.name == label.name) {
                Some(kept) if kept.text != label.text => {
                    let Label { name, text, .. } = label;
                    let what = format!("`{name}: {text}` is left out: another value of it is kept");
                    notes.push(Note::at(metadata.place().clone(), what));
                }
                Some(_) => {}
                None => labels.push(label),
            }
        }
        metadata.finish(&mut notes);
    }
    let about = slo::about(None, None, labels, &mut notes);
    let mut read = slos(
        &spec,
        ("PrometheusServiceLevel", namespace),
        about,
        windows,
        report,
    )?;
    fields.finish(&mut notes);
    read.notes.extend(notes);
    Ok(read)
}

fn slos(
    fields: &Fields<'_>,
    (kind, namespace): (&str, String),
    about: About,
    windows: &Windows,
    report: &mut Report,
) -> Result<Slo, Refused> {
    let service = fields.required_text("service")?;
    let items = fields.items("slos")?;
    if items.is_empty() {
        return Err(Refused::at(fields.at("slos"), "must have an SLO"));
    }
    let mut objectives = Vec::new();
    for (place, item) in items {
        match objective(item, place, windows) {
            Ok(objective) => objectives.push(objective),
            // The others of the service are made.
            Err(refused) => report.refuse(refused),
        }
    }
    let mut notes = Vec::new();
    fields.note_unread(&mut notes);
    Ok(Slo {
        owner: Owner {
            name: service.to_owned(),
            place: fields.at("service"),
            origin: ImportOrigin::Document(Origin {
                format: "sloth".to_owned(),
                kind: kind.to_owned(),
                namespace,
                name: service.to_owned(),
            }),
            about,
            is_shared: true,
        },
        objectives,
        notes,
    })
}

fn objective(item: &Value, place: Place, windows: &Windows) -> Result<Objective, Refused> {
    let slo = Fields::of(item, place.clone())?;
    let name = slo.required_text("name")?;
    let mut notes = Vec::new();
    let target = slo::target(&slo, "objective", &mut notes)?;
    let labels = slo.labels("labels", &mut notes)?;
    let mut fields = slo::about(None, slo.label("description")?, labels, &mut notes).fields;
    fields.insert("target".to_owned(), json!(target));
    fields.insert("budget_window".to_owned(), json!(windows.window));
    let sli = slo.required("sli")?;
    indicator(&sli, target, &mut fields, &mut notes)?;
    sli.finish(&mut notes);
    let pairs = alerting(&slo, &windows.pairs, &mut notes)?;
    fields.insert("alerts".to_owned(), Value::Array(pairs));
    let sources = BTreeMap::from([
        ("target", slo.at("objective")),
        ("description", slo.at("description")),
        ("annotations", slo.at("labels")),
        ("query", slo.at("sli")),
        ("events", slo.at("sli")),
        ("alerts", slo.at("alerting")),
    ]);
    let named_at = slo.at("name");
    slo.finish(&mut notes);
    Ok(Objective {
        id: Id::Named(name.to_owned()),
        named_at,
        place,
        fields,
        sources,
        notes,
    })
}

/// A text that Sloth's own format and its Kubernetes kind spell differently.
fn either(fields: &Fields<'_>, names: [&str; 2], notes: &mut Vec<Note>) -> Result<Query, Refused> {
    let [first, second] = names;
    let name = if fields.has(second) { second } else { first };
    Query::read(fields, name, notes)
}

fn indicator(
    sli: &Fields<'_>,
    target: f64,
    fields: &mut Map<String, Value>,
    notes: &mut Vec<Note>,
) -> Result<(), Refused> {
    if let Some(plugin) = sli.get("plugin") {
        let id = plugin.get("id").and_then(Value::as_str).unwrap_or_default();
        let reason =
            format!("the plugin `{id}` cannot be run here: write its queries as `events` or `raw`");
        return Err(Refused::at(sli.at("plugin"), reason));
    }
    match (sli.fields("events")?, sli.fields("raw")?) {
        (Some(events), None) => {
            let bad = either(&events, ["error_query", "errorQuery"], notes)?;
            let total = either(&events, ["total_query", "totalQuery"], notes)?;
            let both = (("bad", &bad), ("total", &total));
            slo::count_queries(fields, both.0, both.1, &Counters::Unsaid, notes)?;
            events.finish(notes);
            Ok(())
        }
        (None, Some(raw)) => {
            let query = either(&raw, ["error_ratio_query", "errorRatioQuery"], notes)?;
            share(&query, false, target, fields, notes)?;
            raw.finish(notes);
            Ok(())
        }
        (None, None) => Err(Refused::at(
            sli.place().clone(),
            "must have `events` or `raw`",
        )),
        (Some(_), Some(_)) => {
            let reason = "must have either `events` or `raw`";
            Err(Refused::at(sli.place().clone(), reason))
        }
    }
}

/// A query of the share of events that are bad, or good: as counted events where it is a rate of counters by another one,
/// else as a range.
pub(crate) fn share(
    query: &Query,
    is_success: bool,
    target: f64,
    fields: &mut Map<String, Value>,
    notes: &mut Vec<Note>,
) -> Result<(), Refused> {
    let Query { text, place } = query;
    let share = EventsShare::parse(text);
    // Without rates it is a share of values: of gauges, or of rates that were recorded.
    let share = share.filter(|share| share.part.has_rates() && share.total.has_rates());
    if let Some(share) = share {
        let part = if is_success == share.is_rest {
            "bad"
        } else {
            "good"
        };
        let counted = Sum::within(share.part, place.clone());
        let total = Sum::within(share.total, place.clone());
        return slo::count(fields, (part, &counted), ("total", &total), notes);
    }
    let query = with_a_window(text);
    fields.insert("query".to_owned(), json!(query));
    if is_success {
        fields.insert("min".to_owned(), json!(target));
    } else {
        fields.insert("max".to_owned(), json!(shares::rest(target)));
    }
    let limit = if is_success { "below" } else { "above" };
    let mut what = format!("becomes a range: time {limit} the limit, not a mean");
    if query != *text {
        what.push_str("; its windows are 5m");
    }
    notes.push(Note::at(place.clone(), what));
    Ok(())
}

/// The entries of `alerts`.
fn alerting(
    slo: &Fields<'_>,
    pairs: &[Pair],
    notes: &mut Vec<Note>,
) -> Result<Vec<Value>, Refused> {
    let alerting = slo.fields("alerting")?;
    let mut carried = Carried::default();
    let mut entries = Vec::new();
    if let Some(alerting) = &alerting {
        carried.call(alerting.label("name")?, notes);
        carried.label(alerting.labels("labels", notes)?, notes);
        carried.annotate(alerting.labels("annotations", notes)?, notes);
    }
    for (urgency, names) in [
        (Urgency::Page, ["page_alert", "pageAlert"]),
        (Urgency::Ticket, ["ticket_alert", "ticketAlert"]),
    ] {
        let mut carried = carried.clone();
        let mut source = alerting.as_ref().map(|alerting| alerting.at("labels"));
        if let Some(alerting) = &alerting {
            let [first, second] = names;
            let name = if alerting.has(second) { second } else { first };
            if let Some(alert) = alerting.fields(name)? {
                let is_disabled = alert.flag("disable")?.unwrap_or(false);
                let labels = alert.labels("labels", notes)?;
                if labels.iter().any(|label| label.name == SEVERITY) {
                    source = Some(alert.at("labels"));
                }
                carried.label(labels, notes);
                carried.annotate(alert.labels("annotations", notes)?, notes);
                if is_disabled {
                    alert.note_left_out(&["labels", "annotations"], alerts::DISABLED, notes);
                    alert.finish(notes);
                    continue;
                }
                alert.finish(notes);
            }
        }
        let severity = carried.labels.iter().find(|(name, _)| name == SEVERITY);
        if let (Some((_, word)), Some(source)) = (severity, source)
            && word != urgency.word()
        {
            notes.push(other_severity(source.below(SEVERITY), word, urgency));
        }
        let own = pairs.iter().filter(|pair| pair.urgency == urgency);
        entries.extend(own.map(|pair| alerts::entry(pair, &carried)));
    }
    if let Some(alerting) = alerting {
        if entries.is_empty() {
            let names = ["name", "labels", "annotations"];
            alerting.note_left_out(&names, alerts::DISABLED, notes);
        }
        alerting.finish(notes);
    }
    Ok(entries)
}
