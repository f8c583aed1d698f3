//! Trying bounds out: what they would have been reported as, and which would have been kept.

use domain::{Span, Window};
use maud::{Markup, html};

use crate::{
    Frame, HistoryPoint, Place, Tried,
    chart::{self, Chart},
    clock,
    frame::{command, scrolling},
    name, number,
};

/// What the page of a trial shows.
#[derive(Clone, Debug, Default)]
pub struct TrialPage {
    /// The fields as they were typed, by name.
    pub fields: Vec<(&'static str, String)>,
    /// What came of them.
    pub tried: Option<Tried>,
    /// What the worst series was like in the 12 h up to that moment.
    pub history: Vec<HistoryPoint>,
    /// Where and what is wrong with them.
    pub faults: Vec<(String, String)>,
    /// The metrics that can be tried, for the list to choose from.
    pub metrics: Vec<String>,
}

/// The fields of the form: name, words, an example.
const FIELDS: [(&str, &str, &str); 7] = [
    ("metric", "Metric", "cpuUsage"),
    ("labels", "Labels", "nodeName=demo"),
    ("min", "At least", "0"),
    ("max", "At most", "80"),
    ("for", "Bad after", "1m"),
    ("violations", "Violations to allow in 12 h", "0"),
    ("as_of", "As of, UTC", "now, -3h or 08:12"),
];

/// The page of a trial.
pub fn trial(frame: &Frame<'_>, page: &TrialPage) -> String {
    let value = |name: &str| {
        let own = page.fields.iter().find(|(own, _)| *own == name);
        own.map_or("", |(_, value)| value.as_str())
    };
    let main = html! {
        h1 { "Try bounds out" }
        p class="lead" { "What would bounds have reported, and which would have been kept? Nothing is saved." }
        @if !page.faults.is_empty() {
            div class="note firing" role="alert" {
                ul class="faults" { @for (place, detail) in &page.faults { li { code { @if place.is_empty() { "the whole" } @else { (place) } } " " (detail) } } }
            }
        }
        form class="fit" method="get" action=(frame.path("/ui/try")) {
            @for (name, words, example) in FIELDS {
                div {
                    label for={ "try-" (name) } { (words) }
                    input id={ "try-" (name) } name=(name) value=(value(name)) placeholder=(example) autocomplete="off" required[name == "metric"] list=[(name == "metric").then_some("metrics")];
                }
            }
            datalist id="metrics" { @for metric in &page.metrics { option value=(metric) {} } }
            button { "Try" }
        }
        @if let Some(tried) = &page.tried {
            div class="grid after" {
                section class="panel" { h2 { "What it would report" } (outcome(tried)) }
                (picture(page, tried))
            }
        }
        section class="ask" {
            (command("Ask for it yourself", &format!("curl -X POST {}/sla/try -d '{{\"objectives\":[{{\"metric\":\"cpuUsage\",\"max\":80}}],\"violations\":2}}'", frame.address)))
        }
    };
    frame.page("Try", Some(Place::Try), &main)
}

/// What the worst series was like, with the bounds that were tried; the script adds a slider that moves one of them.
fn picture(page: &TrialPage, tried: &Tried) -> Markup {
    let Some(entry) = tried.check_json.objectives.first() else {
        return html! {};
    };
    if page.history.is_empty() && entry.episodes.is_empty() {
        return html! {};
    }
    let unit = entry.unit.as_deref();
    let past = Span {
        start: tried.as_of - Window::TwelveHours.length(),
        end: tried.as_of,
    };
    let chart = Chart {
        past,
        unit,
        min: entry.min,
        max: entry.max,
        history: &page.history,
        episodes: &entry.episodes,
        excluded: &[],
        silent: &[],
        versions: &[],
        path: &[],
    };
    let name = name::of_entry(entry);
    let described = format!(
        "{name} from {} to {}",
        clock::instant(past.start),
        clock::instant(past.end)
    );
    let bound = [("max", entry.max), ("min", entry.min)];
    let bound = bound.into_iter().find(|(_, bound)| bound.is_some());
    html! {
        figure class="panel" data-bound=[bound.map(|(field, _)| field)] {
            figcaption {
                div class="head" { h2 { (name) " in 12 h" } }
                p class="say" id="tried" {
                    @if entry.series > 1 { "The worst of " (entry.series) " series. " }
                    @if let Some(windows) = &entry.windows {
                        @let counts = windows.of(Window::TwelveHours);
                        (number::count(counts.violations, "violation", "violations"))
                        @if counts.violations > 0 { ", " (number::duration(counts.seconds)) " in all" } "."
                    }
                }
            }
            (chart.drawn(&described, "tried"))
            (chart::key(false, !page.history.is_empty()))
            @if !page.history.is_empty() {
                details {
                    summary { "The numbers" }
                    div class="data" tabindex="0" role="group" aria-label="The numbers of the chart" { (chart::numbers(&page.history, unit, past.end)) }
                }
            }
        }
    }
}

/// What objectives would have reported.
pub(crate) fn outcome(tried: &Tried) -> Markup {
    html! {
        @for failure in &tried.failures {
            p class="note pending" role="status" { (failure.metric.as_deref().unwrap_or("a metric")) ": " (name::reason(&failure.reason)) }
        }
        (scrolling("What it would report", &html! {
            table class="wide" {
                thead { tr {
                    th scope="col" { "objective" } th scope="col" { "state" }
                    th scope="col" class="n" { "violations 1 h" } th scope="col" class="n" { "3 h" } th scope="col" class="n" { "12 h" }
                    th scope="col" class="n" { "next 10 min" } th scope="col" class="n" { "would have been kept" }
                } }
                tbody {
                    @for entry in &tried.check_json.objectives {
                        @let expected = tried.predict_json.objectives.iter().find(|own| own.objective == entry.objective && own.labels == entry.labels);
                        @let kept = tried.recommended.iter().find(|own| own.objective == entry.objective && own.labels == entry.labels);
                        tr class=(entry.state.class()) {
                            th scope="row" { (name::of_entry(entry)) small { (name::rule(entry)) } }
                            td class="st" { (entry.state.shown()) @if let Some(reason) = &entry.reason { small { (name::reason(reason)) } } }
                            @for window in [Window::OneHour, Window::ThreeHours, Window::TwelveHours] {
                                td class="n" { @match entry.windows.map(|windows| *windows.of(window)) { Some(counts) => { (counts.violations) small { (number::duration(counts.seconds)) } }, None => "–" } }
                            }
                            td class="n" { @match expected.and_then(|own| own.probability) { Some(probability) => (number::probability(probability)), None => { "–" @if let Some(reason) = expected.and_then(|own| own.reason.as_deref()) { small { (name::reason(reason)) } } } } }
                            td class="n" { @match kept {
                                Some(own) => {
                                    @if let Some(min) = own.min { small { "at least " (number::value(min, entry.unit.as_deref())) } }
                                    @if let Some(max) = own.max { small { "at most " (number::value(max, entry.unit.as_deref())) } }
                                },
                                None => "–",
                            } }
                        }
                    }
                }
            }
        }))
    }
}
