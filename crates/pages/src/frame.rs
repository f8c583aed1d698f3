use domain::{Span, Timestamp};
use maud::{DOCTYPE, Markup, html};

use crate::{assets, clock, icon, name, number};

/// What every page has around its content.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// What the caller has before the paths of the routes: empty, or such as `/v1`.
    pub base: &'a str,
    /// The same with scheme and host, for commands.
    pub address: &'a str,
    /// The present, for ages in words; `None` where the page is made for its tag.
    pub now: Option<Timestamp>,
    /// The moment that the reader asked about; links keep it.
    pub pinned: Option<Timestamp>,
    /// When what is shown was found.
    pub moment: Option<Moment>,
    /// Whether somebody signed in, and can sign out.
    pub is_signed_in: bool,
}

/// When what is shown was found.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// When.
    pub as_of: Timestamp,
    /// Whether that is too long ago.
    pub stale: bool,
}

/// One of the places that each page leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// All SLAs.
    Slas,
    /// All series.
    Series,
    /// Alerts and their deliveries.
    Alerts,
    /// Runs.
    Runs,
    /// Trying bounds out.
    Try,
}

const PLACES: [(Place, &str, &str); 5] = [
    (Place::Slas, "/ui", "SLAs"),
    (Place::Series, "/ui/series", "Series"),
    (Place::Alerts, "/ui/alerts", "Alerts"),
    (Place::Runs, "/ui/runs", "Runs"),
    (Place::Try, "/ui/try", "Try"),
];

impl<'a> Frame<'a> {
    /// Around a page that is about nothing that was found.
    pub fn bare(base: &'a str) -> Self {
        Self {
            base,
            address: base,
            now: None,
            pinned: None,
            moment: None,
            is_signed_in: false,
        }
    }

    /// A link to a page, at the moment that the reader asked about.
    pub(crate) fn link(&self, path: &str, query: &[(&str, &str)]) -> String {
        let pinned = self.pinned.map(clock::instant);
        let pinned = pinned.as_deref().map(|pinned| ("as_of", pinned));
        let mut link = format!("{}{path}", self.base);
        let pairs = query.iter().copied().chain(pinned);
        for (position, (name, value)) in pairs.filter(|(_, value)| !value.is_empty()).enumerate() {
            link.push(if position == 0 { '?' } else { '&' });
            link.push_str(&name::segment(name));
            link.push('=');
            link.push_str(&name::segment(value));
        }
        link
    }

    /// A link that leads back here, and to nothing at that moment.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A whole page.
    pub(crate) fn page(&self, title: &str, place: Option<Place>, main: &Markup) -> String {
        let style = self.path(&assets::path(&assets::STYLE));
        let script = self.path(&assets::path(&assets::SCRIPT));
        let icon = self.path(&assets::path(&assets::ICON));
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width,initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " – slacast" }
                    link rel="icon" href=(icon);
                    link rel="stylesheet" href=(style);
                    script src=(script) defer {}
                }
                body {
                    a class="skip" href="#main" { "Skip to the content" }
                    (icon::symbols())
                    header class="top" {
                        a class="mark" href=(self.link("/ui", &[])) { "slacast" }
                        nav aria-label="Main" {
                            ul {
                                @for (own, path, word) in PLACES {
                                    li { a href=(self.link(path, &[])) aria-current=[(place == Some(own)).then_some("page")] { (word) } }
                                }
                            }
                        }
                        (self.moment_shown())
                        @if self.is_signed_in {
                            form method="post" action=(self.path("/ui/logout")) { button class="link" { "Sign out" } }
                        }
                    }
                    main id="main" {
                        @if let Some(pinned) = self.pinned {
                            p class="note pinned" role="status" {
                                "As it was known at " (clock::full(pinned)) " UTC. "
                                a href={ (self.base) "/ui" } { "Back to now" }
                            }
                        }
                        (main)
                    }
                    footer class="foot" {
                        span { "Times are UTC." }
                        // Where tokens are needed a browser has none to show there; a page without a place does not know.
                        @if place.is_some() && !self.is_signed_in {
                            a href={ (self.base) "/openapi.json" } { "OpenAPI" }
                            a href={ (self.base) "/health" } { "Health" }
                        }
                    }
                }
            }
        };
        page.into_string()
    }

    fn moment_shown(&self) -> Markup {
        let Some(moment) = self.moment else {
            return html! { p class="asof" {} };
        };
        let age = self.now.map(|now| now.seconds_since(moment.as_of).max(0.0));
        html! {
            p class="asof" {
                @if moment.stale {
                    span class="pending" { (icon::icon("pending")) "stale: " }
                }
                span {
                    "as of " time datetime=(clock::instant(moment.as_of)) { (clock::short(moment.as_of, self.now.unwrap_or(moment.as_of))) " UTC" }
                    @if let (Some(age), None) = (age, self.pinned) { ", " (number::duration(age)) " ago" }
                }
            }
        }
    }
}

