use std::time::Duration;

use super::{Side, Validity, validity::stands_at};
use crate::{sla::Objective, time::Timestamp};

/// What a violation is: the one rule that evaluations, forecasts and recommended bounds go by.
///
/// Samples out of range on one side form a run while each comes at most `staleness` after the one before. A run is a
/// violation if it held for the objective's `for`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule<'a> {
    min: Option<f64>,
    max: Option<f64>,
    hold: Duration,
    validity: Validity<'a>,
    as_of: Timestamp,
}

/// How a run ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    /// Until when it is known to have held.
    pub(super) held_until: Timestamp,
    /// Where its last sample stops standing.
    pub(super) end: Timestamp,
    /// Whether it goes on at `as_of`.
    pub(super) ongoing: bool,
}

impl<'a> Rule<'a> {
    /// The rule of `objective` as of `as_of`, for samples that are valid for so long.
    pub(super) fn of(
        objective: &Objective,
        validity: impl Into<Validity<'a>>,
        as_of: Timestamp,
    ) -> Self {
        Self {
            min: objective.min,
            max: objective.max,
            hold: objective.hold,
            validity: validity.into(),
            as_of,
        }
    }

    /// The side of its range that `value` is on; `None` in range, the bounds included.
    #[inline]
    pub(super) fn side_of(&self, value: f64) -> Option<Side> {
        if self.min.is_some_and(|min| value < min) {
            Some(Side::Below)
        } else if self.max.is_some_and(|max| value > max) {
            Some(Side::Above)
        } else {
            None
        }
    }

    /// Whether a sample at `next` comes before the one at `last` has been silent for too long.
    #[inline]
    pub(super) fn follows(&self, last: Timestamp, next: Timestamp) -> bool {
        next.since(last) <= self.validity.staleness
    }

    /// How a run ends whose last sample is at `last`, the next one of the series at `next`.
    pub(super) fn ending(&self, last: Timestamp, next: Option<Timestamp>) -> Ending {
        let ongoing = next.is_none() && stands_at(last, self.validity.staleness, self.as_of);
        let held_until = match next {
            Some(next) if self.follows(last, next) => next,
            None if ongoing => self.as_of,
            // Silence proves nothing.
            _ => last,
        };
        Ending {
            held_until,
            end: self.validity.end(last, next, self.as_of),
            ongoing,
        }
    }

    /// Whether a run that began at `start` and held until `held_until` is a violation.
    #[inline]
    pub(super) fn is_violation(&self, start: Timestamp, held_until: Timestamp) -> bool {
        held_until.since(start) >= self.hold
    }

    /// Whether a run that began at `start` was a violation when it fell silent, its last sample being at `last`.
    pub(super) fn was_violation(&self, start: Timestamp, last: Timestamp) -> bool {
        // It goes on for as long as that sample stands, the end excluded.
        self.hold.is_zero() || (last + self.validity.staleness).since(start) > self.hold
    }
}
