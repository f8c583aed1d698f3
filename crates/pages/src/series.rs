//! All series, and one of them.

use domain::{Span, Timestamp, forecast::PathPoint};
use maud::{Markup, html};

use crate::{
    Frame, HistoryPoint, Place, Series, SeriesForecast, Summary,
    chart::{self, Chart},
    clock,
    frame::{command, scrolling, shown_time},
    name, number,
};

/// A page of the list of series.
pub fn series_list(
    frame: &Frame<'_>,
    rows: &[Series],
    text: Option<&str>,
    next: Option<&str>,
) -> String {
    let main = html! {
        h1 { "Series" }
        @if rows.is_empty() && text.is_none() {
            p class="lead" { "No series is stored yet. A run reads Prometheus and stores what it finds." }
            pre tabindex="0" { "curl -X POST " (frame.address) "/ETL" }
        } @else {
            p class="lead" { (number::count(rows.len() as u64, "series", "series")) @if next.is_some() { " of more" } ", by metric." }
            div class="bar" {
                form method="get" action=(frame.path("/ui/series")) role="search" {
                    div { label for="q" { "Metric" } input id="q" name="q" type="search" placeholder="cpuUsage" value=(text.unwrap_or_default()); }
                    div { label for="as_of" { "As known at, UTC" } input id="as_of" name="as_of" placeholder="now, -3h or 08:12" autocomplete="off" value=(frame.pinned.map(clock::instant).unwrap_or_default()); }
                    button { "Show" }
                }
            }
            @if rows.is_empty() { p class="none" { "No series has this metric. " a href=(frame.link("/ui/series", &[])) { "Show all" } } }
            @else {
                (scrolling("Series", &html! {
                    table class="wide" {
                        caption class="sr" { "Series" }
                        thead { tr { th scope="col" { "metric" } th scope="col" { "labels" } th scope="col" { "unit" } th scope="col" { "seen" } } }
                        tbody { @for row in rows { tr {
                            th scope="row" { a href=(frame.link(&format!("/ui/series/{}", name::segment(&row.id)), &[])) { (name::cut(&row.metric)) } }
                            td { (labels(row)) }
                            td { (row.unit.as_deref().unwrap_or("–")) }
                            td { (clock::full(row.last_seen)) small { "since " (clock::full(row.first_seen)) } }
                        } } }
                    }
                }))
                @if let Some(next) = next { nav class="pages" aria-label="Pages" { a rel="next" href=(frame.link("/ui/series", &[("q", text.unwrap_or_default()), ("cursor", next)])) { "next" } } }
            }
        }
    };
    frame.page("Series", Some(Place::Series), &main)
}

fn labels(row: &Series) -> String {
    match name::pairs(&row.labels) {
        pairs if pairs.is_empty() => "no labels".to_owned(),
        pairs => pairs,
    }
}

