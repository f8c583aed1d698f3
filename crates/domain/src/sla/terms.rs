use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{AlertPair, Calendar, Severity};
use crate::time::{Timestamp, duration};

/// What a budget follows from.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The share of the time that should be good, 0 to 1, both exclusive; `None`: there is no budget.
    pub target: Option<f64>,
    /// The time the target is about.
    pub window: BudgetWindow,
    /// What the time without a sample is.
    pub missing: Missing,
    /// The burn-rate alerts; `None`: the usual ones.
    pub alerts: Option<Vec<AlertPair>>,
    /// For how long a series that fell silent out of range is still there; `None` where no series ever ends.
    pub ending: Option<Duration>,
}

/// The time a target is about, up to the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BudgetWindow {
    /// The newest time of a length: 1h to 1y (365 days), in whole seconds.
    Rolling(Duration),
    /// The current period of a calendar.
    Calendar(Calendar),
}

/// The time that a target is about, at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetPeriod {
    /// Where it begins, exclusive.
    pub start: Timestamp,
    /// How long the whole of it is: of a calendar, also what is to come.
    pub length: Duration,
    /// Where it ends, of a calendar.
    pub end: Option<Timestamp>,
}

impl BudgetPeriod {
    /// Whether less than a tenth of a calendar's period is over at `as_of`: so little says nothing of the rest.
    pub fn has_just_begun(&self, as_of: Timestamp) -> bool {
        self.end.is_some() && as_of < self.start + self.length / 10
    }
}

/// A text that is not a budget window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must be a duration from 1h to 1y in whole seconds, such as 30d")]
pub struct InvalidBudgetWindow(String);

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

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

impl BudgetWindow {
    /// A window of so many days, 1 to 365; fewer count as 1, more as 365.
    pub const fn days(days: u16) -> Self {
        let days = if days == 0 {
            1
        } else if days > 365 {
            365
        } else {
            days
        };
        Self::Rolling(Duration::from_secs(days as u64 * DAY.as_secs()))
    }

    /// The period that holds an instant.
    pub fn period(self, as_of: Timestamp) -> BudgetPeriod {
        match self {
            Self::Rolling(length) => BudgetPeriod {
                start: as_of - length,
                length,
                end: None,
            },
            Self::Calendar(calendar) => calendar.period(as_of),
        }
    }
}

impl Default for BudgetWindow {
    /// 30 days.
    fn default() -> Self {
        Self::days(30)
    }
}

/// In days where it is whole days (`7d`, `365d`), else as [`duration::format`] writes it.
impl fmt::Display for BudgetWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = match self {
            Self::Rolling(length) => *length,
            Self::Calendar(calendar) => return calendar.fmt(f),
        };
        let (seconds, day) = (length.as_secs(), DAY.as_secs());
        if seconds.is_multiple_of(day) {
            write!(f, "{}d", seconds / day)
        } else {
            f.write_str(&duration::format(length))
        }
    }
}

impl FromStr for BudgetWindow {
    type Err = InvalidBudgetWindow;

    fn from_str(text: &str) -> Result<Self, InvalidBudgetWindow> {
        duration::parse(text)
            .ok()
            .filter(|length| (HOUR..=YEAR).contains(length) && length.subsec_nanos() == 0)
            .map(Self::Rolling)
            .ok_or_else(|| InvalidBudgetWindow(text.chars().take(32).collect()))
    }
}

impl Serialize for BudgetWindow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Rolling(_) => serializer.collect_str(self),
            Self::Calendar(calendar) => calendar.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for BudgetWindow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Rolling(String),
            Calendar(Calendar),
        }
        match Written::deserialize(deserializer)? {
            Written::Rolling(length) => length.parse().map_err(D::Error::custom),
            Written::Calendar(calendar) => Ok(Self::Calendar(calendar)),
        }
    }
}

impl JsonSchema for BudgetWindow {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "BudgetWindow".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration from 1h to 1y, such as 30d, or the periods of a calendar.",
            "oneOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "required": ["calendar", "starts", "time_zone"],
                    "properties": {
                        "calendar": {"type": "string", "enum": ["1w", "1M", "1Q", "1Y"]},
                        "starts": {"type": "string"},
                        "time_zone": {"type": "string"},
                    },
                },
            ],
        })
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

impl FromStr for Severity {
    type Err = UnknownTerm;

    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        match text {
            "page" => Ok(Self::Page),
            "ticket" => Ok(Self::Ticket),
            _ => Err(UnknownTerm::new(text, "page, ticket")),
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
    pub(super) fn new(given: &str, words: &'static str) -> Self {
        Self {
            given: given.chars().take(32).collect(),
            words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_window_is_any_duration_from_an_hour_to_a_year() {
        for (text, written) in [
            ("1h", Some("1h")),
            ("1d", Some("1d")),
            ("7d", Some("7d")),
            ("1w", Some("7d")),
            ("28d", Some("28d")),
            ("1h30m", Some("1h30m")),
            ("36h", Some("1d12h")),
            ("1y", Some("365d")),
            ("59m", None),
            ("366d", None),
            ("1h1ms", None),
            ("month", None),
            ("", None),
        ] {
            let read = text.parse::<BudgetWindow>();
            assert_eq!(
                read.ok().map(|window| window.to_string()).as_deref(),
                written,
                "{text}"
            );
        }
        assert_eq!(BudgetWindow::default().to_string(), "30d");
    }
}
