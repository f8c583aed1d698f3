//! What was left of a budget, and what would be left if it went on being spent at the paces of late.

use std::time::Duration;

use domain::{Timestamp, forecast::PathPoint, time::duration};
use maud::{Markup, html};

use crate::{
    Budget, ObjectivePage,
    chart::{Chart, SPLIT},
    clock, number,
};

/// Steps of the cone.
const STEPS: u32 = 12;
/// Paces of shorter windows say little about what is to come.
const SHORTEST_WINDOW: Duration = Duration::from_secs(3_600);

/// The history of the budget with its cone; nothing where that is not known.
pub(crate) fn history(page: &ObjectivePage, budget: &Budget) -> Markup {
    if page.left.is_empty() {
        return html! {};
    }
    // As much time as has room at the same scale.
    let ahead = page.span.length().mul_f64((1.0 - SPLIT) / SPLIT);
    let path = cone(budget, page.span.end, ahead);
    let chart = Chart {
        past: page.span,
        unit: Some("ratio"),
        min: None,
        max: None,
        history: &page.left,
        episodes: &[],
        excluded: &[],
        silent: &[],
        versions: &page.versions,
        path: &path,
    };
    let name = format!(
        "What was left of the budget from {} to {}",
        clock::instant(page.span.start),
        clock::instant(page.span.end)
    );
    html! {
        figure {
            figcaption {
                div class="head" { h3 { "What was left" @if !path.is_empty() { ", and what would be" } } }
                p class="say" id="left" { (finding(&path)) }
            }
            (chart.drawn(&name, "left"))
        }
    }
}

fn finding(path: &[PathPoint]) -> Markup {
    html! {
        @match path.last() {
            Some(last) if number::left(last.lower) == number::left(last.upper) => {
                "At the paces of the last hour and longer, " (number::left(last.lower)) " would be left at " (clock::full(last.time)) "."
            },
            Some(last) => {
                "At the paces of the last hour and longer, between " (number::left(last.lower)) " and " (number::left(last.upper))
                " would be left at " (clock::full(last.time)) "; the line is the pace of the shortest."
            },
            None => "At which pace it is spent is not known.",
        }
    }
}

/// What would be left from `now` on, at each pace of a window of an hour or more: the line is that of the shortest. A burn of 1
/// spends a whole budget in its window.
fn cone(budget: &Budget, now: Timestamp, ahead: Duration) -> Vec<PathPoint> {
    let paces = budget.paces(SHORTEST_WINDOW);
    let window = duration::parse(&budget.window());
    let (Some(left), Some(newest), Ok(window)) = (budget.left(), paces.first(), window) else {
        return Vec::new();
    };
    let at = |step: u32| {
        let passed = ahead * step / STEPS;
        // What would be overspent by more than a whole budget would hide the rest.
        let least = left.min(-1.0);
        let after =
            |pace: &f64| (left - pace * passed.as_secs_f64() / window.as_secs_f64()).max(least);
        let each = || paces.iter().map(after);
        PathPoint {
            time: now + passed,
            mean: after(newest),
            median: after(newest),
            lower: each().fold(f64::INFINITY, f64::min),
            upper: each().fold(f64::NEG_INFINITY, f64::max),
            lower_80: None,
            upper_80: None,
        }
    };
    (0..=STEPS).map(at).collect()
}
