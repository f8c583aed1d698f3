//! Counting the events of an SLO: from raw counters, with their resets, into slices of a minute that add up exactly.
//!
//! A [`CounterSeries`] is what one counter did, a [`Counting`] puts those of an objective together by group, and
//! [`Counts`] are what any number of slices add up to. A slice depends on the samples of the 12 h before its start and on
//! its own alone, so every run and every replay counts the same.

mod composite;
mod counted;
mod counter;
mod counting;
mod counts;
mod exact_sum;
mod pair;
mod row;
mod slice;
#[cfg(test)]
mod tests;

pub use counted::{Counted, GroupSlices};
pub use counter::{CounterSeries, LOOKBACK};
pub use counting::Counting;
pub use counts::{Counts, Reckoned};
pub use exact_sum::ExactSum;
pub use row::{CountedRow, SliceTally};
pub use slice::{Minute, SLICE, SliceCounts};