/// What the page of a series shows.
#[derive(Debug)]
pub struct SeriesPage {
    /// The series.
    pub series: Series,
    /// What is known of its last 1h, 3h and 12h.
    pub summaries: Vec<Summary>,
    /// Its forecast.
    pub forecast: Option<SeriesForecast>,
    /// The time that is shown.
    pub span: Span,
    /// That time as the reader asked for it, such as `-3h`; none where both ends were given.
    pub asked: Option<String>,
    /// What it did in that time.
    pub history: Vec<HistoryPoint>,
    /// What it is like, each in a few words.
    pub traits: Vec<(&'static str, String)>,
}

/// The page of a series.
pub fn one_series(frame: &Frame<'_>, page: &SeriesPage) -> String {
    let series = &page.series;
    let unit = series.unit.as_deref();
    let path = page
        .forecast
        .as_ref()
        .and_then(|forecast| forecast.path.as_deref());
    let path = path.unwrap_or_default();
    let chart = Chart {
        past: page.span,
        unit,
        min: None,
        max: None,
        history: &page.history,
        episodes: &[],
        excluded: &[],
        silent: &[],
        versions: &[],
        path,
    };
    let title = name::with_place(&series.metric, &series.labels);
    let own = format!("/ui/series/{}", name::segment(&series.id));
    let main = html! {
        nav aria-label="Where you are" { ul class="crumb" { li { a href=(frame.link("/ui/series", &[])) { "Series" } } li aria-current="page" { (name::cut(&series.metric)) } } }
        h1 { (title) }
        p class="lead" { (sentence(page, unit)) }
        p class="soft" { code { (series.metric) } " " (labels(series)) }
        (shown_time(frame, (&own, ""), page.asked.as_deref(), page.span))
        div class="grid after" {
            figure class="panel" {
                figcaption {
                    div class="head" { h2 { @if page.history.is_empty() { "What may come" } @else { "What was, and what may come" } } }
                    p class="say" id="said" { @match page.forecast.as_ref().and_then(|forecast| forecast.model.as_ref()) { Some(model) => { "By " (model.name) ": " (model.why) }, None => "The value over time." } }
                }
                @if page.history.is_empty() && path.is_empty() { p class="none" { "There is nothing to draw." } }
                @else { (chart.drawn(&title, "said")) (chart::key(!path.is_empty(), !page.history.is_empty())) (points(page, path, unit)) }
            }
            section class="panel w7" {
                h2 { "In short" }
                (scrolling("Summaries", &html! {
                    table {
                        thead { tr { th scope="col" { "last" } th scope="col" class="n" { "least" } th scope="col" class="n" { "average" } th scope="col" class="n" { "most" } th scope="col" class="n" { "deviation" } th scope="col" class="n" { "samples" } th scope="col" class="n" { "coverage" } } }
                        tbody { @for own in &page.summaries { tr {
                            th scope="row" { (own.window) }
                            td class="n" { (number::value_or_unknown(own.min, unit)) } td class="n" { (number::value_or_unknown(own.average, unit)) } td class="n" { (number::value_or_unknown(own.max, unit)) }
                            td class="n" { (number::value_or_unknown(own.std, unit)) } td class="n" { (number::plain(own.samples as f64)) } td class="n" { (number::share(own.coverage)) }
                        } } }
                    }
                }))
            }
            section class="panel w5" {
                h2 { "What it is like" }
                @if page.traits.is_empty() { p class="say" { "Nothing is known of it yet." } }
                @else { table { tbody { @for (what, words) in &page.traits { tr { th scope="row" { (what) } td { (words) } } } } } }
            }
            section class="panel ask" {
                h2 { "Ask for it yourself" }
                (command("Its summaries", &format!("curl '{}/metrics?{}'", frame.address, filter(series))))
                (command("Its forecast", &format!("curl '{}/predict?{}'", frame.address, filter(series))))
            }
        }
    };
    frame.page(&title, Some(Place::Series), &main)
}

fn filter(series: &Series) -> String {
    let labels =
        series.labels.0.iter().map(|(label, value)| {
            format!("&label.{}={}", name::segment(label), name::segment(value))
        });
    format!(
        "metric={}{}",
        name::segment(&series.metric),
        labels.collect::<String>()
    )
}

fn sentence(page: &SeriesPage, unit: Option<&str>) -> Markup {
    let three = page.summaries.iter().find(|own| own.window == "3h");
    html! {
        @match three.and_then(|own| Some((own.min?, own.average?, own.max?))) {
            Some((min, average, max)) => { "Around " b { (number::value(average, unit)) } " in 3 h, between " (number::value(min, unit)) " and " (number::value(max, unit)) ". " },
            None => "Nothing was measured in 3 h. ",
        }
        @match page.forecast.as_ref() {
            Some(SeriesForecast { average: Some(average), min: Some(min), max: Some(max), .. }) => {
                "Expected in the next 10 minutes: " b { (number::value(*average, unit)) } ", between " (number::value(*min, unit)) " and " (number::value(*max, unit)) "."
            },
            Some(SeriesForecast { reason: Some(reason), .. }) => { "No forecast: " (name::reason(reason)) "." },
            _ => "",
        }
    }
}

fn points(page: &SeriesPage, path: &[PathPoint], unit: Option<&str>) -> Markup {
    let end: Timestamp = page.span.end;
    let steps = path.len().div_ceil(10).max(1);
    html! {
        details {
            summary { "The numbers" }
            div class="data" tabindex="0" role="group" aria-label="The numbers of the chart" {
                table {
                    thead { tr { th scope="col" { "at" } th scope="col" class="n" { "least" } th scope="col" class="n" { "expected" } th scope="col" class="n" { "most" } } }
                    tbody {
                        @for point in page.history.iter().step_by(page.history.len().div_ceil(60).max(1)) { tr { th scope="row" { (clock::at(point.start, end)) } td class="n" { (number::value(point.min, unit)) } td class="n" { (number::value(point.average, unit)) } td class="n" { (number::value(point.max, unit)) } } }
                        @for point in path.iter().skip(steps - 1).step_by(steps) { tr { th scope="row" { (clock::at(point.time, end)) } td class="n" { (number::value(point.lower, unit)) } td class="n" { (number::value(point.mean, unit)) } td class="n" { (number::value(point.upper, unit)) } } }
                    }
                }
            }
        }
    }
}
