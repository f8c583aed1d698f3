//! An entry of `objectives`: how good what is measured should be.

use std::{collections::BTreeMap, time::Duration};

use domain::{duration, sla::SliceLength};
use promql::with_a_window;
use serde_json::{Map, Value, json};

use super::{
    indicator::{Indicator, Measure},
    number, required_number,
    window::length,
};
use crate::{
    fields::Fields,
    names::Id,
    report::{Note, Place, Refused},
    shares,
    slo::{self, Objective, Query},
    sloth,
};

/// What all objectives of an SLO have in common.
pub(super) struct Common {
    pub(super) budgeting: Budgeting,
    /// `budget_window`.
    pub(super) window: Value,
    /// `alerts`, where the SLO says what they are.
    pub(super) alerts: Option<Vec<Value>>,
    /// Where it says so.
    pub(super) alerts_at: Place,
}

/// What the target is a share of.
#[derive(Clone, Debug)]
pub(super) struct Budgeting {
    method: Method,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Occurrences,
    Timeslices,
    RatioTimeslices,
}

impl Budgeting {
    pub(super) fn read(spec: &Fields<'_>, notes: &mut Vec<Note>) -> Result<Self, Refused> {
        let place = spec.at("budgetingMethod");
        if spec.get("budgetingMethod").is_none() {
            notes.push(Note::at(place.clone(), "is missing: it is Occurrences"));
            let method = Method::Occurrences;
            return Ok(Self { method, place });
        }
        let method = match spec.required_text("budgetingMethod")? {
            "Occurrences" => Method::Occurrences,
            "Timeslices" => Method::Timeslices,
            "RatioTimeslices" => Method::RatioTimeslices,
            _ => {
                let reason = "must be Occurrences, Timeslices or RatioTimeslices";
                return Err(Refused::at(place, reason));
            }
        };
        Ok(Self { method, place })
    }
}

/// An objective on what is measured.
pub(super) fn read(
    entry: Fields<'_>,
    Indicator { measure, notes }: &Indicator,
    common: &Common,
) -> Result<Objective, Refused> {
    let mut notes = notes.clone();
    let name = entry.label("displayName")?;
    let mut fields = slo::about(name, None, Vec::new(), &mut notes).fields;
    let (target, target_at) = target(&entry, &mut notes)?;
    fields.insert("target".to_owned(), number(target));
    fields.insert("budget_window".to_owned(), common.window.clone());
    if let Some(alerts) = &common.alerts {
        fields.insert("alerts".to_owned(), json!(alerts));
    }
    match measure {
        Measure::Threshold(query) => {
            threshold(&entry, query, &common.budgeting, &mut fields, &mut notes)?;
        }
        Measure::Ratio {
            one: (one, first),
            other: (other, second),
            counters,
        } => {
            let both = ((*one, first), (*other, second));
            slo::count_queries(&mut fields, both.0, both.1, counters, &mut notes)?;
            of_events(&entry, common.budgeting.method, &mut fields, &mut notes)?;
        }
        Measure::Raw { query, is_success } => {
            sloth::share(query, *is_success, target, &mut fields, &mut notes)?;
            if fields.contains_key("events") {
                of_events(&entry, common.budgeting.method, &mut fields, &mut notes)?;
            } else {
                without_op(&entry, &mut notes);
                of_time(&entry, &common.budgeting, &mut fields, &mut notes)?;
            }
        }
    }
    let sources = BTreeMap::from([
        ("target", target_at),
        ("alerts", common.alerts_at.clone()),
        ("display_name", entry.at("displayName")),
        ("slice_target", entry.at("timeSliceTarget")),
        ("min", entry.at("value")),
        ("max", entry.at("value")),
    ]);
    let place = entry.place().clone();
    entry.finish(&mut notes);
    Ok(Objective {
        id: Id::Chosen(String::new()),
        named_at: place.clone(),
        place,
        fields,
        sources,
        notes,
    })
}

fn target(entry: &Fields<'_>, notes: &mut Vec<Note>) -> Result<(f64, Place), Refused> {
    let share = entry.number("target")?;
    let percent = entry.number("targetPercent")?;
    match (share, percent) {
        (Some(share), None) => Ok((share, entry.at("target"))),
        (None, Some(percent)) => {
            let (share, place) = (shares::of_percent(percent), entry.at("targetPercent"));
            notes.extend(slo::small_percentage(percent, share, &place));
            Ok((share, place))
        }
        (Some(_), Some(_)) => {
            let reason = "must not be there beside `target`";
            Err(Refused::at(entry.at("targetPercent"), reason))
        }
        (None, None) => Err(Refused::at(entry.at("target"), "is missing")),
    }
}

