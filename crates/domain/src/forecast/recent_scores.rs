use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How many forecasts a decision rests on.
pub const MOST_RECENT: u64 = 50;
/// The model's errors may sum up to so much more than the last value's.
const TOLERANCE: f64 = 1.05;

/// The newest [`MOST_RECENT`] scored forecasts of a series that are at least 600 s apart, summed up over the samples that
/// came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecentScores {
    /// They were published before this run, the start of a 10-minute span of the clock.
    pub before: Option<Timestamp>,
    /// How many there are: [`MOST_RECENT`].
    pub forecasts: u64,
    /// The sum of the absolute errors of the model's point.
    pub error: f64,
    /// That of the last value.
    pub error_last_value: f64,
    /// The sum of the pinball losses of the model's quantiles.
    pub pinball: f64,
    /// That of the quantiles of the 12 h before; `None` where one was not kept.
    pub pinball_climatology: Option<f64>,
}

impl RecentScores {
    /// Whether the last value is the better point: the model's errors exceed 1.05 times its.
    pub fn prefer_last_value(&self) -> bool {
        self.error > TOLERANCE * self.error_last_value
    }

    /// Whether the quantiles of the 12 h before are the better bands.
    pub fn prefer_climatology(&self) -> bool {
        self.pinball_climatology
            .is_some_and(|climatology| climatology < self.pinball)
    }
}
