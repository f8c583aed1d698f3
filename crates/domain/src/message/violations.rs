use serde::{Deserialize, Serialize};

use super::SeriesReference;
use crate::{
    Timestamp, Window,
    evaluation::{Episode, ObjectiveState, Span},
    sla::Objective,
};

/// `slacast.violations.v1`: one objective judged on one series.
///
/// What it says follows "SLA semantics": see [`crate::evaluation`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViolationsDocument {
    /// The SLA's name.
    pub sla: String,
    /// The version that was judged.
    pub version: u32,
    /// The objective, as that version has it.
    pub objective: Objective,
    /// The series it matched; `None` when no series matches, the document then says `no_data`.
    pub series: Option<SeriesReference>,
    /// When.
    pub as_of: Timestamp,
    /// How it stands at `as_of`.
    pub state: ObjectiveState,
    /// Why there is no data: `no_series` or `no_sample`.
    pub reason: Option<String>,
    /// Counts per window; `None` when no series matches.
    pub windows: Option<Windows>,
    /// Every violation in the judged range, oldest first.
    pub episodes: Vec<Episode>,
    /// The maximal spans of the judged range in which no sample stands, oldest first.
    pub gaps: Vec<Span>,
    /// The range that was judged: `(as_of - 12h - for - 5m, as_of]`.
    pub judged: Span,
    /// What is to come.
    pub outlook: ViolationOutlook,
}

/// The counts of the three windows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
}

/// What happened in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowCounts {
    /// How many violations end after the window's start.
    pub violations: u64,
    /// How many samples are out of range, whatever `for` says.
    pub out_of_range_samples: u64,
    /// How long the violations stand inside the window, seconds.
    pub seconds: f64,
    /// How many samples there are.
    pub observed_samples: u64,
    /// The share of the window during which a sample stands, 0 to 1.
    pub coverage: f64,
}

/// The violations to come in the next 10 minutes. All `None` without a forecast, `reason` then says why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ViolationOutlook {
    /// The probability that a violation has a sample in the horizon, 0 to 1.
    pub probability: Option<f64>,
    /// The probability that a violation becomes firing after `as_of`, 0 to 1.
    pub probability_new: Option<f64>,
    /// The expected number of violations.
    pub expected_violations: Option<f64>,
    /// The expected time in violation within the horizon, seconds.
    pub expected_seconds: Option<f64>,
    /// The median start over the paths that violate; `None` if less than half do; `as_of` if firing.
    pub first_crossing: Option<Timestamp>,
    /// The share of the paths that violate, 0 to 1.
    pub crossing_share: Option<f64>,
    /// What the series is forecast to do.
    pub predicted: Option<PredictedValues>,
    /// Why there is no forecast.
    pub reason: Option<String>,
}

/// The forecast's extremes and average over the horizon.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedValues {
    /// The smallest value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The average.
    pub average: f64,
}
