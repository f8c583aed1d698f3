use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{read_range, rule::Rule, within};
use crate::{
    series::Sample,
    sla::Objective,
    time::{Timestamp, Window},
};

/// The tightest range that what was seen would have kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// The greatest lower bound; `None` where the objective has none, or no finite value will do.
    pub min: Option<f64>,
    /// The smallest upper bound; `None` where the objective has none, or no finite value will do.
    pub max: Option<f64>,
}

/// The bounds to give `objective`, on each side it has one.
///
/// That is the tightest observed value such that it and every wider observed value give at most `violations` violations
/// in the 12 h before `as_of`. With two sides each gets half of them, rounded down.
///
/// Observed is what an evaluation reads. The number of violations is not monotone in the bound, because a tighter one may
/// join two into one; so values are looked at from the widest inwards. `samples` are clean.
pub fn recommend(
    objective: &Objective,
    samples: &[Sample],
    staleness: Duration,
    as_of: Timestamp,
    violations: u64,
) -> Recommendation {
    let samples = within(samples, read_range(objective.hold, as_of));
    let sides = u64::from(objective.min.is_some()) + u64::from(objective.max.is_some());
    let most = violations / sides.max(1);
    let seen = Seen {
        samples,
        rule: Rule::of(objective, staleness, as_of),
        since: as_of - Window::TwelveHours.length(),
    };
    let tightest = |sign: f64| {
        let values: Vec<f64> = samples.iter().map(|sample| sign * sample.value).collect();
        seen.tightest(&values, most).map(|bound| sign * bound)
    };
    Recommendation {
        min: objective.min.and_then(|_| tightest(-1.0)),
        max: objective.max.and_then(|_| tightest(1.0)),
    }
}

/// What was seen of a series, to be judged by any bound.
struct Seen<'a> {
    samples: &'a [Sample],
    rule: Rule<'a>,
    /// Violations that end later count.
    since: Timestamp,
}

impl Seen<'_> {
    /// The smallest of the values, one a sample, such that it and all greater ones are upper bounds with at most `most`
    /// violations.
    fn tightest(&self, values: &[f64], most: u64) -> Option<f64> {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
        let mut runs = Runs::new(self);
        let mut tightest = None;
        // None is greater than the one before: those that are not less are equal.
        for equal in order.chunk_by(|a, b| values[*b] >= values[*a]) {
            // The samples above this value are those of the chunks before.
            if runs.violations > most {
                break;
            }
            let value = values[equal[0]];
            tightest = value.is_finite().then_some(value).or(tightest);
            for position in equal {
                runs.add(*position);
            }
        }
        tightest
    }

    /// Whether the run of samples from `first` to `last` is a violation that counts.
    fn is_violation(&self, first: usize, last: usize) -> bool {
        let next = self.samples.get(last + 1).map(|next| next.time);
        let ending = self.rule.ending(self.samples[last].time, next);
        let start = self.samples[first].time;
        self.rule.is_violation(start, ending.held_until) && ending.end > self.since
    }

    /// Whether the sample after the one at `position` continues what that one is part of.
    fn is_followed(&self, position: usize) -> bool {
        let next = self.samples.get(position + 1);
        next.is_some_and(|next| self.rule.follows(self.samples[position].time, next.time))
    }
}

/// The runs of samples above a bound that comes down: a sample that is added joins the runs it touches.
struct Runs<'a> {
    seen: &'a Seen<'a>,
    /// At the first sample of each run its last one, and the other way round.
    other_end: Vec<Option<usize>>,
    /// How many runs are violations.
    violations: u64,
}

impl<'a> Runs<'a> {
    fn new(seen: &'a Seen<'a>) -> Self {
        Self {
            seen,
            other_end: vec![None; seen.samples.len()],
            violations: 0,
        }
    }

    fn add(&mut self, position: usize) {
        let (mut first, mut last) = (position, position);
        if let Some(before) = position.checked_sub(1)
            && self.seen.is_followed(before)
            && let Some(start) = self.other_end[before]
        {
            self.violations -= u64::from(self.seen.is_violation(start, before));
            first = start;
        }
        if self.seen.is_followed(position)
            && let Some(end) = self.other_end[position + 1]
        {
            self.violations -= u64::from(self.seen.is_violation(position + 1, end));
            last = end;
        }
        self.other_end[first] = Some(last);
        self.other_end[last] = Some(first);
        self.violations += u64::from(self.seen.is_violation(first, last));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{
            STALENESS, evaluate,
            tests::{at, objective, sample},
        },
        *,
    };

    const NOW: i64 = 100_000;

    /// The recommendation for values a minute apart, the last one at `NOW`.
    fn of(values: &[f64], objective: &Objective, violations: u64) -> Recommendation {
        let first = NOW - 60 * (values.len() as i64 - 1);
        let samples: Vec<_> = (0_i64..)
            .zip(values)
            .map(|(k, value)| sample(first + 60 * k, *value))
            .collect();
        recommend(objective, &samples, STALENESS, at(NOW), violations)
    }

