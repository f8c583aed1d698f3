//! The small charts of the list: three hours that were, ten minutes to come, and what is left of a budget.

use std::fmt::Write;

use domain::Timestamp;
use maud::{Markup, html};

use crate::{CheckEntry, HistoryPoint, Row, number};

const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 40.0;
/// Where now is: what is to come gets room.
const NOW: f64 = 140.0;
const HOURS: f64 = 3.0 * 3600.0;

/// Values to heights.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// A scale that holds these values; none without two different ones.
    fn holding(values: impl Iterator<Item = f64>) -> Option<Self> {
        let values = values.filter(|value| value.is_finite());
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let is_range = low < high && (high - low).is_finite();
        is_range.then_some(Self { low, high })
    }

    fn y(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        (3.0 + (1.0 - share) * (HEIGHT - 9.0)).round()
    }
}

/// The last 3 h and the next 10 minutes of an objective.
pub(crate) fn spark(row: &Row) -> Markup {
    let check = &row.check;
    let Some(as_of) = check.as_of else {
        return html! { span class="soft" { "–" } };
    };
    let predicted = row.prediction.as_ref().and_then(|own| own.predicted);
    let worst = check.episodes.iter().filter_map(|episode| episode.worst);
    let history = row.history.iter().flat_map(|point| [point.min, point.max]);
    let to_come = predicted.into_iter().flat_map(|own| [own.min, own.max]);
    let values = || worst.clone().chain(history.clone()).chain(to_come.clone());
    // A bound far from every value is not drawn: it would flatten the rest.
    let near = Scale::holding(values()).map(|scale| {
        let room = scale.high - scale.low;
        (scale.low - room, scale.high + room)
    });
    let is_near = |bound: &f64| near.is_none_or(|(low, high)| (low..=high).contains(bound));
    let bounds = || check.min.into_iter().chain(check.max).filter(is_near);
    let scale = Scale::holding(values().chain(bounds()));
    let marks = marks(check, as_of);
    if marks.is_empty() && scale.is_none() {
        return html! { span class="soft" { "–" } };
    }
    let label = described(row);
    html! {
        svg class="spark" role="img" aria-label=(label) viewBox="0 0 200 40" preserveAspectRatio="none" {
            @if !marks.is_empty() { path class="vm" d=(marks) {} }
            @if let Some(scale) = &scale {
                @if let Some(predicted) = predicted {
                    path class="b9" d=(format!("M{NOW} {}H{WIDTH}V{}H{NOW}z", scale.y(predicted.max), scale.y(predicted.min))) {}
                }
                @for bound in bounds() { path class="lim" d=(format!("M0 {}h{WIDTH}", scale.y(bound))) {} }
                path class="h" d=(past(row, scale, as_of)) {}
                @if let Some(predicted) = predicted {
                    path class="f" d=(format!("M{NOW} {}h60", scale.y(predicted.average))) {}
                }
            }
            path class="now" d="M140 0v40" {}
        }
    }
}

fn described(row: &Row) -> String {
    let past = match row.check.windows {
        Some(windows) => format!(
            "3 h: {}",
            number::count(windows.three_hours.violations, "violation", "violations")
        ),
        None => "3 h".to_owned(),
    };
    let unit = row.check.unit.as_deref();
    let to_come = row.prediction.as_ref().and_then(|own| own.predicted);
    match to_come {
        Some(to_come) => format!(
            "{past}; next: {} to {}",
            number::value(to_come.min, unit),
            number::value(to_come.max, unit)
        ),
        None => past,
    }
}

fn x(time: Timestamp, as_of: Timestamp) -> f64 {
    let ago = as_of.seconds_since(time);
    (NOW * (1.0 - ago / HOURS)).clamp(0.0, NOW).round()
}

/// A mark at the bottom for each violation.
fn marks(check: &CheckEntry, as_of: Timestamp) -> String {
    let mut path = String::new();
    let mut end_before = f64::INFINITY;
    for episode in &check.episodes {
        if as_of.seconds_since(episode.end) >= HOURS {
            continue;
        }
        let (from, to) = (x(episode.start, as_of), x(episode.end, as_of));
        let width = (to - from).max(2.0);
        // Marks that would lie upon each other are one.
        if from + width > end_before {
            continue;
        }
        end_before = from;
        // Writing to a text does not fail.
        let _ = write!(path, "M{from} 37h{width}v3h-{width}z");
    }
    path
}

/// What the series did, or how far out of range its violations went.
fn past(row: &Row, scale: &Scale, as_of: Timestamp) -> String {
    let mut path = String::new();
    if row.history.is_empty() {
        return path;
    }
    let mut before: Option<(HistoryPoint, f64, f64)> = None;
    for point in &row.history {
        let (at_x, at_y) = (x(point.start, as_of), scale.y(point.average));
        let _ = match before {
            Some((last, last_x, last_y)) if point.start.seconds_since(last.start) < 900.0 => {
                write!(path, "l{} {}", at_x - last_x, at_y - last_y)
            }
            _ => write!(path, "M{at_x} {at_y}"),
        };
        before = Some((*point, at_x, at_y));
    }
    path
}

/// What is left of a budget, to the right of its middle; what is overspent, to the left.
pub(crate) fn budget_bar(share: f64) -> Markup {
    let half = (50.0 * share.clamp(-1.0, 1.0)).round();
    let (class, path) = if half < 0.0 {
        ("gone", format!("M50 3h{half}v4H50z"))
    } else {
        ("left", format!("M50 3h{half}v4H50z"))
    };
    html! {
        svg class="mini" aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none" {
            path class="track" d="M0 3h100v4H0z" {}
            path class=(class) d=(path) {}
            path class="zero" d="M50 0v10" {}
        }
    }
}
