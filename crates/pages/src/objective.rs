//! One objective: in a sentence, in figures, as a chart, and everything that they rest on.

use std::time::Duration;

use domain::{Span, Timestamp, budget::Alert, forecast::PathPoint, sla::Combine, time::duration};
use maud::{Markup, html};

use crate::{
    Budget, CheckEntry, Exclusion, Frame, HistoryPoint, Place, Row, SeriesForecast, Spent, State,
    Trust, TrustBin, Violation,
    behind::Behind,
    chart::{self, Chart},
    clock, cone,
    frame::{scrolling, shown_time},
    icon::icon,
    list, name, number,
    sla::{exclusion_form, exclusions},
    spark,
};

/// What the page of an objective shows.
#[derive(Debug)]
pub struct ObjectivePage {
    /// The SLA's name.
    pub sla: String,
    /// Its version.
    pub version: u32,
    /// The objective on the series that is shown.
    pub row: Row,
    /// The objective on each of its series, the worst first.
    pub series: Vec<CheckEntry>,
    /// The time that is shown.
    pub span: Span,
    /// That time as the reader asked for it, such as `-3h`; none where both ends were given.
    pub asked: Option<String>,
    /// The forecast of the series.
    pub forecast: Option<SeriesForecast>,
    /// The violations in that time.
    pub violations: Vec<Violation>,
    /// Whether there are more.
    pub more_violations: bool,
    /// The exclusions, newest first.
    pub exclusions: Vec<Exclusion>,
    /// The time in which no sample stood.
    pub silent: Vec<Span>,
    /// When versions came into force.
    pub versions: Vec<(Timestamp, u32)>,
    /// What the series did in that time.
    pub history: Vec<HistoryPoint>,
    /// What was left of its budget in that time, as shares.
    pub left: Vec<HistoryPoint>,
}

/// The page of an objective.
pub fn objective(frame: &Frame<'_>, page: &ObjectivePage) -> String {
    let check = &page.row.check;
    let name = name::of_entry(check);
    let rule = list::rule(&page.row);
    let behind = Behind::new(frame, page);
    let main = html! {
        nav aria-label="Where you are" {
            ul class="crumb" {
                li { a href=(frame.link("/ui", &[])) { "SLAs" } }
                li { a href=(frame.link(&format!("/ui/sla/{}", name::segment(&page.sla)), &[])) { (name::cut(&page.sla)) } }
                li aria-current="page" { (name::cut(&check.objective)) }
            }
        }
        h1 {
            (name) @if !rule.is_empty() { ", " (rule) } " "
            span class={ "tag s-" (check.state.class()) } { (check.state.shown()) }
        }
        p class="lead" { (sentence(page)) }
        (warnings(page))
        (facts(page))
        (shown_time(frame, (&path_of(page), chosen(page)), page.asked.as_deref(), page.span))
        div class="grid" {
            (main_chart(page, &behind))
            div class="column w7" { (budget(page, &behind)) (violations(page, &behind)) }
            div class="column w5" { (trust(page, &behind)) (excluded(frame, page, &behind)) }
            (all_series(frame, page))
        }
    };
    let title = format!("{}: {name}", check.state.name());
    frame.page(&title, Some(Place::Slas), &main)
}

/// What broke, what is likely, how far that is to be trusted, and what is left.
fn sentence(page: &ObjectivePage) -> Markup {
    let row = &page.row;
    let check = &row.check;
    let name = name::of_entry(check);
    let three = check.windows.map(|windows| windows.three_hours);
    html! {
        (name) " "
        @match (check.state, three) {
            (State::NoData, _) => { b { "has no data" } @if let Some(reason) = &check.reason { ": " (name::reason(reason)) } ". " },
            (State::Ended, _) => { "has " b { "ended" } @if let (Some(since), Some(as_of)) = (check.silent_since, check.as_of) { ", silent since " (clock::at(since, as_of)) } ". " },
            (_, Some(counts)) if check.kind != "events" => {
                @if check.state == State::Firing { "is " b { "out of its range now" } " and " }
                @match counts.violations {
                    0 => "kept its range for 3 h. ",
                    count => { b { "broke its range " (broke(count)) " in 3 h" } " (" (number::duration(counts.seconds)) "). " },
                }
            },
            _ => { (of_events(row)) },
        }
        @if let Some(probability) = row.probability() {
            b { (number::probability(probability)) " likely" } " in the next 10 minutes"
            @match row.trust.as_ref().and_then(|trust| trust.bin(probability)) {
                Some(bin) => { "; when such forecasts said " (number::probability(bin.said)) ", it happened " (number::probability(bin.happened)) " of the time. " },
                None => "; such forecasts are not scored yet. ",
            }
        } @else if let Some(reason) = row.prediction.as_ref().and_then(|own| own.reason.as_deref()) {
            @if check.state != State::NoData && check.state != State::Ended { "No forecast: " (name::reason(reason)) ". " }
        }
        @if let Some(left) = row.left() {
            @if left <= 0.0 { "Its budget is " b { "used up" } "." }
            @else { (number::left(left)) " of its budget is left." }
        }
    }
}

