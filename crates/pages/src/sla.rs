//! One SLA, and a new one.

use domain::Span;
use maud::{Markup, html};

use crate::{
    Exclusion, Frame, Place, ShownSla, State, Violation, clock, edit,
    frame::{command, scrolling},
    list, name, number,
};

/// What the page of an SLA shows.
#[derive(Debug)]
pub struct SlaPage {
    /// Its objectives, the worst first.
    pub sla: ShownSla,
    /// Its newest violations.
    pub violations: Vec<Violation>,
    /// Its exclusions, newest first.
    pub exclusions: Vec<Exclusion>,
    /// What it says, as JSON.
    pub document: String,
    /// The version in force and what would make it again, as JSON; `None` if it is retired.
    pub in_force: Option<(u32, String)>,
}

/// The page of an SLA.
pub fn sla(frame: &Frame<'_>, page: &SlaPage) -> String {
    let sla = &page.sla;
    let worst = sla.rows.first().map(|row| row.check.state);
    let main = html! {
        nav aria-label="Where you are" {
            ul class="crumb" { li { a href=(frame.link("/ui", &[])) { "SLAs" } } li aria-current="page" { (name::cut(&sla.name)) } }
        }
        h1 { (sla.name) " " @if let Some(worst) = worst { span class={ "tag s-" (worst.class()) } { (worst.shown()) } } }
        p class="lead" { (sentence(sla)) }
        @if !sla.complete && sla.as_of.is_some() { p class="note pending" role="status" { "In part: not all objectives are of one time. Each says its own." } }
        div class="slas scroll" tabindex="0" role="group" aria-label="Its objectives" {
            table role="table" {
                caption class="sr" { "The objectives of " (sla.name) ", the worst first" }
                (list::plain_head())
                (list::group(frame, sla))
            }
        }
        div class="grid after" {
            section class="panel w7" {
                h2 { "Newest violations" }
                @if page.violations.is_empty() { p class="say" { "None is stored." } } @else {
                    (scrolling("Newest violations", &html! {
                        table {
                            thead { tr { th scope="col" { "from" } th scope="col" { "objective" } th scope="col" class="n" { "for" } } }
                            tbody { @for own in &page.violations { tr {
                                th scope="row" { (clock::full(own.episode.start)) }
                                td { a href=(frame.link(&format!("/ui/sla/{}/{}", name::segment(&sla.name), name::segment(&own.objective)), &[])) { (name::with_place(&own.metric, &own.labels)) } }
                                td class="n" { (number::duration(own.episode.seconds)) @if own.episode.ongoing { small class="bad" { "goes on" } } }
                            } } }
                        }
                    }))
                }
            }
            section class="panel w5" {
                h2 { "Exclusions" }
                (exclusions(frame, &sla.name, &page.exclusions))
                (exclusion_form(frame, &sla.name, None, None))
            }
            section class="panel ask" {
                h2 { "What it says" }
                details { summary { "Version " (sla.version) " as JSON" } pre tabindex="0" { (page.document) } }
                @if let (Some((version, document)), None) = (&page.in_force, frame.pinned) { (edit::forms(frame, &sla.name, *version, document)) }
                (command("Ask for it yourself", &format!("curl {base}/sla/{name}\ncurl '{base}/sla/{name}?format=openslo'\ncurl '{base}/check_json?sla={name}'\ncurl {base}/sla/{name}/budget", base = frame.address, name = name::segment(&sla.name))))
            }
        }
    };
    let title = match worst {
        Some(worst) => format!("{}: {}", worst.name(), sla.name),
        None => sla.name.clone(),
    };
    frame.page(&title, Some(Place::Slas), &main)
}

fn sentence(sla: &ShownSla) -> String {
    let count = |state| {
        sla.rows
            .iter()
            .filter(|row| row.check.state == state)
            .count() as u64
    };
    let all = sla.rows.len() as u64;
    let used_up = sla.rows.iter().filter(|row| row.is_used_up()).count() as u64;
    let mut parts = Vec::new();
    for (state, words) in [
        (State::Firing, "out of its range"),
        (State::Pending, "about to be"),
        (State::NoData, "without data"),
    ] {
        if count(state) > 0 {
            parts.push(format!("{} {words}", count(state)));
        }
    }
    let of_all = format!("of {}", number::count(all, "objective", "objectives"));
    let states = match &parts[..] {
        [] if all == 1 => "Its objective is in range".to_owned(),
        [] if all > 1 => format!("All {all} objectives are in range"),
        [] => "No objective".to_owned(),
        parts => format!("{} {of_all}", parts.join(", ")),
    };
    match used_up {
        0 => format!("{states}."),
        count => format!(
            "{states}; {} used up.",
            number::count(count, "budget is", "budgets are")
        ),
    }
}

