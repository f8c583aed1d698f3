use super::Counts;
use crate::time::{Span, Timestamp};

/// What was counted of one group in one or more slices that follow each other: a minute, 5 minutes or an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CountedRow {
    /// `(start, end]`: both at multiples of its length since the epoch.
    pub span: Span,
    /// What its slices add up to.
    pub counts: Counts,
    /// At the end of how many of its minutes a counter stood, 0 to 60.
    pub measured_minutes: u32,
    /// The earliest time that one of its increments reaches back to; `None` without an increment.
    pub reach: Option<Timestamp>,
    /// Whether all of its minutes are final.
    pub is_final: bool,
    /// How often a final row changed, from 0.
    pub revision: u32,
    /// Of an hour, where the objective's method is one of slices: what its slices are. `None`: see the minutes.
    pub slices: Option<SliceTally>,
}

/// What slices of the length that an objective has are, for its method.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SliceTally {
    /// How many count.
    pub judged: u32,
    /// How many of them are good.
    pub good: u32,
    /// The sum of their shares of good events.
    pub ratios: f64,
}
