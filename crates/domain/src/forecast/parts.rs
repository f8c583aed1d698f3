use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// 95 % intervals of what a forecast says of the horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfidenceIntervals {
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
    /// The 10 % quantile; not known where the quantiles of the last 12 h are the band, nor in documents of old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower_80: Option<f64>,
    /// The 50 % quantile.
    pub median: f64,
    /// The 90 % quantile; not known where the quantiles of the last 12 h are the band, nor in documents of old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper_80: Option<f64>,
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
