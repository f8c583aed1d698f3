use std::{fmt, str::FromStr, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Span, Timestamp};

/// A span of the past that is summarised and judged. Half-open: `(as_of - length, as_of]`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Window {
    /// The last hour.
    #[serde(rename = "1h")]
    OneHour,
    /// The last three hours.
    #[serde(rename = "3h")]
    ThreeHours,
    /// The last twelve hours.
    #[serde(rename = "12h")]
    TwelveHours,
}

/// A text that names no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a window: 1h, 3h or 12h")]
pub struct UnknownWindow(String);

impl Window {
    /// All windows, shortest first.
    pub const ALL: [Self; 3] = [Self::OneHour, Self::ThreeHours, Self::TwelveHours];

    /// How long the window is.
    pub fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::OneHour => 3_600,
            Self::ThreeHours => 3 * 3_600,
            Self::TwelveHours => 12 * 3_600,
        })
    }

    /// The window before `as_of`.
    pub fn until(self, as_of: Timestamp) -> Span {
        Span {
            start: as_of - self.length(),
            end: as_of,
        }
    }

    /// The name people use: `1h`, `3h`, `12h`.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneHour => "1h",
            Self::ThreeHours => "3h",
            Self::TwelveHours => "12h",
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Window {
    type Err = UnknownWindow;

    fn from_str(text: &str) -> Result<Self, UnknownWindow> {
        Self::ALL
            .into_iter()
            .find(|window| window.name() == text)
            .ok_or_else(|| UnknownWindow(text.chars().take(32).collect()))
    }
}