fn broke(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

/// What a composite makes of its parts.
fn composite(budget: &Budget) -> &'static str {
    match &budget.spent {
        Spent::Time(_) => "",
        Spent::Events(own) => match own.composite {
            Some(Combine::Weighted) => {
                "Several objectives in one budget: of each minute it takes the mean of their bad shares, by their weights. "
            }
            Some(Combine::Worst) => {
                "Several objectives in one budget: of each minute it takes the worst of their bad shares. "
            }
            None => "",
        },
    }
}

fn of_events(row: &Row) -> Markup {
    let budget = row.budget.as_ref();
    html! {
        @match budget.and_then(|budget| Some((budget, budget.sli()?))) {
            Some((budget, sli)) => {
                "was good for " b { (number::share(sli)) } " of "
                @match &budget.spent { Spent::Events(own) => { (number::plain(own.total)) " " (budget.unit()) }, Spent::Time(_) => "the time" }
                " in " (budget.window()) ". "
                @if let Some(alert) = budget.alerts().iter().find(|alert| alert.firing) { "The " (alert.severity.word()) " alert of " (alert.long) " fires. " }
            },
            None => "has nothing that could be judged yet. ",
        }
    }
}

fn warnings(page: &ObjectivePage) -> Markup {
    let check = &page.row.check;
    html! {
        @if let (Some(since), State::Firing | State::Pending, Some(as_of)) = (check.silent_since, check.state, check.as_of) {
            p class="note pending" role="status" { (icon("frozen")) "Frozen: the series is silent since " (clock::at(since, as_of)) ", and keeps its state until the objective's hold is over." }
        }
        @if check.in_exclusion { p class="note" role="status" { "This moment is excluded: violations are shown, and do not count." } }
    }
}

fn facts(page: &ObjectivePage) -> Markup {
    let row = &page.row;
    let check = &row.check;
    let three = check.windows.map(|windows| windows.three_hours);
    let budget = row.budget.as_ref();
    html! {
        dl class="facts" {
            div { dt { "State" } dd class={ "s-" (check.state.class()) } { (check.state.name()) small { @if let Some(as_of) = check.as_of { "as of " (clock::full(as_of)) } @else { "not evaluated yet" } } } }
            div { dt { "Next 10 minutes" } dd {
                @match row.probability() { Some(probability) => (number::probability(probability)), None => "–" }
                small { @match row.prediction.as_ref().and_then(|own| own.predicted) {
                    Some(predicted) => { (number::value(predicted.min, check.unit.as_deref())) " to " (number::value(predicted.max, check.unit.as_deref())) " expected" },
                    None => "of a violation",
                } }
            } }
            @if check.kind == "events" {
                div { dt { "Burn, 1 h" } dd {
                    @match budget.and_then(|budget| budget.burn("1h")) { Some(burn) => (number::times(burn)), None => "–" }
                    small { "1× is as fast as it lasts" }
                } }
            } @else {
                div { dt { "Violations, 3 h" } dd {
                    @match three { Some(counts) => { (counts.violations) small { (number::duration(counts.seconds)) } }, None => "–" }
                } }
            }
            div { dt { "SLI" } dd {
                @match budget.and_then(Budget::sli) { Some(sli) => (number::share(sli)), None => "–" }
                small { @match budget.and_then(Budget::target) { Some(target) => { "of " (number::share(target)) " wanted" }, None => "no target" } }
            } }
            div { dt { "Budget left" } dd class=[row.is_used_up().then_some("s-firing")] {
                @match row.left() { Some(left) => (number::left(left)), None => "–" }
                small { @match budget.and_then(Budget::exhaustion_seconds) { Some(0.0) => "used up", Some(seconds) => { "gone in " (number::duration(seconds)) " at this pace" }, None => {} } }
            } }
            div { dt { "Measured" } dd {
                @match three.map(|counts| counts.coverage).or(budget.map(Budget::coverage)) { Some(coverage) => (number::share(coverage)), None => "–" }
                small { @match budget { Some(budget) if budget.excluded_seconds() > 0.0 => { (number::duration(budget.excluded_seconds())) " excluded" }, _ => "of the time" } }
            } }
        }
    }
}