/// The exclusions in effect, each with a way back.
pub(crate) fn exclusions(frame: &Frame<'_>, sla: &str, exclusions: &[Exclusion]) -> Markup {
    let in_effect: Vec<&Exclusion> = exclusions
        .iter()
        .filter(|own| own.deleted_at.is_none())
        .collect();
    html! {
        @if in_effect.is_empty() { p class="say" { "None is in effect." } } @else {
            (scrolling("Exclusions", &html! {
                table class="wide" {
                    thead { tr { th scope="col" { "from, to" } th scope="col" { "why" } th scope="col" { span class="sr" { "Take back" } } } }
                    tbody { @for own in in_effect.iter().take(20) { tr {
                        td {
                            (clock::full(own.from)) br;
                            @if let Some(to) = own.to { (clock::full(to)) } @else { "without an end" }
                            @if let Some(rule) = &own.rrule { br; small { (rule) } }
                        }
                        td { (own.reason) @if let Some(objective) = &own.objective { small { (objective) " alone" } } }
                        td {
                            form method="post" action=(frame.path(&format!("/ui/sla/{}/exclusions/{}/take-back", name::segment(sla), own.id))) {
                                button aria-label=(format!("Take back the exclusion from {}", clock::instant(own.from))) { "Take back" }
                            }
                        }
                    } } }
                }
            }))
        }
    }
}

/// The forms that exclude time: once, and again and again.
pub(crate) fn exclusion_form(
    frame: &Frame<'_>,
    sla: &str,
    objective: Option<&str>,
    span: Option<Span>,
) -> Markup {
    let action = frame.path(&format!("/ui/sla/{}/exclusions", name::segment(sla)));
    let about = html! {
        @if let Some(objective) = objective { input type="hidden" name="objective" value=(objective); }
    };
    html! {
        details open[span.is_some()] {
            summary { "Exclude time" }
            form class="stack" method="post" action=(action) {
                (about)
                div { label for="ex-from" { "From, UTC" } input id="ex-from" name="from" required placeholder="-1h, 08:12 or 2026-11-23T08:00:00Z" autocomplete="off" value=(span.map(|span| clock::instant(span.start)).unwrap_or_default()); }
                div { label for="ex-to" { "To, UTC" } input id="ex-to" name="to" required placeholder="now" autocomplete="off" value=(span.map(|span| clock::instant(span.end)).unwrap_or_default()); }
                div { label for="ex-reason" { "Why" } input id="ex-reason" name="reason" required maxlength="1000" placeholder="planned upgrade"; }
                button { "Exclude" }
            }
        }
        details {
            summary { "Exclude time that recurs" }
            form class="stack" method="post" action=(action) {
                (about)
                @for (field, words, example) in RULE_FIELDS {
                    div { label for={ "ex-" (field) } { (words) } input id={ "ex-" (field) } name=(field) required placeholder=(example) autocomplete="off"; }
                }
                div { label for="ex-rule-reason" { "Why" } input id="ex-rule-reason" name="reason" required maxlength="1000" placeholder="backup"; }
                button { "Exclude" }
            }
        }
    }
}

/// The fields of an exclusion that recurs: name, words, an example.
const RULE_FIELDS: [(&str, &str, &str); 4] = [
    ("rrule", "Rule of RFC 5545", "FREQ=WEEKLY;BYDAY=SU"),
    ("starts", "First start, there", "2026-11-01T02:00:00"),
    ("duration", "For how long", "2h"),
    ("time_zone", "Time zone", "Europe/Rome"),
];

/// A new SLA, as it was typed and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct NewSla {
    /// The document as it was typed.
    pub document: Option<String>,
    /// Where and what is wrong with it.
    pub faults: Vec<(String, String)>,
    /// What it would have been reported as.
    pub preview: Option<crate::Tried>,
}

const EXAMPLE: &str = r#"{
  "name": "web",
  "objectives": [
    {"id": "cpu", "metric": "cpuUsage", "max": 80, "for": "1m", "target": 0.99, "budget_window": "7d"}
  ]
}"#;

/// The form of a new SLA.
pub fn new_sla(frame: &Frame<'_>, new: &NewSla) -> String {
    let main = html! {
        h1 { "A new SLA" }
        p class="lead" { "Say which values of which series are good. Look at what it would have reported before it is saved." }
        @if !new.faults.is_empty() {
            div class="note firing" role="alert" {
                p { b { "It is not saved:" } }
                ul class="faults" { @for (place, detail) in &new.faults { li { code { @if place.is_empty() { "the document" } @else { (place) } } " " (detail) } } }
            }
        }
        form class="stack" method="post" action=(frame.path("/ui/sla")) {
            div {
                label for="document" { "The SLA as JSON" }
                textarea id="document" name="document" required spellcheck="false" { (new.document.as_deref().unwrap_or(EXAMPLE)) }
            }
            div class="bar" { button name="do" value="preview" { "Preview" } button name="do" value="create" { "Create" } }
        }
        @if let Some(preview) = &new.preview { section class="panel" { h2 { "What it would report" } (crate::trial::outcome(preview)) } }
    };
    frame.page("A new SLA", Some(Place::Slas), &main)
}
