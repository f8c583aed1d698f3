//! What an objective says of its alerts.

use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::objective::written_duration_or_none;
use crate::text::checked_text;

/// How urgent an alert is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody has to look now.
    #[default]
    Page,
    /// Somebody has to look this week.
    Ticket,
}

impl Severity {
    /// The word: `page` or `ticket`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }

    /// Whether it is the default.
    pub(super) fn is_page(&self) -> bool {
        *self == Self::Page
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

checked_text! {
    /// Where it says what to do about an alert.
    Runbook, what: "runbook", rule: "an http or https URL of up to 2048 bytes",
    keeps: |text| is_web_address(text),
    also: |_| false
}

const LONGEST_URL: usize = 2048;

fn is_web_address(text: &str) -> bool {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>\"`{}|\\^".contains(c);
    let begins_with_a_host = |rest: &str| !rest.starts_with(['/', '?', '#', ':', '@']);
    let has_host = rest.is_some_and(|rest| !rest.is_empty() && begins_with_a_host(rest));
    has_host && text.len() <= LONGEST_URL && text.chars().all(is_plain)
}

/// What is to come that somebody wants to know of before it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expectation {
    /// From this probability of a violation within 10 minutes on, 0 to 1, 0 excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// When the budget will be gone within this time, up to 30d, at the pace of the last hour.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "written_duration_or_none"
    )]
    #[schemars(with = "Option<String>")]
    pub exhausted_in: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runbook_is_an_address_of_the_web() {
        for (text, is_one) in [
            ("https://wiki.example.com/run/books?x=1#cpu", true),
            ("http://wiki", true),
            ("https://", false),
            ("https:///path", false),
            ("ftp://wiki.example.com", false),
            ("javascript:alert(1)", false),
            ("wiki.example.com", false),
            ("https://wiki.example.com/a b", false),
            ("https://wiki.example.com/\"onclick=", false),
            (&format!("https://{}", "w".repeat(2041)), false),
        ] {
            assert_eq!(Runbook::parse(text).is_ok(), is_one, "{text}");
        }
    }
}