fn path_of(page: &ObjectivePage) -> String {
    format!(
        "/ui/sla/{}/{}",
        name::segment(&page.sla),
        name::segment(&page.row.check.objective)
    )
}

/// The series that is shown, where the objective has several.
fn chosen(page: &ObjectivePage) -> &str {
    match page.series.len() {
        0 | 1 => "",
        _ => page.row.check.series_id.as_deref().unwrap_or_default(),
    }
}

fn main_chart(page: &ObjectivePage, behind: &Behind<'_>) -> Markup {
    let check = &page.row.check;
    let unit = if check.kind == "events" {
        Some("ratio")
    } else {
        check.unit.as_deref()
    };
    let path = page
        .forecast
        .as_ref()
        .and_then(|forecast| forecast.path.as_deref());
    let path = path.unwrap_or_default();
    let episodes: Vec<_> = page
        .violations
        .iter()
        .map(|own| own.episode.clone())
        .collect();
    let excluded: Vec<Span> = page
        .exclusions
        .iter()
        .filter(|own| own.deleted_at.is_none())
        .flat_map(Exclusion::spans)
        .collect();
    let chart = Chart {
        past: page.span,
        unit,
        min: check.min,
        max: check.max,
        history: &page.history,
        episodes: &episodes,
        excluded: &excluded,
        silent: &page.silent,
        versions: &page.versions,
        path,
    };
    let name = name::of_entry(check);
    let name = format!(
        "{name} from {} to {}",
        clock::instant(page.span.start),
        clock::instant(page.span.end)
    );
    html! {
        figure class="panel" {
            figcaption {
                div class="head" { h2 { (number::duration(page.span.seconds())) " that were" @if !path.is_empty() { ", and what may come" } } }
                p class="say" id="said" { (finding(page, unit)) }
            }
            (chart.drawn(&name, "said"))
            (chart::key(!path.is_empty(), !page.history.is_empty()))
            (numbers(page, unit, path))
            (behind.chart())
        }
    }
}

/// What the chart shows, in words.
fn finding(page: &ObjectivePage, unit: Option<&str>) -> Markup {
    let worst = page
        .violations
        .iter()
        .max_by(|one, other| one.episode.seconds.total_cmp(&other.episode.seconds));
    html! {
        @match worst {
            Some(longest) => {
                (number::count(page.violations.len() as u64, "violation", "violations")) @if page.more_violations { " and more" }
                "; the longest " (number::duration(longest.episode.seconds)) " at " (clock::at(longest.episode.start, page.span.end))
                @if let Some(worst) = longest.episode.worst { ", up to " (number::value(worst, unit)) } ". "
            },
            None if page.row.check.kind == "events" => "The share of bad events. ",
            None => "No violation in this time. ",
        }
        @if let Some(forecast) = &page.forecast {
            @match (forecast.average, &forecast.intervals) {
                (Some(average), Some(intervals)) => {
                    "Expected next: " (number::value(average, unit)) " on average ("
                    (number::value(intervals.average.lower, unit)) " to " (number::value(intervals.average.upper, unit)) " in 95 of 100 cases), at most "
                    (number::value(intervals.max.upper, unit)) "."
                    @if let Some(model) = &forecast.model { " The model, " (model.name) ": " (model.why) "." }
                },
                _ => { @if let Some(reason) = &forecast.reason { "No forecast: " (name::reason(reason)) "." } },
            }
        }
    }
}

