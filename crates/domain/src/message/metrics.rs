use serde::{Deserialize, Serialize};

use super::SeriesReference;
use crate::time::{Timestamp, Window};

/// `slacast.metrics.v1`: the summaries of one series in one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsDocument {
    /// The series.
    #[serde(flatten)]
    pub series: SeriesReference,
    /// When the run looked at it.
    pub as_of: Timestamp,
    /// Its oldest sample in the 12 h before `as_of`.
    pub first_sample: Timestamp,
    /// Its newest sample at or before `as_of`.
    pub last_sample: Timestamp,
    /// One entry per [`Window`], shortest first.
    pub windows: Vec<WindowSummary>,
}

/// The samples of one window, summarised. Statistics are `None` where there is no sample (`std`: fewer than two) or
/// the value is infinite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowSummary {
    /// The window.
    pub window: Window,
    /// Its start, exclusive.
    pub start: Timestamp,
    /// Its end, inclusive: the `as_of`.
    pub end: Timestamp,
    /// How many samples lie in it.
    pub samples: u64,
    /// The smallest value.
    pub min: Option<f64>,
    /// The greatest value.
    pub max: Option<f64>,
    /// The arithmetic mean.
    pub average: Option<f64>,
    /// The sample standard deviation (n - 1).
    pub std: Option<f64>,
    /// The share of the window during which a sample stands, 0 to 1.
    pub coverage: f64,
}
