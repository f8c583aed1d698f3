use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How long a slice is.
pub const SLICE: Duration = Duration::from_secs(60);

const SLICE_MS: i64 = 60_000;

/// A slice, by its end: minutes since the epoch. The slice is the minute before, `(end - 60 s, end]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(i64);

impl Minute {
    /// The slice that holds an instant.
    pub fn holding(time: Timestamp) -> Self {
        Self(-(-time.millis()).div_euclid(SLICE_MS))
    }

    /// The newest slice that ends at or before an instant.
    pub fn ended_by(time: Timestamp) -> Self {
        Self(time.millis().div_euclid(SLICE_MS))
    }

    /// Where it ends, inclusive.
    pub fn end(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(SLICE_MS)).unwrap_or(Timestamp::MAX)
    }

    /// Where it begins, exclusive.
    pub fn start(self) -> Timestamp {
        self.end() - SLICE
    }

    /// The slices after `self` up to `last`, in order.
    pub fn up_to(self, last: Self) -> impl ExactSizeIterator<Item = Self> + DoubleEndedIterator {
        let count = usize::try_from(last.0 - self.0).unwrap_or(0);
        (0..count).map(move |place| Self(self.0 + 1 + place as i64))
    }

    /// How many slices lie between an earlier one and this, this one counted; `None` if it is not earlier.
    pub(super) fn after(self, earlier: Self) -> Option<usize> {
        usize::try_from(self.0 - earlier.0)
            .ok()
            .filter(|count| *count > 0)
    }
}

/// What was counted in one slice, of one group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceCounts {
    /// Where the slice ends; it is the minute before.
    pub end: Timestamp,
    /// The two sums that are given, in the order `good`, `bad`, `total`.
    pub sums: [f64; 2],
    /// Whether a counter of `total` (of `good` or `bad` where those two are given) stands at the slice's end.
    pub measured: bool,
    /// The earliest time that one of its increments reaches back to; `None` without an increment.
    pub reach: Option<Timestamp>,
}

impl SliceCounts {
    /// Whether no counter stood at its end, and none grew in it.
    pub fn is_empty(&self) -> bool {
        !self.measured && self.sums == [0.0, 0.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_holds_its_end_and_not_its_start() {
        let at = |ms| Timestamp::from_millis(ms).unwrap();
        for (ms, end) in [
            (0, 0),
            (1, 60_000),
            (60_000, 60_000),
            (60_001, 120_000),
            (-1, 0),
            (-60_000, -60_000),
        ] {
            assert_eq!(Minute::holding(at(ms)).end(), at(end), "{ms}");
        }
        assert_eq!(Minute::ended_by(at(119_999)).end(), at(60_000));
        let slices = Minute::ended_by(at(0)).up_to(Minute::ended_by(at(180_000)));
        let ends: Vec<i64> = slices.map(|slice| slice.end().millis()).collect();
        assert_eq!(ends, [60_000, 120_000, 180_000]);
    }
}