    #[test]
    fn without_violations_the_extremes_are_recommended() {
        let values = [50.0, 90.0, 85.0, 90.0, 40.0];
        let found = of(&values, &objective(Some(0.0), Some(10.0), 0), 0);
        assert_eq!((found.min, found.max), (Some(40.0), Some(90.0)));
        assert_eq!(of(&values, &objective(None, Some(10.0), 0), 0).min, None);
    }

    #[test]
    fn the_number_of_violations_is_not_monotone_and_every_wider_value_counts() {
        let values = [50.0, 90.0, 85.0, 90.0, 50.0];
        // At most 85: two violations. At most 50: one.
        assert_eq!(
            of(&values, &objective(None, Some(10.0), 0), 1).max,
            Some(90.0)
        );
        assert_eq!(
            of(&values, &objective(None, Some(10.0), 0), 2).max,
            Some(50.0)
        );
    }

    #[test]
    fn two_sides_get_half_of_the_violations_each() {
        let values = [50.0, 90.0, 50.0, 10.0, 50.0];
        let both = objective(Some(0.0), Some(0.0), 0);
        let of = |violations| of(&values, &both, violations);
        assert_eq!(
            of(1),
            Recommendation {
                min: Some(10.0),
                max: Some(90.0)
            }
        );
        assert_eq!(
            of(2),
            Recommendation {
                min: Some(50.0),
                max: Some(50.0)
            }
        );
    }

    #[test]
    fn what_does_not_hold_for_long_enough_is_no_violation() {
        let values = [50.0, 95.0, 50.0, 90.0, 90.0, 90.0, 50.0, 50.0, 50.0, 50.0];
        assert_eq!(
            of(&values, &objective(None, Some(0.0), 120), 0).max,
            Some(90.0)
        );
        assert_eq!(
            of(&values, &objective(None, Some(0.0), 300), 0).max,
            Some(50.0)
        );
    }

    #[test]
    fn no_finite_bound_keeps_an_infinite_value() {
        let values = [50.0, f64::INFINITY, 60.0];
        assert_eq!(of(&values, &objective(None, Some(0.0), 0), 0).max, None);
        assert_eq!(
            of(&values, &objective(None, Some(0.0), 0), 1).max,
            Some(50.0)
        );
        assert_eq!(of(&[], &objective(None, Some(0.0), 0), 0).max, None);
    }

    /// By evaluating every observed value from the widest inwards.
    fn brute_force(
        samples: &[Sample],
        hold: u64,
        upper: bool,
        staleness: Duration,
        most: u64,
    ) -> Option<f64> {
        let judged = read_range(Duration::from_secs(hold), at(NOW));
        let mut values: Vec<f64> = within(samples, judged)
            .iter()
            .map(|sample| sample.value)
            .collect();
        values.sort_by(f64::total_cmp);
        if upper {
            values.reverse();
        }
        let count = |value: f64| {
            let objective = if upper {
                objective(None, Some(value), hold)
            } else {
                objective(Some(value), None, hold)
            };
            let judgement = evaluate(&objective, samples, staleness, at(NOW)).judgement();
            judgement.unwrap().windows.twelve_hours.violations
        };
        values
            .into_iter()
            .take_while(|value| count(*value) <= most)
            .last()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn it_is_what_evaluating_every_observed_value_finds(
            raw in prop::collection::vec((0..50_000_i64, 0..12_i32), 0..80),
            dense in prop::collection::vec(0..12_i32, 0..60),
            hold in prop::sample::select(vec![0_u64, 60, 600, 3_600]),
            staleness in prop::sample::select(vec![15_u64, 60, 300]),
            most in 0..6_u64,
        ) {
            let dense = (0_i64..).zip(dense).map(|(k, value)| (40 * k, value));
            let mut samples: Vec<_> = raw
                .into_iter()
                .chain(dense)
                .map(|(age, value)| sample(NOW - age, f64::from(value)))
                .collect();
            samples.sort_by_key(|sample| sample.time);
            samples.dedup_by_key(|sample| sample.time);
            let staleness = Duration::from_secs(staleness);
            let found = |min, max, most| {
                recommend(&objective(min, max, hold), &samples, staleness, at(NOW), most)
            };
            let above = found(None, Some(0.0), most).max;
            prop_assert_eq!(above, brute_force(&samples, hold, true, staleness, most));
            let below = found(Some(0.0), None, most).min;
            prop_assert_eq!(below, brute_force(&samples, hold, false, staleness, most));
            let both = found(Some(0.0), Some(0.0), 2 * most + 1);
            prop_assert_eq!(both, Recommendation { min: below, max: above });
        }
    }
}
