use maud::{Markup, html};
use serde::Deserialize;

use crate::icon::icon;

/// How an objective stands, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A violation goes on.
    Firing,
    /// It is out of range, not for long enough yet.
    Pending,
    /// Nothing is measured.
    NoData,
    /// It is in range.
    Ok,
    /// The series is gone.
    Ended,
}

impl State {
    /// Every state, the worst first.
    pub const ALL: [Self; 5] = [
        Self::Firing,
        Self::Pending,
        Self::NoData,
        Self::Ok,
        Self::Ended,
    ];

    /// The words that `state=` takes, those of `/check_json`.
    pub const WORDS: &'static [&'static str] = &["firing", "pending", "no_data", "ok", "ended"];

    /// The state of a word of `/check_json`.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// The word of `/check_json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Pending => "pending",
            Self::NoData => "no_data",
            Self::Ok => "ok",
            Self::Ended => "ended",
        }
    }

    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoData => "no data",
            other => other.word(),
        }
    }

    /// The colour it has beside its icon and word.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Pending => "pending",
            Self::Ok => "ok",
            Self::NoData | Self::Ended => "quiet",
        }
    }

    /// Icon and word.
    pub(crate) fn shown(self) -> Markup {
        html! { (icon(self.word())) (self.name()) }
    }
}
