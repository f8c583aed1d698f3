use proptest::prelude::*;

use super::*;
use crate::{
    evaluation::STALENESS,
    forecast::testing::{forecast, recent},
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1000 * seconds).unwrap()
}

fn scored(samples: &[(i64, f64)], as_of: i64) -> Finding<Scores> {
    let samples: Vec<_> = samples
        .iter()
        .map(|(time, value)| Sample {
            time: at(*time),
            value: *value,
        })
        .collect();
    score(
        &forecast(),
        at(0),
        &samples,
        Duration::from_secs(60),
        at(as_of),
    )
}

/// A sample at each of these steps, all of one value.
fn steps(steps: impl IntoIterator<Item = i64>, value: f64) -> Vec<(i64, f64)> {
    steps.into_iter().map(|k| (60 * k, value)).collect()
}

#[test]
fn a_forecast_is_scored_by_what_stands_at_its_steps() {
    let found = scored(&steps(1..=10, 14.0), 600);
    let found = found.known().unwrap();
    assert_eq!(
        (found.steps, found.observed, found.inside_band),
        (10, 10, 0)
    );
    assert!(!found.min_inside && !found.max_inside && !found.average_inside);
    assert!((found.mae - 4.0).abs() < 1e-12);
    assert!((found.mae_last_value.unwrap() - 2.0).abs() < 1e-12);
    // 0.025 * 6, 0.5 * 4, 0.975 * 1.
    assert!((found.pinball - (0.15 + 2.0 + 0.975) / 3.0).abs() < 1e-12);
    // 0.025 * 14, 0.5 * 4, 0.025 * 6.
    assert!((found.pinball_climatology.unwrap() - (0.35 + 2.0 + 0.15) / 3.0).abs() < 1e-12);
    let found = scored(&steps(1..=10, 13.0), 600);
    assert_eq!(found.known().unwrap().inside_band, 10);
}

#[test]
fn four_fifths_of_the_steps_have_to_have_a_sample() {
    assert!(scored(&steps(1..=8, 10.0), 600).known().is_some());
    for few in [steps(1..=7, 10.0), Vec::new(), steps(1..=10, f64::INFINITY)] {
        assert_eq!(scored(&few, 600).reason(), Some(FEW_SAMPLES));
    }
}

#[test]
fn a_sample_stands_for_less_than_the_staleness() {
    assert!(
        scored(&[(1, 10.0), (61, 10.0), (121, 10.0)], 600)
            .known()
            .is_none()
    );
    let dense: Vec<_> = (1..=600).step_by(59).map(|time| (time, 10.0)).collect();
    assert_eq!(scored(&dense, 600).known().unwrap().observed, 10);
}

#[test]
fn no_run_later_than_11_h_scores_it() {
    let came = steps(1..=10, 10.0);
    assert!(scored(&came, 11 * 3600).known().is_some());
    assert_eq!(scored(&came, 11 * 3600 + 1).reason(), Some(OUT_OF_REACH));
}

#[test]
fn what_was_better_of_late_is_told_and_the_model_is_scored_all_the_same() {
    let samples: Vec<_> = (1..=10)
        .map(|k| Sample {
            time: at(60 * k),
            value: 14.0,
        })
        .collect();
    for (error, pinball, point, lower) in [
        (104.9, 10.0, 10.0, 8.0),
        (105.1, 10.0, 12.0, 8.0),
        (104.9, 10.1, 10.0, 0.0),
        (105.1, 10.1, 12.0, 0.0),
    ] {
        let mut told = forecast();
        told.prefer_the_better(recent(error, pinball));
        let close = |found: f64, expected: f64| (found - expected).abs() < 1e-12;
        let mut path = told.path.iter();
        assert!(path.all(|step| close(step.mean, point) && close(step.lower, lower)));
        assert!(close(told.average, point));
        assert!(told.min <= told.average && told.average <= told.max);
        assert_eq!(told.recent_scores, Some(recent(error, pinball)));
        let found = score(&told, at(0), &samples, STALENESS, at(600));
        let found = found.known().unwrap();
        assert!(close(found.mae, 4.0) && close(found.mae_last_value.unwrap(), 2.0));
        assert!(close(found.pinball, 3.125 / 3.0));
        // The coverage is of the bands that were published.
        assert_eq!(found.inside_band, if pinball > 10.0 { 10 } else { 0 });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn what_comes_after_the_horizon_and_who_scores_change_nothing(
        values in prop::collection::vec((1..=600_i64, -100.0..100.0_f64), 0..40),
        later in prop::collection::vec((601..=5_000_i64, -100.0..100.0_f64), 0..10),
        as_of in 600..=39_600_i64,
    ) {
        let sorted = |mut samples: Vec<(i64, f64)>| {
            samples.sort_by_key(|sample| sample.0);
            samples.dedup_by_key(|sample| sample.0);
            samples
        };
        let before = sorted(values.clone());
        let after = sorted(values.into_iter().chain(later).collect());
        prop_assert_eq!(scored(&before, 600), scored(&after, as_of));
    }

    #[test]
    fn the_pinball_loss_is_never_negative_and_zero_only_for_a_perfect_forecast(
        quantiles in [-1e6..1e6_f64, -1e6..1e6_f64, -1e6..1e6_f64],
        value in -1e6..1e6_f64,
    ) {
        prop_assert!(pinball(quantiles, value) >= 0.0);
        prop_assert!(pinball([value; 3], value).abs() < 1e-12);
    }
}
