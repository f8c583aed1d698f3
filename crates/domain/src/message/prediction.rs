use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SeriesReference;
use crate::{Finding, Timestamp, score::RecentScores};

/// `slacast.prediction.v1`: what one series will do in the next 10 minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictionDocument {
    /// The series.
    #[serde(flatten)]
    pub series: SeriesReference,
    /// The present of the forecast: nothing later was seen.
    pub as_of: Timestamp,
    /// How far it looks, seconds: 600.
    pub horizon_seconds: f64,
    /// The distance of its points, seconds.
    pub step_seconds: f64,
    /// The forecast, or why there is none.
    pub forecast: Finding<Forecast>,
}

/// The long array of a [`PredictionDocument`]: stored apart from it, kept for an hour, answered only in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictionArrays {
    /// The extremes of the forecast's paths.
    pub path_extremes: Vec<PathExtreme>,
}

impl PredictionDocument {
    /// Takes the long array out of the document; `None` if it has none.
    pub fn take_arrays(&mut self) -> Option<PredictionArrays> {
        let path_extremes = self.forecast.known_mut()?.path_extremes.take()?;
        Some(PredictionArrays { path_extremes })
    }

    /// Puts the long array back to where [`Self::take_arrays`] took it from.
    pub fn put_arrays(&mut self, arrays: PredictionArrays) {
        if let Some(forecast) = self.forecast.known_mut() {
            forecast.path_extremes = Some(arrays.path_extremes);
        }
    }
}

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
    pub intervals: Intervals,
    /// One entry a step, from `as_of + step` to `as_of + horizon`.
    pub path: Vec<PathPoint>,
    /// What made it.
    pub model: Model,
    /// What it is compared with once its horizon is over; absent from documents of old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The scores that decided whether the path tells the model's point and bands; absent where there are too few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_scores: Option<RecentScores>,
    /// The extremes of up to 200 paths, so that any range can be asked about later; answered only in full, kept for
    /// an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_extremes: Option<Vec<PathExtreme>>,
}

/// The simplest forecasts there are, kept to be scored beside the model's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The newest sample; `None` where it is infinite.
    pub last_value: Option<f64>,
    /// The 2.5 %, 50 % and 97.5 % quantiles of the last 12 h; `None` where one is infinite.
    pub climatology: Option<[f64; 3]>,
    /// The model's own point forecast, one value a step, where the path tells another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_mean: Option<Vec<f64>>,
    /// The model's own quantiles, three a step, where the path tells others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_bands: Option<Vec<[f64; 3]>>,
}

/// 95 % intervals of what a forecast says of the horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Intervals {
    /// Of the smallest value.
    pub min: Interval,
    /// Of the greatest value.
    pub max: Interval,
    /// Of the average.
    pub average: Interval,
}

/// A 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// The 2.5 % quantile.
    pub lower: f64,
    /// The 97.5 % quantile.
    pub upper: f64,
}

/// One step of a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PathPoint {
    /// When.
    pub time: Timestamp,
    /// The point forecast.
    pub mean: f64,
    /// The 2.5 % quantile.
    pub lower: f64,
    /// The 50 % quantile.
    pub median: f64,
    /// The 97.5 % quantile.
    pub upper: f64,
}

/// What made a forecast, and why it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Why it was chosen, in a sentence.
    pub why: String,
    /// The season it uses, seconds.
    pub period_seconds: Option<f64>,
    /// The share of each candidate in the point forecast, 0 to 1, summing to 1.
    pub weights: BTreeMap<String, f64>,
}

/// The extremes of one path.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PathExtreme {
    /// Its smallest value.
    pub min: f64,
    /// Its greatest value.
    pub max: f64,
    /// Its share of the probability; all shares sum to 1.
    pub weight: f64,
}
