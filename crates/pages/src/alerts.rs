use std::time::Duration;

use domain::{Timestamp, alert::AlertName};
use maud::{Markup, html};

use crate::{
    Alert, Delivery, Frame, Place, clock,
    frame::{command, scrolling},
    icon::icon,
    name, number,
};

/// What the page of alerts shows.
#[derive(Debug)]
pub struct Alerts {
    /// The alerts: those that fire, then those that are resolved.
    pub alerts: Vec<Alert>,
    /// The deliveries, newest first.
    pub deliveries: Vec<Delivery>,
    /// In which state alone.
    pub state: Option<&'static str>,
    /// The rest of the alerts.
    pub next: Option<String>,
    /// Of another moment than now: how long resolved alerts are kept.
    pub kept: Option<Duration>,
    /// What came of a test: to how many receivers it was delivered, and to how many not.
    pub tested: Option<(u64, u64)>,
}

/// Alerts and their deliveries.
pub fn alerts(frame: &Frame<'_>, page: &Alerts) -> String {
    let main = html! {
        h1 { "Alerts" }
        p class="lead" { (sentence(page)) }
        @if let Some((delivered, failed)) = page.tested { (tested(delivered, failed)) }
        @if let Some(kept) = page.kept { (not_kept(kept)) }
        div class="bar" {
            nav class="seg" aria-label="By state" {
                @for (state, words) in STATES.into_iter().filter(|(state, _)| page.kept.is_none() || *state != Some("frozen")) {
                    a href=(frame.link("/ui/alerts", &[("state", state.unwrap_or_default())])) aria-current=[(page.state == state).then_some("true")] { (words) }
                }
            }
            form method="get" action=(frame.path("/ui/alerts")) {
                @if let Some(state) = page.state { input type="hidden" name="state" value=(state); }
                div { label for="as_of" { "As known at, UTC" } input id="as_of" name="as_of" placeholder="now, -3h or 08:12" autocomplete="off" value=(frame.pinned.map(clock::instant).unwrap_or_default()); }
                button { "Show" }
            }
            @if page.kept.is_none() { form method="post" action=(frame.path("/ui/alerts/test")) { button { "Send a test to every receiver" } } }
        }
        @if page.alerts.is_empty() { p class="none" { "There is no such alert." } } @else { (table(frame, page)) }
        @if page.kept.is_none() { div class="grid after" { (deliveries(frame, page)) } }
        section class="ask" { (command("Ask for it yourself", &format!("curl '{base}/alerts?state=firing'\ncurl '{base}/alerts/deliveries?state=failed'", base = frame.address))) }
    };
    let title = match firing(page).count() {
        0 => "Alerts".to_owned(),
        firing => format!("{firing} firing"),
    };
    frame.page(&title, Some(Place::Alerts), &main)
}

const STATES: [(Option<&str>, &str); 4] = [
    (None, "all"),
    (Some("firing"), "firing"),
    (Some("frozen"), "frozen"),
    (Some("resolved"), "resolved"),
];

/// What cannot be known of the moment.
fn not_kept(kept: Duration) -> Markup {
    html! {
        p class="note" role="status" {
            "Of each alert its newest firing is kept, with its newest words, and resolved ones for " (number::duration(kept.as_secs_f64()))
            ". So an alert that fired at this moment is missing if it fired again since; which were frozen, and which deliveries waited, is not known."
        }
    }
}

fn sentence(page: &Alerts) -> Markup {
    let firing: Vec<&Alert> = firing(page).collect();
    let watchdog = page.alerts.iter().find(|alert| is_watchdog(alert));
    let is_watched = watchdog.is_some_and(|alert| alert.state == FIRING);
    let newest = firing.iter().max_by_key(|alert| alert.since);
    let stuck = page
        .deliveries
        .iter()
        .filter(|own| matches!(own.state.as_str(), "failed" | "dead"))
        .count() as u64;
    let (fires, fire) = match page.kept {
        Some(_) => (" alert fired", " alerts fired"),
        None => (" alert fires", " alerts fire"),
    };
    html! {
        @match (newest, firing.len()) {
            (Some(only), 1) => { "1" (fires) ": " b { (summary(only)) } "." },
            (Some(newest), count) => { (count) (fire) ". The newest: " b { (summary(newest)) } "." },
            (None, _) => { "No" (fires) @if is_watched { " but the watchdog, as it should" } "." },
        }
        @if stuck > 0 && page.kept.is_none() { " " (number::count(stuck, "delivery has", "deliveries have")) " failed." }
    }
}

const FIRING: &str = "firing";

/// Those that fire because something is wrong.
fn firing(page: &Alerts) -> impl Iterator<Item = &Alert> {
    let alerts = page.alerts.iter();
    alerts.filter(|alert| alert.state == FIRING && !is_watchdog(alert))
}

/// Whether it is the one that fires while all is well.
fn is_watchdog(alert: &Alert) -> bool {
    let name = alert.labels.get("alertname");
    name.is_some_and(|name| name == AlertName::Watchdog.as_str())
}

