use std::time::Duration;

use super::{STALENESS, coverage, rule::Rule, runs::Runs, within};
use crate::{
    forecast::HORIZON,
    series::Sample,
    sla::Objective,
    time::{Span, Timestamp},
};

/// The share of the horizon that has to be covered to say that nothing happened.
const ENOUGH: f64 = 0.9;

/// Whether a violation of `objective` came in the horizon `(as_of, as_of + 600 s]`.
///
/// By the rule of the probability that was published at `as_of`: whether one has a sample there, judged as at the horizon's end.
/// `samples` are clean and reach back to `as_of - for - 5m`. `None` if none was seen and a sample stands for less than 0.9
/// of the horizon.
pub fn outcome(
    objective: &Objective,
    samples: &[Sample],
    staleness: Duration,
    as_of: Timestamp,
) -> Option<bool> {
    let horizon = Span {
        start: as_of,
        end: as_of + HORIZON,
    };
    // What began before this has held for long enough by any sample of the horizon.
    let judged = Span {
        start: as_of - objective.hold - STALENESS,
        end: horizon.end,
    };
    let rule = Rule::of(objective, staleness, horizon.end);
    let found = Runs::of(within(samples, judged), &rule);
    let came = found.violations.iter().any(|violation| {
        let seen = within(&found.out_of_range, horizon).iter();
        let mut seen =
            seen.filter(|sample| (violation.start..=violation.end).contains(&sample.time));
        seen.any(|sample| rule.side_of(sample.value) == Some(violation.side))
    });
    if came {
        Some(true)
    } else {
        (coverage(samples, staleness, horizon) >= ENOUGH).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, objective, sample};
    use super::*;

    fn at_most_80(hold: u64) -> Objective {
        objective(None, Some(80.0), hold)
    }

    /// The outcome at 10,000 s of samples every 60 s, those at the given times being out of range.
    fn check(hold: u64, high: &[i64], expected: Option<bool>) {
        let samples: Vec<Sample> = (0..=300)
            .map(|k| 60 * k)
            .map(|time| sample(time, if high.contains(&time) { 90.0 } else { 50.0 }))
            .collect();
        let found = outcome(&at_most_80(hold), &samples, STALENESS, at(10_020));
        assert_eq!(found, expected, "{hold} {high:?}");
    }

    #[test]
    fn a_violation_counts_if_one_of_its_samples_is_in_the_horizon() {
        check(0, &[], Some(false));
        check(0, &[10_080], Some(true));
        check(0, &[10_620], Some(true));
        check(0, &[10_680], Some(false));
        // It stands into the horizon, and has no sample there.
        check(0, &[10_020], Some(false));
        check(0, &[10_020, 10_080], Some(true));
    }

    #[test]
    fn it_is_judged_as_at_the_end_of_the_horizon() {
        check(120, &[10_560, 10_620, 10_680], Some(false));
        check(120, &[10_500, 10_560, 10_620], Some(true));
        // It began before the horizon.
        check(120, &[9_960, 10_020, 10_080], Some(true));
        let long: Vec<i64> = (0..=168).map(|k| 60 * k).collect();
        check(3_600, &long, Some(true));
    }

    #[test]
    fn too_little_seen_says_nothing_unless_a_violation_was_seen() {
        let of = |samples: &[(i64, f64)]| {
            let samples: Vec<_> = samples
                .iter()
                .map(|(time, value)| sample(*time, *value))
                .collect();
            outcome(&at_most_80(0), &samples, STALENESS, at(0))
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(100, 50.0)]), None);
        assert_eq!(of(&[(100, 90.0)]), Some(true));
        // 540 of 600 s.
        assert_eq!(of(&[(60, 50.0), (300, 50.0)]), Some(false));
        assert_eq!(of(&[(61, 50.0), (300, 50.0)]), None);
    }
}
