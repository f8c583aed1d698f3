//! The fields of an objective that its budget follows from.

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::{
    fault::{Faults, below},
    sla::{
        BudgetWindow, Calendar, InvalidCalendar,
        fields::{number, text},
    },
};

/// `target` or another share: 0 to 1, both exclusive.
pub(super) fn share(
    fields: &Map<String, Value>,
    pointer: &str,
    field: &str,
    faults: &mut Faults,
) -> Option<f64> {
    let share = number(fields, pointer, field, faults)?;
    if share > 0.0 && share < 1.0 {
        return Some(share);
    }
    let reason = match share_of_percent(share) {
        Some(meant) => format!("a target is a share; did you mean {meant}?"),
        None => "must be greater than 0 and less than 1".to_owned(),
    };
    faults.add(&below(pointer, field), reason);
    None
}

/// The share that is meant where a target looks like a percentage. By its digits: a division would add some.
fn share_of_percent(target: f64) -> Option<f64> {
    let is_percentage = (50.0..100.0).contains(&target);
    is_percentage
        .then(|| format!("{target}e-2").parse().ok())
        .flatten()
}

const CALENDAR: [&str; 3] = ["calendar", "starts", "time_zone"];

/// `budget_window`: a duration, or `{"calendar", "starts", "time_zone"}`; default 30d.
pub(super) fn window(
    fields: &Map<String, Value>,
    pointer: &str,
    faults: &mut Faults,
) -> BudgetWindow {
    let Some(Value::Object(given)) = fields.get("budget_window") else {
        return term(fields, pointer, "budget_window", faults);
    };
    let pointer = below(pointer, "budget_window");
    faults.unknown(given, &pointer, &[&CALENDAR], "a calendar");
    let before = faults.0.len();
    let read = CALENDAR.map(|field| {
        let read = text(given, &pointer, field, faults);
        if given.get(field).is_none_or(Value::is_null) {
            faults.add(&below(&pointer, field), "is missing");
        }
        read
    });
    let [Some(unit), Some(starts), Some(time_zone)] = read else {
        return BudgetWindow::default();
    };
    if faults.0.len() > before {
        return BudgetWindow::default();
    }
    match Calendar::parse(&unit, &starts, &time_zone) {
        Ok(calendar) => BudgetWindow::Calendar(calendar),
        Err(InvalidCalendar { field, reason }) => {
            faults.add(&below(&pointer, field), reason);
            BudgetWindow::default()
        }
    }
}

/// `missing`, `series_end` and such: one of a few words, or its default.
pub(super) fn term<T: FromStr + Default>(
    fields: &Map<String, Value>,
    pointer: &str,
    field: &str,
    faults: &mut Faults,
) -> T
where
    T::Err: ToString,
{
    match text(fields, pointer, field, faults).map(|text| text.parse()) {
        Some(Ok(term)) => term,
        Some(Err(error)) => {
            faults.add(&below(pointer, field), T::Err::to_string(&error));
            T::default()
        }
        None => T::default(),
    }
}