fn tested(delivered: u64, failed: u64) -> Markup {
    html! {
        p class=(if failed > 0 { "note firing" } else { "note" }) role="status" {
            @match (delivered, failed) {
                (0, 0) => "There is no receiver to test: see docs/alerts.md.",
                (delivered, 0) => { "The test reached " (number::count(delivered, "receiver", "receivers")) "." },
                (delivered, failed) => { "The test reached " (number::count(delivered, "receiver", "receivers")) " and failed at " (failed) ": POST /alerts/test says why." },
            }
        }
    }
}

/// What people read of an alert.
fn summary(alert: &Alert) -> Markup {
    let summary = alert.annotations.get("summary");
    let own = summary.or_else(|| alert.labels.get("alertname"));
    name::sentence(own.unwrap_or(&alert.fingerprint))
}

fn table(frame: &Frame<'_>, page: &Alerts) -> Markup {
    let newest: Option<Timestamp> = page.alerts.iter().map(|alert| alert.since).max();
    html! {
        (scrolling("Alerts", &html! {
            table class="wide" {
                caption class="sr" { "Alerts" }
                thead { tr { th scope="col" { "state" } th scope="col" { "alert" } th scope="col" { "of" } th scope="col" { "since" } th scope="col" { "until" } } }
                tbody { @for alert in &page.alerts {
                    @let fires = alert.state == FIRING;
                    tr class=(if fires && !is_watchdog(alert) { "firing" } else { "quiet" }) {
                        td class="st" { @if alert.frozen { (icon("frozen")) "frozen" } @else if fires { (icon("firing")) "firing" @if is_watchdog(alert) { small { "as it should" } } } @else { (icon("ok")) "resolved" } @if let Some(reason) = &alert.reason { small { (name::reason(reason)) } } }
                        th scope="row" { (summary(alert)) small { (alert.labels.get("alertname").map(String::as_str).unwrap_or_default()) " " (alert.labels.get("severity").map(String::as_str).unwrap_or_default()) } }
                        td { (about(frame, alert)) }
                        td { (clock::at(alert.since, newest.unwrap_or(alert.since))) @if fires { small { (clock::ago(alert.since, frame.now)) } } }
                        td { @match alert.resolved_at { Some(at) => (clock::at(at, newest.unwrap_or(at))), None => "–" } }
                    }
                } }
            }
        }))
        @if let Some(next) = &page.next { nav class="pages" aria-label="Pages" { a rel="next" href=(frame.link("/ui/alerts", &[("state", page.state.unwrap_or_default()), ("cursor", next)])) { "next" } } }
    }
}

fn about(frame: &Frame<'_>, alert: &Alert) -> Markup {
    let of = |label: &str| alert.labels.get(label).filter(|value| !value.is_empty());
    let runbook = alert.annotations.get("runbook").cloned();
    let runbook = runbook.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    html! {
        @match (of("sla"), of("objective")) {
            (Some(sla), Some(objective)) => a href=(frame.link(&format!("/ui/sla/{}/{}", name::segment(sla), name::segment(objective)), &[])) { (name::cut(sla)) ", " (name::cut(objective)) },
            (Some(sla), None) => a href=(frame.link(&format!("/ui/sla/{}", name::segment(sla)), &[])) { (name::cut(sla)) },
            _ => "the system",
        }
        @if let Some(runbook) = runbook { small { a href=(runbook) rel="noreferrer" { "runbook" } } }
    }
}

/// `SlacastViolation of demo, cpuUsage`.
fn named(alert: &Alert) -> String {
    let of = |label: &str| alert.labels.get(label).map(String::as_str);
    let about = [of("sla"), of("objective")].into_iter().flatten();
    let about: Vec<&str> = about.filter(|word| !word.is_empty()).collect();
    let name = of("alertname").unwrap_or_default();
    name::cut(&match about.is_empty() {
        true => name.to_owned(),
        false => format!("{name} of {}", about.join(", ")),
    })
}

fn deliveries(frame: &Frame<'_>, page: &Alerts) -> Markup {
    html! {
        section class="panel" {
            h2 { "Deliveries" }
            @if page.deliveries.is_empty() { p class="say" { "Nothing was sent to a webhook or topic yet." } } @else {
                (scrolling("Deliveries", &html! {
                    table class="wide" {
                        thead { tr { th scope="col" { "receiver" } th scope="col" { "what" } th scope="col" { "state" } th scope="col" class="n" { "attempts" } th scope="col" { "last error" } th scope="col" { span class="sr" { "Retry" } } } }
                        tbody { @for own in &page.deliveries { tr {
                            th scope="row" { (name::cut(&own.receiver)) }
                            td { (own.r#type) @if let Some(alert) = page.alerts.iter().find(|alert| alert.fingerprint == own.fingerprint) { small { (named(alert)) } } }
                            td class=[matches!(own.state.as_str(), "failed" | "dead").then_some("bad")] { (own.state) @if let Some(next) = own.next_attempt { small { "next " (clock::full(next)) } } }
                            td class="n" { (own.attempts) }
                            td { (own.last_error.as_deref().map(name::cut).unwrap_or_default()) }
                            td { @if own.state != "delivered" { form method="post" action=(frame.path(&format!("/ui/alerts/deliveries/{}/retry", own.id))) { button aria-label=(format!("Retry delivery {}", own.id)) { "Retry" } } } }
                        } } }
                    }
                }))
            }
        }
    }
}
