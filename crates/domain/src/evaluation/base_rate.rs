use std::time::Duration;

use super::{outcome, read_range, within};
use crate::{
    forecast::HORIZON,
    series::Sample,
    sla::Objective,
    time::{Timestamp, Window},
};

/// How often a violation of `objective` came in 10 minutes of the last 12 h: the simplest probability that one comes in
/// the next 10 minutes, 0 to 1, both exclusive.
///
/// The 12 h before `as_of` are 72 horizons, each judged by the rule of [`outcome()`]. After k of the n of which it is known
/// what came the answer is `(k + 1/2) / (n + 1)`, shrunk as the probability over paths is: that nothing happened in half
/// a day does not mean that nothing ever will. `samples` are clean. `None` if of no horizon it is known.
pub fn base_rate(
    objective: &Objective,
    samples: &[Sample],
    staleness: Duration,
    as_of: Timestamp,
) -> Option<f64> {
    let samples = within(samples, read_range(objective.hold, as_of));
    let horizons = Window::TwelveHours.length().as_secs() / HORIZON.as_secs();
    let (mut known, mut violated) = (0_u32, 0_u32);
    for horizon in 1..=horizons {
        let start = as_of - HORIZON * horizon as u32;
        if let Some(came) = outcome(objective, samples, staleness, start) {
            known += 1;
            violated += u32::from(came);
        }
    }
    (known > 0).then(|| (f64::from(violated) + 0.5) / (f64::from(known) + 1.0))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            STALENESS,
            tests::{at, objective, sample},
        },
        *,
    };

    const NOW: i64 = 100_000;

    /// The base rate of "at most 80" over samples every minute of the last `minutes`, those of the given ages, in
    /// minutes, being out of range.
    fn check(hold: u64, minutes: i64, high: &[i64], expected: Option<f64>) {
        let samples: Vec<_> = (0..minutes)
            .rev()
            .map(|age| {
                sample(
                    NOW - 60 * age,
                    if high.contains(&age) { 90.0 } else { 50.0 },
                )
            })
            .collect();
        let found = base_rate(
            &objective(None, Some(80.0), hold),
            &samples,
            STALENESS,
            at(NOW),
        );
        match (found, expected) {
            (Some(found), Some(expected)) => {
                assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
            }
            _ => assert_eq!(found, expected),
        }
    }

    #[test]
    fn it_is_the_share_of_the_horizons_in_which_a_violation_came() {
        check(0, 800, &[], Some(0.5 / 73.0));
        check(0, 800, &[5, 15, 16], Some(2.5 / 73.0));
        let always: Vec<_> = (0..800).collect();
        check(0, 800, &always, Some(72.5 / 73.0));
        check(120, 800, &[5, 15, 16], Some(1.5 / 73.0));
    }

    #[test]
    fn horizons_of_which_nothing_is_known_do_not_count() {
        check(0, 60, &[], Some(0.5 / 7.0));
        check(0, 60, &[35], Some(1.5 / 7.0));
        check(0, 0, &[], None);
        check(0, 5, &[], None);
    }

    #[test]
    fn what_comes_after_the_present_is_not_known() {
        let (range, quiet) = (objective(None, Some(80.0), 0), sample(NOW - 30, 50.0));
        let rate = |samples: &[Sample]| base_rate(&range, samples, STALENESS, at(NOW));
        let mut dense: Vec<_> = (0..720)
            .map(|k| sample(NOW - 43_170 + 60 * k, 50.0))
            .collect();
        let before = rate(&dense);
        dense.push(sample(NOW + 1, 90.0));
        assert_eq!(rate(&dense), before);
        assert_eq!(rate(&[quiet]), None);
    }
}
