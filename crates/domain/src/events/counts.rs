use std::ops::{AddAssign, Sub};

use schemars::JsonSchema;
use serde::Serialize;

use super::exact_sum::ExactSum;
use crate::sla::Given;

/// What any number of slices, of any number of groups, add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    sums: [ExactSum; 2],
}

/// The events of a question, once everything is added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Reckoned {
    /// The good events, at most `total`.
    pub good: f64,
    /// All events.
    pub total: f64,
    /// The bad events, at most `total`.
    pub bad: f64,
    /// How many good or bad events were cut off because there were more than `total`.
    pub clipped: f64,
}

impl Counts {
    /// The two sums that are given, in the order `good`, `bad`, `total`.
    pub fn new(sums: [f64; 2]) -> Self {
        Self {
            sums: sums.map(ExactSum::from),
        }
    }

    /// The two sums, in the order `good`, `bad`, `total`: the nearest numbers there are.
    pub fn sums(&self) -> [f64; 2] {
        self.sums.map(ExactSum::value)
    }

    /// Good, bad and all events; which sums these are is said by `given`.
    pub fn reckon(&self, given: Given) -> Reckoned {
        let [one, other] = self.sums();
        let clipped = (one - other).max(0.0);
        match given {
            Given::GoodBad => Reckoned {
                good: one,
                bad: other,
                total: one + other,
                clipped: 0.0,
            },
            Given::GoodTotal => Reckoned {
                good: one.min(other),
                bad: (other - one).max(0.0),
                total: other,
                clipped,
            },
            Given::BadTotal => Reckoned {
                good: (other - one).max(0.0),
                bad: one.min(other),
                total: other,
                clipped,
            },
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        for (sum, others) in self.sums.iter_mut().zip(other.sums) {
            *sum += others;
        }
    }
}

/// What is left without slices that are part of it.
impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let [one, two] = self.sums;
        let [less_one, less_two] = other.sums;
        Self {
            sums: [one - less_one, two - less_two],
        }
    }
}

impl Reckoned {
    /// The share of good events; `None` where nothing happened.
    pub fn share_good(&self) -> Option<f64> {
        (self.total > 0.0).then(|| self.good / self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_number_follows_and_neither_exceeds_the_total() {
        for (given, sums, good, bad, total, clipped) in [
            (Given::GoodBad, [7.0, 3.0], 7.0, 3.0, 10.0, 0.0),
            (Given::GoodTotal, [7.0, 10.0], 7.0, 3.0, 10.0, 0.0),
            (Given::BadTotal, [3.0, 10.0], 7.0, 3.0, 10.0, 0.0),
            (Given::GoodTotal, [12.0, 10.0], 10.0, 0.0, 10.0, 2.0),
            (Given::BadTotal, [12.0, 10.0], 0.0, 10.0, 10.0, 2.0),
            (Given::BadTotal, [0.0, 0.0], 0.0, 0.0, 0.0, 0.0),
        ] {
            let reckoned = Counts::new(sums).reckon(given);
            let expected = Reckoned {
                good,
                total,
                bad,
                clipped,
            };
            assert_eq!(reckoned, expected, "{given:?} {sums:?}");
        }
        assert_eq!(Reckoned::default().share_good(), None);
    }

    #[test]
    fn a_question_adds_up_before_it_reckons() {
        let mut counts = Counts::new([2.0, 1.0]);
        counts += Counts::new([0.0, 9.0]);
        let reckoned = counts.reckon(Given::GoodTotal);
        assert_eq!((reckoned.good, reckoned.clipped), (2.0, 0.0));
    }
}
