//! Changing an SLA: another document in its place, or none.

use maud::{Markup, html};

use crate::{Frame, Place, name};

/// An SLA as somebody changes it.
#[derive(Clone, Debug, Default)]
pub struct EditedSla {
    /// Its name.
    pub name: String,
    /// The version that the change began with.
    pub version: u32,
    /// The document as it was typed.
    pub document: String,
    /// Where and what is wrong with it.
    pub faults: Vec<(String, String)>,
    /// Of one that somebody else changed in the meantime: the version in force, and its document.
    pub newest: Option<(u32, String)>,
}

/// An SLA that was not replaced, and why.
pub fn edited(frame: &Frame<'_>, edited: &EditedSla) -> String {
    let main = html! {
        (crumb(frame, &edited.name))
        h1 { "Replace " (name::cut(&edited.name)) }
        @if let Some((version, document)) = &edited.newest {
            (outdated(edited.version, *version))
            details { summary { "Version " (version) " as JSON" } pre tabindex="0" { (document) } }
        } @else {
            div class="note firing" role="alert" {
                p { b { "It is not saved:" } }
                ul class="faults" { @for (place, detail) in &edited.faults { li { code { @if place.is_empty() { "the document" } @else { (place) } } " " (detail) } } }
            }
        }
        @let version = edited.newest.as_ref().map_or(edited.version, |(version, _)| *version);
        (replacing(frame, &edited.name, version, &edited.document))
    };
    frame.page("Replace an SLA", Some(Place::Slas), &main)
}

/// Whether an SLA is to be retired; `newest`: of one that somebody else changed in the meantime, the version in force.
pub fn retiring(frame: &Frame<'_>, name: &str, version: u32, newest: Option<u32>) -> String {
    let main = html! {
        (crumb(frame, name))
        h1 { "Retire " (name::cut(name)) "?" }
        @if let Some(newest) = newest { (outdated(version, newest)) }
        p class="lead" { "It is evaluated no more, its alerts are resolved, and it leaves the list. What was found of it stays, and a new SLA of this name goes on with the next version." }
        form class="bar" method="post" action=(action(frame, name)) {
            input type="hidden" name="version" value=(newest.unwrap_or(version));
            input type="hidden" name="sure" value="yes";
            button name="do" value="retire" { "Retire it" }
            a href=(frame.link(&format!("/ui/sla/{}", name::segment(name)), &[])) { "Keep it" }
        }
    };
    frame.page("Retire an SLA", Some(Place::Slas), &main)
}

/// The forms on the page of an SLA.
pub(crate) fn forms(frame: &Frame<'_>, name: &str, version: u32, document: &str) -> Markup {
    html! {
        details { summary { "Replace it" } (replacing(frame, name, version, document)) }
        form class="bar" method="post" action=(action(frame, name)) {
            input type="hidden" name="version" value=(version);
            button name="do" value="retire" { "Retire it…" }
        }
    }
}

fn replacing(frame: &Frame<'_>, name: &str, version: u32, document: &str) -> Markup {
    html! {
        form class="stack" method="post" action=(action(frame, name)) {
            input type="hidden" name="version" value=(version);
            div {
                label for="document" { "The SLA as JSON, in place of version " (version) }
                textarea id="document" name="document" required spellcheck="false" { (document) }
            }
            div class="bar" { button name="do" value="replace" { "Replace" } }
        }
    }
}

fn outdated(known: u32, newest: u32) -> Markup {
    html! {
        p class="note pending" role="alert" {
            "Nothing is changed: somebody changed it since you looked. You saw version " (known) ", version " (newest)
            " is in force. Look at it, then send this again to put it in the place of version " (newest) "."
        }
    }
}

fn crumb(frame: &Frame<'_>, name: &str) -> Markup {
    html! {
        nav aria-label="Where you are" {
            ul class="crumb" {
                li { a href=(frame.link("/ui", &[])) { "SLAs" } }
                li { a href=(frame.link(&format!("/ui/sla/{}", name::segment(name)), &[])) { (name::cut(name)) } }
            }
        }
    }
}

fn action(frame: &Frame<'_>, name: &str) -> String {
    frame.path(&format!("/ui/sla/{}", name::segment(name)))
}
