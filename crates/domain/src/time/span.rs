use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Timestamp, duration::seconds};

/// A span of time. Which of its ends belong to it is said where it is used: ranges of samples are `(start, end]`,
/// standing, gaps and episodes are `[start, end)`. Its length is the same either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// Where it begins.
    pub start: Timestamp,
    /// Where it ends.
    pub end: Timestamp,
}

impl Span {
    /// The length; zero if it ends before it starts.
    pub fn length(self) -> Duration {
        self.end.since(self.start)
    }

    /// The length in seconds.
    pub fn seconds(self) -> f64 {
        seconds(self.length())
    }

    /// How long the two overlap.
    pub fn overlap(self, other: Self) -> Duration {
        self.intersection(other).length()
    }

    /// Where the two overlap: ends before it starts if they do not.
    pub fn intersection(self, other: Self) -> Self {
        Self {
            start: self.start.max(other.start),
            end: self.end.min(other.end),
        }
    }
}