/// `op` and `value` are for thresholds.
fn without_op(entry: &Fields<'_>, notes: &mut Vec<Note>) {
    for name in ["op", "value"] {
        if entry.get(name).is_some() {
            notes.push(Note::at(entry.at(name), "means nothing for a ratio"));
        }
    }
}

/// How events are budgeted.
fn of_events(
    entry: &Fields<'_>,
    method: Method,
    fields: &mut Map<String, Value>,
    notes: &mut Vec<Note>,
) -> Result<(), Refused> {
    without_op(entry, notes);
    let word = match method {
        Method::Occurrences => {
            for name in ["timeSliceTarget", "timeSliceWindow"] {
                if entry.get(name).is_some() {
                    let what = "means nothing where the budgeting method is Occurrences";
                    notes.push(Note::at(entry.at(name), what));
                }
            }
            fields.insert("method".to_owned(), json!("occurrences"));
            return Ok(());
        }
        Method::Timeslices => "timeslices",
        Method::RatioTimeslices => "ratio_timeslices",
    };
    fields.insert("method".to_owned(), json!(word));
    match length(entry, "timeSliceWindow")? {
        Some(window) => {
            let slice = SliceLength::ALL
                .into_iter()
                .find(|slice| slice.length() == window);
            let slice = slice.ok_or_else(|| {
                let lengths = SliceLength::ALL.map(SliceLength::name).join(", ");
                Refused::at(
                    entry.at("timeSliceWindow"),
                    format!("must be one of {lengths}"),
                )
            })?;
            fields.insert("slice".to_owned(), json!(slice));
        }
        None => {
            let what = "is missing: slices are 1m long";
            notes.push(Note::at(entry.at("timeSliceWindow"), what));
        }
    }
    if method == Method::RatioTimeslices {
        if entry.get("timeSliceTarget").is_some() {
            let what = "means nothing where the budgeting method is RatioTimeslices";
            notes.push(Note::at(entry.at("timeSliceTarget"), what));
        }
        return Ok(());
    }
    let Some(share) = entry.number("timeSliceTarget")? else {
        let what = "is missing: it is the target";
        notes.push(Note::at(entry.at("timeSliceTarget"), what));
        return Ok(());
    };
    let share = if share.to_bits() == 1.0_f64.to_bits() {
        let what = "becomes the next number below 1, which means the same";
        notes.push(Note::at(entry.at("timeSliceTarget"), what));
        share.next_down()
    } else {
        share
    };
    fields.insert("slice_target".to_owned(), number(share));
    Ok(())
}

/// A value that is compared with a limit.
fn threshold(
    entry: &Fields<'_>,
    query: &Query,
    budgeting: &Budgeting,
    fields: &mut Map<String, Value>,
    notes: &mut Vec<Note>,
) -> Result<(), Refused> {
    if with_a_window(&query.text) != query.text {
        let what = "`{{.window}}` is kept as it stands: a threshold has no window";
        notes.push(Note::at(query.place.clone(), what));
    }
    fields.insert("query".to_owned(), json!(query.text));
    let op = entry.required_text("op")?;
    let value = required_number(entry, "value")?;
    let (bound, value) = match op {
        "lte" => ("max", value),
        "lt" => ("max", value.next_down()),
        "gte" => ("min", value),
        "gt" => ("min", value.next_up()),
        _ => return Err(Refused::at(entry.at("op"), "must be lte, lt, gte or gt")),
    };
    fields.insert(bound.to_owned(), number(value));
    of_time(entry, budgeting, fields, notes)
}

const LONGEST_STEP: Duration = Duration::from_secs(300);

/// How time is budgeted: a range objective judges each instant.
fn of_time(
    entry: &Fields<'_>,
    budgeting: &Budgeting,
    fields: &mut Map<String, Value>,
    notes: &mut Vec<Note>,
) -> Result<(), Refused> {
    let share = entry.number("timeSliceTarget")?;
    if budgeting.method != Method::Timeslices {
        let what =
            "becomes a share of the time: a range objective has no samples that are good or bad";
        notes.push(Note::at(budgeting.place.clone(), what));
    }
    if let Some(share) = share
        && (share < 1.0 || budgeting.method != Method::Timeslices)
    {
        let what = format!("is left out: each instant is judged, not {share} of a slice");
        notes.push(Note::at(entry.at("timeSliceTarget"), what));
    }
    if let Some(window) = length(entry, "timeSliceWindow")? {
        if window <= LONGEST_STEP && window.as_secs() >= 1 {
            fields.insert("step".to_owned(), json!(duration::format(window)));
        } else {
            let what = "is left out: the query is asked every minute";
            notes.push(Note::at(entry.at("timeSliceWindow"), what));
        }
    }
    Ok(())
}
