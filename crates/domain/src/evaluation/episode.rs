use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    finding::finite,
    time::{Span, Timestamp},
};

/// On which side of its range a value is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Smaller than `min`.
    Below,
    /// Greater than `max`.
    Above,
}

impl Side {
    /// Of two values on this side the one farther from the range.
    #[inline]
    pub(super) fn worse(self, one: f64, other: f64) -> f64 {
        match self {
            Self::Below => one.min(other),
            Self::Above => one.max(other),
        }
    }

    /// The value on this side that none is farther than.
    fn infinity(self) -> f64 {
        match self {
            Self::Below => f64::NEG_INFINITY,
            Self::Above => f64::INFINITY,
        }
    }
}

/// A violation: a run of samples on one side of the range that held for as long as the objective's `for`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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

impl Episode {
    /// From its first sample to where its last one stops standing, `[start, end)`.
    pub fn span(&self) -> Span {
        Span {
            start: self.start,
            end: self.end,
        }
    }

    /// Sets the end, and the seconds with it.
    pub(super) fn set_end(&mut self, end: Timestamp) {
        self.end = end;
        self.seconds = self.span().seconds();
    }

    /// Takes over where `earlier`, an older part of the same run of samples, began, and its worst value if that is
    /// farther from the range.
    pub(super) fn begin_with(&mut self, earlier: &Self) {
        self.start = earlier.start;
        self.start_known = earlier.start_known;
        self.seconds = self.span().seconds();
        if let Some(worst) = [self.worst_value(), earlier.worst_value()]
            .into_iter()
            .flatten()
            .reduce(|one, other| self.side.worse(one, other))
        {
            self.set_worst(worst);
        }
    }

    pub(super) fn set_worst(&mut self, worst: f64) {
        self.worst = finite(worst);
        self.worst_infinite = worst.is_infinite();
    }

    fn worst_value(&self) -> Option<f64> {
        if self.worst_infinite {
            Some(self.side.infinity())
        } else {
            self.worst
        }
    }
}
