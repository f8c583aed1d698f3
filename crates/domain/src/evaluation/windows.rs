use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Window;

/// The counts of the three windows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Windows {
    /// The last hour.
    #[serde(rename = "1h")]
    pub one_hour: WindowCounts,
    /// The last three hours.
    #[serde(rename = "3h")]
    pub three_hours: WindowCounts,
    /// The last twelve hours.
    #[serde(rename = "12h")]
    pub twelve_hours: WindowCounts,
}

impl Windows {
    /// The counts of each window by `count`.
    pub fn from_fn(mut count: impl FnMut(Window) -> WindowCounts) -> Self {
        Self {
            one_hour: count(Window::OneHour),
            three_hours: count(Window::ThreeHours),
            twelve_hours: count(Window::TwelveHours),
        }
    }

    /// The counts of one of them.
    pub fn of(&self, window: Window) -> &WindowCounts {
        match window {
            Window::OneHour => &self.one_hour,
            Window::ThreeHours => &self.three_hours,
            Window::TwelveHours => &self.twelve_hours,
        }
    }

    /// The same counts, covered like this.
    #[must_use]
    pub fn covered(mut self, coverage: WindowCoverage) -> Self {
        self.one_hour.coverage = coverage.one_hour;
        self.three_hours.coverage = coverage.three_hours;
        self.twelve_hours.coverage = coverage.twelve_hours;
        self
    }
}

/// The share of each of the three windows during which a sample stands, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WindowCoverage {
    /// Of the last hour.
    #[serde(rename = "1h")]
    pub one_hour: f64,
    /// Of the last three hours.
    #[serde(rename = "3h")]
    pub three_hours: f64,
    /// Of the last twelve hours.
    #[serde(rename = "12h")]
    pub twelve_hours: f64,
}

impl WindowCoverage {
    /// That of each window by `cover`.
    pub fn from_fn(cover: impl Fn(Window) -> f64) -> Self {
        Self {
            one_hour: cover(Window::OneHour),
            three_hours: cover(Window::ThreeHours),
            twelve_hours: cover(Window::TwelveHours),
        }
    }
}

/// What happened in one window, `(as_of - length, as_of]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WindowCounts {
    /// How many violations end after the window's start.
    pub violations: u64,
    /// How many samples are out of range, whatever `for` says.
    pub out_of_range_samples: u64,
    /// How long the violations stand inside the window, seconds.
    pub seconds: f64,
    /// How many samples there are.
    pub observed_samples: u64,
    /// The share of the window during which a sample stands, 0 to 1; of a young series that of the time since its first
    /// sample.
    pub coverage: f64,
}