/// The chart as tables.
fn numbers(page: &ObjectivePage, unit: Option<&str>, path: &[PathPoint]) -> Markup {
    let shown = |value| number::value(value, unit);
    let steps = path.len().div_ceil(10).max(1);
    html! {
        @if !page.history.is_empty() || !path.is_empty() {
            details {
                summary { "The numbers" }
                div class="data" tabindex="0" role="group" aria-label="The numbers of the chart" {
                    @if !page.history.is_empty() { (chart::numbers(&page.history, unit, page.span.end)) }
                    @if !path.is_empty() {
                        table {
                            caption { "Forecast" }
                            thead { tr { th scope="col" { "at" } th scope="col" class="n" { "expected" } th scope="col" class="n" { "80 of 100" } th scope="col" class="n" { "95 of 100" } } }
                            tbody { @for point in path.iter().skip(steps - 1).step_by(steps) { tr {
                                th scope="row" { (clock::at(point.time, page.span.end)) }
                                td class="n" { (shown(point.mean)) }
                                td class="n" { @match (point.lower_80, point.upper_80) { (Some(lower), Some(upper)) => { (shown(lower)) " to " (shown(upper)) }, _ => "–" } }
                                td class="n" { (shown(point.lower)) " to " (shown(point.upper)) }
                            } } }
                        }
                    }
                }
            }
        }
    }
}

fn budget(page: &ObjectivePage, behind: &Behind<'_>) -> Markup {
    let Some(budget) = page.row.budget.as_ref() else {
        return html! {};
    };
    let Some(target) = budget.target() else {
        return html! {
            section class="panel" { h2 { "Error budget" } p class="say" { "This objective has no target: there is no budget to spend. Give it a " code { "target" } " such as 0.99." } }
        };
    };
    let (allowed, bad) = match &budget.spent {
        Spent::Time(own) => (
            own.budget_seconds.map(number::duration),
            number::duration(own.bad_seconds),
        ),
        Spent::Events(own) => {
            let events = |count: f64| format!("{} {}", number::plain(count), budget.unit());
            (own.budget_events.map(events), events(own.bad))
        }
    };
    let allowed = allowed.unwrap_or_else(|| number::UNKNOWN.to_owned());
    html! {
        section class="panel" {
            h2 { "Error budget of " (budget.window()) }
            p class="say" {
                (composite(budget))
                (number::share(1.0 - target)) " may be bad: " (allowed) ". "
                "Bad so far: " (bad) ". "
                @if let Some(left) = budget.left() { "Left: " b { (number::left(left)) } ". " }
                @match budget.exhaustion_seconds() { Some(seconds) if seconds > 0.0 => { "At the pace of the last hour it is gone in " (number::duration(seconds)) "." }, _ => {} }
            }
            @if let Some(left) = budget.left() { (spark::budget_bar(left)) }
            (cone::history(page, budget))
            @if !budget.alerts().is_empty() {
                p class="say" {
                    "How fast it is spent: 1× is as fast as it lasts. An alert fires while both windows are above its factor; the time says when that would be if everything were bad from now on."
                    @if budget.alerts().iter().any(|alert| alert.frozen) { " One that is frozen stays as it was, as too little is measured." }
                }
                (scrolling("Burn-rate alerts", &html! {
                    table {
                        caption class="sr" { "Burn-rate alerts" }
                        thead { tr { th scope="col" { "alert" } th scope="col" class="n" { "long" } th scope="col" class="n" { "short" } th scope="col" class="n" { "would fire at" } th scope="col" { "now" } } }
                        tbody { @for alert in budget.alerts() { (alert_row(alert, (budget.burn(&alert.long), budget.burn(&alert.short)), target, page.row.check.as_of)) } }
                    }
                }))
            }
            (behind.budget())
        }
    }
}

fn alert_row(
    alert: &Alert,
    (long, short): (Option<f64>, Option<f64>),
    target: f64,
    as_of: Option<Timestamp>,
) -> Markup {
    let waits = [(&alert.long, long), (&alert.short, short)];
    let waits = waits.map(|(window, burn)| wait(window, burn.unwrap_or(0.0), alert.factor, target));
    let wait = waits[0].zip(waits[1]).map(|(long, short)| long.max(short));
    let fires_at = as_of.zip(wait.filter(|wait| *wait > 0.0 && alert.reachable));
    let rate = |burn: Option<f64>, window: &str| {
        html! {
            td class=(if burn.is_some_and(|burn| burn > alert.factor) { "n bad" } else { "n" }) {
                @match burn { Some(burn) => { @if burn > alert.factor { (icon("over")) } (number::times(burn)) }, None => "–" }
                small { (window) }
            }
        }
    };
    html! {
        tr {
            th scope="row" { (alert.severity.word()) }
            (rate(long, &alert.long))
            (rate(short, &alert.short))
            td class="n" {
                (number::times(alert.factor))
                @match fires_at {
                    Some((as_of, wait)) => small { (clock::at(as_of + Duration::from_secs_f64(wait.ceil()), as_of)) ", in " (number::duration(wait)) },
                    None if !alert.reachable => small { "never" },
                    None => {},
                }
            }
            td {
                @if alert.frozen { (icon("frozen")) "frozen, " }
                @if alert.firing { span class="bad" { (icon("firing")) "fires" } } @else { "quiet" }
            }
        }
    }
}

