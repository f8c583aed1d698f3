//! The time that an SLO is about: the newest time of a length, or the periods of a calendar.

use std::time::Duration;

use domain::{
    duration,
    sla::{BudgetWindow, Calendar},
};
use serde_json::{Value, json};

use crate::{
    fields::Fields,
    report::{Note, Place, Refused},
};

const DAY: u64 = 86_400;

/// What `timeWindow` of v1 says, as `budget_window`.
pub(super) fn read(spec: &Fields<'_>, notes: &mut Vec<Note>) -> Result<Value, Refused> {
    let items = spec.items("timeWindow")?;
    let place = spec.at("timeWindow");
    let Some(window) = the_only(items, &place, notes)? else {
        return Ok(json!("30d"));
    };
    let text = window.required_text("duration")?.to_owned();
    let at = window.at("duration");
    if !window.has("isRolling") && !window.has("calendar") {
        let what = "without `isRolling` and `calendar` it is a rolling window";
        notes.push(Note::at(window.place().clone(), what));
    }
    budget_window(window, (&text, at), notes)
}

/// What `timeWindows` of v1alpha says.
pub(super) fn read_alpha(spec: &Fields<'_>, notes: &mut Vec<Note>) -> Result<Value, Refused> {
    let items = spec.items("timeWindows")?;
    let place = spec.at("timeWindows");
    let Some(window) = the_only(items, &place, notes)? else {
        return Ok(json!("30d"));
    };
    let count = super::required_number(&window, "count")?;
    if !(count >= 1.0 && count.fract().abs() < f64::EPSILON) {
        return Err(Refused::at(
            window.at("count"),
            "must be a whole number from 1",
        ));
    }
    let unit = match window.required_text("unit")? {
        "Second" => "s",
        "Minute" => "m",
        "Hour" => "h",
        "Day" => "d",
        "Week" => "w",
        "Month" => "M",
        "Quarter" => "Q",
        "Year" => "Y",
        _ => {
            let reason = "must be Day, Week, Month, Quarter or Year";
            return Err(Refused::at(window.at("unit"), reason));
        }
    };
    let at = window.at("unit");
    budget_window(window, (&format!("{count}{unit}"), at), notes)
}

/// The one window that an SLO has; `None` where there is none, which is noted.
fn the_only<'a>(
    items: Vec<(Place, &'a Value)>,
    place: &Place,
    notes: &mut Vec<Note>,
) -> Result<Option<Fields<'a>>, Refused> {
    let mut items = items.into_iter();
    let Some((first, window)) = items.next() else {
        notes.push(Note::at(place.clone(), "is missing: the window is 30d"));
        return Ok(None);
    };
    match items.next() {
        Some((second, _)) => Err(Refused::at(
            second,
            "must not be there: an SLO has one window",
        )),
        None => Ok(Some(Fields::of(window, first)?)),
    }
}

fn budget_window(
    window: Fields<'_>,
    (text, at): (&str, Place),
    notes: &mut Vec<Note>,
) -> Result<Value, Refused> {
    let calendar = window.fields("calendar")?;
    let is_rolling = window.flag("isRolling")?;
    let found = match (is_rolling, calendar) {
        (Some(true), Some(_)) => {
            let reason = "must not be there where `isRolling` is true";
            return Err(Refused::at(window.at("calendar"), reason));
        }
        (_, Some(calendar)) => of_calendar(calendar, (text, at), notes)?,
        (Some(false), None) => {
            let reason = "is missing, and `isRolling` is false";
            return Err(Refused::at(window.at("calendar"), reason));
        }
        (_, None) => rolling(text, at, notes)?,
    };
    window.finish(notes);
    Ok(found)
}

fn rolling(text: &str, at: Place, notes: &mut Vec<Note>) -> Result<Value, Refused> {
    let days = |unit: char| match unit {
        'M' => Some(30_u64),
        'Q' => Some(90),
        'Y' => Some(365),
        _ => None,
    };
    let long = text.chars().last().and_then(days);
    let count = long.and_then(|_| text[..text.len() - 1].parse::<u64>().ok());
    let length = match long.zip(count) {
        Some((days, count)) => days.checked_mul(count).map(|days| format!("{days}d")),
        None => Some(text.to_owned()),
    };
    let window = length.and_then(|length| length.parse::<BudgetWindow>().ok());
    let Some(window) = window else {
        return Err(Refused::at(
            at,
            "must be a duration from 1h to 1Y, such as 30d",
        ));
    };
    if long.is_some() {
        notes.push(Note::at(at, format!("becomes a window of {window}")));
    }
    Ok(json!(window))
}

fn of_calendar(
    calendar: Fields<'_>,
    (unit, unit_at): (&str, Place),
    notes: &mut Vec<Note>,
) -> Result<Value, Refused> {
    let starts_at = calendar.at("startTime");
    let starts = calendar
        .required_text("startTime")?
        .trim()
        .replacen(' ', "T", 1);
    let starts = if starts.len() == "2022-01-01".len() {
        starts + "T00:00:00"
    } else {
        starts
    };
    let zone_at = calendar.at("timeZone");
    let zone = match calendar.text("timeZone")? {
        Some(zone) => zone,
        None => {
            notes.push(Note::at(
                zone_at.clone(),
                "is missing: the time zone is UTC",
            ));
            "UTC"
        }
    };
    calendar.finish(notes);
    let starts = local_time(&starts, zone);
    match Calendar::parse(unit, starts, zone) {
        Ok(calendar) => Ok(json!(BudgetWindow::Calendar(calendar))),
        Err(error) => {
            let place = match error.field {
                "calendar" => unit_at,
                "starts" => starts_at,
                _ => zone_at,
            };
            Err(Refused::at(place, error.reason))
        }
    }
}

/// A time without what says nothing: fractions of a second that are 0, and the `Z` of UTC where the zone is UTC.
fn local_time<'a>(text: &'a str, zone: &str) -> &'a str {
    let is_utc = ["UTC", "Etc/UTC"].contains(&zone);
    let time = text.strip_suffix('Z').filter(|_| is_utc).unwrap_or(text);
    match time.split_once('.') {
        Some((seconds, fraction)) if fraction.chars().all(|c| c == '0') => seconds,
        _ => time,
    }
}

/// A duration of OpenSLO, such as `5m`.
pub(super) fn length(fields: &Fields<'_>, name: &str) -> Result<Option<Duration>, Refused> {
    let Some(text) = fields.text(name)? else {
        return Ok(None);
    };
    let read = duration::parse(text)
        .ok()
        .filter(|length| !length.is_zero());
    match read.filter(|length| length.as_secs() <= 365 * DAY) {
        Some(length) => Ok(Some(length)),
        None => Err(Refused::at(
            fields.at(name),
            "must be a duration such as 5m or 1h",
        )),
    }
}
