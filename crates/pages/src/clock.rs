//! Times as people read them, in UTC, and how long ago they are.

use domain::Timestamp;
use maud::{Markup, html};

use crate::number::duration;

/// `2026-11-23T08:45:00Z`.
pub(crate) fn instant(time: Timestamp) -> String {
    time.floor_to_second().to_string()
}

/// `08:45:00`, with the day where it is not that of `now`.
pub(crate) fn short(time: Timestamp, beside: Timestamp) -> String {
    let text = instant(time);
    let (day, rest) = text.split_once('T').unwrap_or((&text, ""));
    let clock = rest.trim_end_matches('Z');
    match instant(beside).starts_with(day) {
        true => clock.to_owned(),
        false => format!(
            "{} {}",
            day.get(5..).unwrap_or(day),
            clock.get(..5).unwrap_or(clock)
        ),
    }
}

/// `08:45`.
pub(crate) fn hour_and_minute(time: Timestamp) -> String {
    let text = instant(time);
    text.get(11..16).unwrap_or_default().to_owned()
}

/// `23 Nov 08:45:00`, as an element.
pub(crate) fn full(time: Timestamp) -> Markup {
    let text = instant(time);
    let shown = text.replace('T', " ").replace('Z', "");
    html! { time datetime=(text) { (shown) } }
}

/// A time beside another one, as an element.
pub(crate) fn at(time: Timestamp, beside: Timestamp) -> Markup {
    html! { time datetime=(instant(time)) { (short(time, beside)) } }
}

/// `6 s ago`; nothing without the present.
pub(crate) fn ago(time: Timestamp, now: Option<Timestamp>) -> String {
    match now {
        Some(now) => format!("{} ago", duration(now.seconds_since(time).max(0.0))),
        None => String::new(),
    }
}
