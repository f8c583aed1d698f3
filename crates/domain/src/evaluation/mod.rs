//! What an objective's samples mean.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How an objective stands on one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectiveState {
    /// In range.
    Ok,
    /// Out of range, not yet for long enough.
    Pending,
    /// No sample stands at `as_of`.
    NoData,
    /// A violation is going on.
    Firing,
}

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Where it begins.
    pub start: Timestamp,
    /// Where it ends.
    pub end: Timestamp,
}

/// On which side of its range a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Smaller than `min`.
    Below,
    /// Greater than `max`.
    Above,
}

/// A violation: a run of samples on one side of the range that held for as long as the objective's `for`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Its first sample.
    pub start: Timestamp,
    /// Whether the sample before it was seen.
    pub start_known: bool,
    /// Where its last sample stops standing.
    pub end: Timestamp,
    /// `end - start`, seconds.
    pub seconds: f64,
    /// The value farthest from the range; `None` if infinite.
    pub worst: Option<f64>,
    /// Whether that value is infinite.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub worst_infinite: bool,
    /// The side.
    pub side: Side,
    /// Whether it goes on at `as_of`.
    pub ongoing: bool,
}
