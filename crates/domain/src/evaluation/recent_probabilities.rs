use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What came after the newest forecasts of a series next to what an objective's probabilities said.
///
/// Sums of the squared differences (Brier 1950) over [`MOST_RECENT`](crate::forecast::MOST_RECENT) forecasts at least 600 s
/// apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecentProbabilities {
    /// They were published before this run, the start of a 10-minute span of the clock.
    pub before: Option<Timestamp>,
    /// How many there are: [`MOST_RECENT`](crate::forecast::MOST_RECENT).
    pub forecasts: u64,
    /// After how many of them a violation came.
    pub events: u64,
    /// The sum of the squared errors of the model's probability.
    pub squares: f64,
    /// That of the base rate of the 12 h before each.
    pub squares_base_rate: f64,
}

impl RecentProbabilities {
    /// Whether the base rate is the better probability.
    pub fn prefer_base_rate(&self) -> bool {
        self.squares_base_rate < self.squares
    }
}
