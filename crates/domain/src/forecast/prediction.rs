use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Baseline, ConfidenceIntervals, Model, PathExtreme, PathPoint, RecentScores};

/// How far a forecast looks.
pub const HORIZON: Duration = Duration::from_secs(600);

/// A forecast: extremes and average over the horizon, each with its 95 % interval, and the way there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The median over paths of the smallest value.
    pub min: f64,
    /// The median over paths of the greatest value.
    pub max: f64,
    /// The mean over the horizon of the point forecast.
    pub average: f64,
    /// 95 % intervals of the three.
    pub intervals: ConfidenceIntervals,
    /// One entry a step, from `as_of + step` to `as_of + horizon`.
    pub path: Vec<PathPoint>,
    /// What made it.
    pub model: Model,
    /// What it is compared with once its horizon is over; absent from documents of old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The scores that decided whether the path has the model's point and bands; absent where there are too few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_scores: Option<RecentScores>,
    /// The extremes of up to 200 paths, so that any range can be asked about later; answered only in full, kept for
    /// an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_extremes: Option<Vec<PathExtreme>>,
}