/// After how many seconds in which everything is bad a window burns `factor` times too fast, if what was bad in it was so evenly.
fn wait(window: &str, burn: f64, factor: f64, target: f64) -> Option<f64> {
    let length = duration::parse(window).ok()?.as_secs_f64();
    let (bad, wanted) = (burn * (1.0 - target), factor * (1.0 - target));
    let wait = length * (wanted - bad) / (1.0 - bad);
    wait.is_finite().then(|| wait.max(0.0))
}

fn trust(page: &ObjectivePage, behind: &Behind<'_>) -> Markup {
    let Some(trust) = page.row.trust.as_ref().filter(|trust| !trust.0.is_empty()) else {
        return html! {
            section class="panel" { h2 { "How far to trust it" } p class="say" { "No forecast of this objective is scored yet. A forecast is scored when its 10 minutes are over." } }
        };
    };
    let own = page
        .row
        .probability()
        .and_then(|probability| trust.bin(probability));
    html! {
        section class="panel" {
            h2 { "How far to trust it" }
            p class="say" {
                @match own {
                    Some(bin) => { "Forecasts like this one said " (number::probability(bin.said)) ", and it happened " (number::probability(bin.happened)) " of the time: " (number::count(bin.forecasts, "forecast", "forecasts")) " in " (number::count(bin.independent, "span", "spans")) " of 10 minutes." },
                    None => "No forecast like this one is scored yet.",
                }
            }
            (reliability(trust, own))
            details {
                summary { "The numbers" }
                (scrolling("What forecasts were worth", &html! {
                    table {
                        thead { tr { th scope="col" class="n" { "said" } th scope="col" class="n" { "happened" } th scope="col" class="n" { "forecasts" } th scope="col" class="n" { "independent" } } }
                        tbody { @for bin in &trust.0 { tr { td class="n" { (number::probability(bin.said)) } td class="n" { (number::probability(bin.happened)) } td class="n" { (bin.forecasts) } td class="n" { (bin.independent) } } } }
                    }
                }))
            }
            (behind.trust())
        }
    }
}

/// What was said against what happened; a bar is where the truth may be (Wilson 1927, 90 %, over independent forecasts).
fn reliability(trust: &Trust, own: Option<&TrustBin>) -> Markup {
    let most = trust
        .0
        .iter()
        .map(|bin| bin.forecasts)
        .max()
        .unwrap_or(1)
        .max(1) as f64;
    let x = |share: f64| (38.0 + 200.0 * share).round();
    let y = |share: f64| (222.0 - 200.0 * share).round();
    html! {
        svg class="square" role="img" aria-label="What forecasts said against what happened" viewBox="0 0 248 258" {
            line class="diag" x1=(x(0.0)) y1=(y(0.0)) x2=(x(1.0)) y2=(y(1.0)) {}
            @for tick in [0.0, 0.5, 1.0] {
                text x=(x(tick)) y="242" text-anchor="middle" { (100.0 * tick) }
                text x="26" y=(y(tick) + 4.0) text-anchor="end" { (100.0 * tick) }
            }
            text x=(x(0.5)) y="256" text-anchor="middle" { "said, %" }
            text x="0" y="10" { "happened, %" }
            @for bin in &trust.0 {
                @let (low, high) = wilson(bin.happened, bin.independent as f64);
                line class="ci" x1=(x(bin.said)) x2=(x(bin.said)) y1=(y(low)) y2=(y(high)) {}
                circle class=(if own == Some(bin) { "rel me" } else { "rel" }) cx=(x(bin.said)) cy=(y(bin.happened)) r=((3.0 + 5.0 * (bin.forecasts as f64 / most).sqrt()).round()) {}
            }
        }
    }
}

