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
    /// What is known is too old to say how it stands: a reason to have no data, which can be asked for like a state.
    Stale,
}

impl State {
    /// Every state, the worst first.
    pub const ALL: [Self; 6] = [
        Self::Firing,
        Self::Pending,
        Self::NoData,
        Self::Ok,
        Self::Ended,
        Self::Stale,
    ];

    /// The words that `state=` takes, those of `/check_json`.
    pub const WORDS: &'static [&'static str] =
        &["firing", "pending", "no_data", "ok", "ended", "stale"];

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
            Self::Stale => "stale",
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
            Self::NoData | Self::Ended | Self::Stale => "quiet",
        }
    }

    /// Icon and word.
    pub(crate) fn shown(self) -> Markup {
        let symbol = match self {
            Self::Stale => Self::Pending,
            own => own,
        };
        html! { (icon(symbol.word())) (self.name()) }
    }
}
