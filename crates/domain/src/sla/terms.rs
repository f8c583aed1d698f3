use std::{fmt, str::FromStr, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a budget follows from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// The share of the time that should be good, 0 to 1, both exclusive; `None`: there is no budget.
    pub target: Option<f64>,
    /// The time the target is about.
    pub window: BudgetWindow,
    /// What the time without a sample is.
    pub missing: Missing,
    /// For how long a series that fell silent out of range is still there; `None` where no series ever ends.
    pub ending: Option<Duration>,
}

/// The time a target is about, up to the present.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum BudgetWindow {
    /// A day.
    #[serde(rename = "1d")]
    OneDay,
    /// A week.
    #[serde(rename = "7d")]
    SevenDays,
    /// Four weeks.
    #[serde(rename = "28d")]
    TwentyEightDays,
    /// About a month.
    #[default]
    #[serde(rename = "30d")]
    ThirtyDays,
}

/// What the time in which no sample stands is for a budget. It changes no state and no violation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Not there: the budget is a share of what is left.
    #[default]
    Excluded,
    /// Good.
    Good,
    /// Bad.
    Bad,
}

/// What a series is that falls silent while another series of its objective stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeriesEnd {
    /// It has ended, as the series of a pod does that was replaced.
    #[default]
    Ended,
    /// It has no data: in a fleet that is fixed, silence is an alarm.
    NoData,
}

/// A text that is not one of a few words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` must be one of {words}")]
pub struct UnknownTerm {
    given: String,
    words: &'static str,
}

const DAY: u64 = 86_400;

impl BudgetWindow {
    /// All of them, shortest first.
    pub const ALL: [Self; 4] = [
        Self::OneDay,
        Self::SevenDays,
        Self::TwentyEightDays,
        Self::ThirtyDays,
    ];

    /// How long it is.
    pub fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::OneDay => DAY,
            Self::SevenDays => 7 * DAY,
            Self::TwentyEightDays => 28 * DAY,
            Self::ThirtyDays => 30 * DAY,
        })
    }

    /// Its name: `1d`, `7d`, `28d`, `30d`.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneDay => "1d",
            Self::SevenDays => "7d",
            Self::TwentyEightDays => "28d",
            Self::ThirtyDays => "30d",
        }
    }
}

impl fmt::Display for BudgetWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for BudgetWindow {
    type Err = UnknownTerm;

    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        Self::ALL
            .into_iter()
            .find(|window| window.name() == text)
            .ok_or_else(|| UnknownTerm::new(text, "1d, 7d, 28d, 30d"))
    }
}

impl FromStr for Missing {
    type Err = UnknownTerm;

    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        match text {
            "excluded" => Ok(Self::Excluded),
            "good" => Ok(Self::Good),
            "bad" => Ok(Self::Bad),
            _ => Err(UnknownTerm::new(text, "excluded, good, bad")),
        }
    }
}

impl FromStr for SeriesEnd {
    type Err = UnknownTerm;

    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        match text {
            "ended" => Ok(Self::Ended),
            "no_data" => Ok(Self::NoData),
            _ => Err(UnknownTerm::new(text, "ended, no_data")),
        }
    }
}

impl UnknownTerm {
    fn new(given: &str, words: &'static str) -> Self {
        Self {
            given: given.chars().take(32).collect(),
            words,
        }
    }
}