/// Why a request is not answered as asked.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// What the status says.
    pub title: String,
    /// What is wrong, in a sentence.
    pub detail: String,
    /// Where and what, for everything that is wrong.
    pub faults: Vec<(String, String)>,
}

/// The page of a request that is not answered as asked.
pub fn refusal(frame: &Frame<'_>, refusal: &Refusal) -> String {
    let sentence = match refusal.status {
        400 | 413 | 415 | 422 => "This cannot be done as it was asked",
        401 | 403 => "This is not permitted",
        404 => "There is no such page",
        405 => "This page cannot be sent that",
        409 | 412 => "This contradicts what there is",
        503 => "Something that this page needs is away",
        _ => "Something is wrong here",
    };
    let title = format!("{} {}", refusal.status, refusal.title);
    let main = html! {
        h1 { (sentence) }
        p class="lead" { (sentence_of(&refusal.detail)) }
        @if !refusal.faults.is_empty() {
            ul class="faults" {
                @for (place, detail) in &refusal.faults {
                    li { code { @if place.is_empty() { "the whole" } @else { (place) } } " " (detail) }
                }
            }
        }
        p {
            @if refusal.status == 503 { "It may come back: load the page again in some seconds. " }
            @if matches!(refusal.status, 401 | 403) { a href=(frame.path("/ui/login")) { "Sign in" } " or go to " }
            @else { "Go to " }
            a href=(frame.path("/ui")) { "all SLAs" } "."
        }
        p class="soft" { (refusal.status) " " (refusal.title) }
    };
    frame.page(&title, None, &main)
}

fn sentence_of(detail: &str) -> String {
    let mut characters = detail.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string());
    let rest: String = characters.take(2000).collect();
    let end = if rest.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{rest}{end}", first.unwrap_or_default())
}

/// The table of a page that scrolls by itself where it is too wide.
pub(crate) fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div class="scroll" tabindex="0" role="group" aria-label=(label) { (table) } }
}

/// How to ask for what a panel shows.
pub(crate) fn command(what: &str, command: &str) -> Markup {
    html! { details class="ask" { summary { (what) } pre tabindex="0" { (command) } } }
}

const PRESETS: [(&str, &str); 5] = [
    ("-1h", "1 h"),
    ("-3h", "3 h"),
    ("-12h", "12 h"),
    ("-1d", "1 d"),
    ("-7d", "7 d"),
];

/// The time that the chart of a page shows, to be chosen: of a page at a path, about a series where it may be about several.
/// `asked` is that time as the reader asked for it; none where both ends were given.
pub(crate) fn shown_time(
    frame: &Frame<'_>,
    (path, series): (&str, &str),
    asked: Option<&str>,
    span: Span,
) -> Markup {
    let (start, end) = (clock::instant(span.start), clock::instant(span.end));
    html! {
        div class="bar" {
            nav class="seg" aria-label="Time shown" {
                @for (ago, words) in PRESETS {
                    a href=(frame.link(path, &[("from", ago), ("series", series)])) aria-current=[(asked == Some(ago)).then_some("true")] { (words) }
                }
            }
            form method="get" action=(frame.path(path)) {
                @if !series.is_empty() { input type="hidden" name="series" value=(series); }
                div { label for="from" { "From, UTC" } input id="from" name="from" autocomplete="off" value=(asked.unwrap_or(&start)); }
                div { label for="to" { "To, UTC" } input id="to" name="to" autocomplete="off" value=(if asked.is_some() { "" } else { &end }) placeholder="now"; }
                div { label for="as_of" { "As known at, UTC" } input id="as_of" name="as_of" autocomplete="off" value=(frame.pinned.map(clock::instant).unwrap_or_default()) placeholder="now"; }
                button { "Show" }
            }
        }
    }
}