/// The interval of a share of `count` independent trials, 90 % (Wilson 1927).
fn wilson(share: f64, count: f64) -> (f64, f64) {
    const Z: f64 = 1.645;
    if count < 1.0 {
        return (0.0, 1.0);
    }
    let square = Z * Z / count;
    let middle = (share + square / 2.0) / (1.0 + square);
    let half = Z * (share * (1.0 - share) / count + square / (4.0 * count)).sqrt() / (1.0 + square);
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

fn violations(page: &ObjectivePage, behind: &Behind<'_>) -> Markup {
    let unit = page.row.check.unit.as_deref();
    html! {
        section class="panel" {
            h2 { "Violations" }
            @if page.violations.is_empty() { p class="say" { "None in this time." } } @else {
                (scrolling("Violations", &html! {
                    table {
                        thead { tr { th scope="col" { "from" } th scope="col" class="n" { "for" } th scope="col" class="n" { "worst" } th scope="col" { "series" } th scope="col" class="n" { "excluded" } } }
                        tbody {
                            @for own in page.violations.iter().take(50) {
                                tr {
                                    th scope="row" { (clock::full(own.episode.start)) }
                                    td class="n" { (number::duration(own.episode.seconds)) @if own.episode.ongoing { small class="bad" { "goes on" } } }
                                    td class="n" { @match own.episode.worst { Some(worst) => (number::value(worst, unit)), None => "∞" } small { (own.episode.side) } }
                                    td { (name::cut(&name::pairs(&own.labels))) }
                                    td class="n" { @if own.episode.excluded_seconds > 0.0 { (number::duration(own.episode.excluded_seconds)) } @else { "–" } }
                                }
                            }
                        }
                    }
                }))
                @if page.more_violations || page.violations.len() > 50 { p class="soft" { "More are in the answer of the API; a shorter time shows them here." } }
            }
            (behind.violations())
        }
    }
}

fn excluded(frame: &Frame<'_>, page: &ObjectivePage, behind: &Behind<'_>) -> Markup {
    html! {
        section class="panel" {
            h2 { "Exclusions" }
            p class="say" { "Time that does not count, for a reason. Drag over the chart to choose it." }
            (exclusions(frame, &page.sla, &page.exclusions))
            (exclusion_form(frame, &page.sla, Some(&page.row.check.objective), page.asked.is_none().then_some(page.span)))
            (behind.exclusions())
        }
    }
}

fn all_series(frame: &Frame<'_>, page: &ObjectivePage) -> Markup {
    let path = path_of(page);
    let total = page.row.check.series;
    html! {
        @if page.series.len() > 1 {
            section class="panel" {
                h2 { "On each series" }
                @if total > page.series.len() as u64 { p class="say" { "The worst " (page.series.len()) " of " (number::plain(total as f64)) "." } }
                (scrolling("The objective on each series", &html! {
                    table class="wide" {
                        thead { tr { th scope="col" { "series" } th scope="col" { "state" } th scope="col" class="n" { "violations, 3 h" } th scope="col" class="n" { "coverage" } } }
                        tbody {
                            @for own in &page.series {
                                @let three = own.windows.map(|windows| windows.three_hours);
                                tr class=(own.state.class()) {
                                    th scope="row" { a href=(frame.link(&path, &[("series", own.series_id.as_deref().unwrap_or_default())])) aria-current=[(own.series_id == page.row.check.series_id).then_some("true")] { (series_name(own)) } }
                                    td class="st" { (own.state.shown()) }
                                    td class="n" { @match three { Some(counts) => (counts.violations), None => "–" } }
                                    td class="n" { @match three { Some(counts) => (number::share(counts.coverage)), None => "–" } }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

fn series_name(own: &CheckEntry) -> String {
    match name::pairs(&own.labels) {
        pairs if pairs.is_empty() => "all together".to_owned(),
        pairs => name::cut(&pairs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_would_fire_once_both_windows_are_full_enough() {
        // 14.4 times 1 % of an hour, from nothing.
        let from_nothing = wait("1h", 0.0, 14.4, 0.99).unwrap();
        assert!((from_nothing - 518.4).abs() < 1e-6, "{from_nothing}");
        assert!(wait("1h", 20.0, 14.4, 0.99).unwrap() <= 0.0);
        assert_eq!(wait("an hour", 0.0, 14.4, 0.99), None);
    }

    #[test]
    fn the_interval_of_a_share_narrows_with_its_trials() {
        let (low, high) = wilson(0.5, 10.0);
        let (lower, higher) = wilson(0.5, 1000.0);
        assert!(low < lower && lower < 0.5 && 0.5 < higher && higher < high);
        assert_eq!(wilson(0.5, 0.0), (0.0, 1.0));
        let (zero, some) = wilson(0.0, 20.0);
        assert!(zero.abs() < 1e-9 && some > 0.05);
    }
}
