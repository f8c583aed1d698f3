use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    evaluation::{STALENESS, ViolationOutlook},
    message::{Intervals, Model},
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1000 * seconds).unwrap()
}

/// "10, between 8 and 13" at each of ten steps of a minute, said at 0.
fn forecast() -> Forecast {
    let interval = Interval {
        lower: 8.0,
        upper: 13.0,
    };
    Forecast {
        min: 9.0,
        max: 11.0,
        average: 10.0,
        intervals: Intervals {
            min: interval,
            max: interval,
            average: interval,
        },
        path: (1..=10)
            .map(|k| PathPoint {
                time: at(60 * k),
                mean: 10.0,
                lower: 8.0,
                median: 10.0,
                upper: 13.0,
            })
            .collect(),
        model: Model {
            name: "stack".to_owned(),
            why: String::new(),
            period_seconds: None,
            weights: BTreeMap::new(),
        },
        baseline: Some(Baseline {
            last_value: Some(12.0),
            climatology: Some([0.0, 10.0, 20.0]),
            ..Baseline::default()
        }),
        recent_scores: None,
        path_extremes: None,
    }
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

/// Scores of the model, and of what it is compared with.
fn recent(error: f64, pinball: f64) -> RecentScores {
    RecentScores {
        before: Some(at(0)),
        forecasts: MOST_RECENT,
        error,
        error_last_value: 100.0,
        pinball,
        pinball_climatology: Some(10.0),
    }
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
        told.hold_to_account(recent(error, pinball));
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
        // The coverage is of the bands that were told.
        assert_eq!(found.inside_band, if pinball > 10.0 { 10 } else { 0 });
    }
}

#[test]
fn a_band_holds_the_point_that_is_told() {
    let mut told = forecast();
    told.baseline.as_mut().unwrap().last_value = Some(99.0);
    told.hold_to_account(recent(1_000.0, 0.0));
    assert!(
        told.path
            .iter()
            .all(|step| step.lower < 8.1 && step.upper > 98.9)
    );
    assert!(told.max > 98.9 && told.intervals.max.upper > 98.9);
    assert!(told.average > 98.9 && told.intervals.average.upper > 98.9);
}

#[test]
fn the_base_rate_is_told_where_it_was_better_of_late() {
    let said = ViolationOutlook {
        probability: Some(0.4),
        probability_new: Some(0.3),
        crossing_share: Some(0.4),
        ..ViolationOutlook::default()
    };
    let recent = |squares| RecentProbabilities {
        before: Some(at(0)),
        forecasts: MOST_RECENT,
        events: 7,
        squares,
        squares_base_rate: 5.0,
    };
    for (squares, base_rate, told, new, model) in [
        (4.9, Some(0.1), 0.4, 0.3, None),
        (5.0, Some(0.1), 0.4, 0.3, None),
        (5.1, Some(0.1), 0.1, 0.1, Some(0.4)),
        (5.1, Some(0.9), 0.9, 0.3, Some(0.4)),
        (5.1, None, 0.4, 0.3, None),
    ] {
        let mut outlook = said.clone();
        outlook.hold_to_account(base_rate, Some(recent(squares)));
        let expected = ViolationOutlook {
            probability: Some(told),
            probability_new: Some(new),
            base_rate,
            model_probability: model,
            recent_scores: Some(recent(squares)),
            ..said.clone()
        };
        assert_eq!(outlook, expected);
    }
    let mut outlook = said.clone();
    outlook.hold_to_account(Some(0.1), None);
    let expected = ViolationOutlook {
        base_rate: Some(0.1),
        ..said
    };
    assert_eq!(outlook, expected);
}

#[test]
fn without_a_probability_no_base_rate_is_told() {
    let mut outlook = ViolationOutlook::unknown("too_short");
    let worse = RecentProbabilities {
        squares: 1.0,
        ..RecentProbabilities::default()
    };
    outlook.hold_to_account(Some(0.1), Some(worse));
    assert_eq!(outlook, ViolationOutlook::unknown("too_short"));
}

#[test]
fn a_forecast_of_old_is_told_as_it_is() {
    let mut told = forecast();
    told.baseline = None;
    told.hold_to_account(recent(1_000.0, 1_000.0));
    assert_eq!(told.path, forecast().path);
}

#[test]
fn the_baseline_is_the_newest_sample_and_quantiles_of_all() {
    let of = |values: &[f64]| {
        let samples = values.iter().enumerate();
        let samples = samples.map(|(k, value)| Sample {
            time: at(k as i64),
            value: *value,
        });
        Baseline::of(&samples.collect::<Vec<_>>())
    };
    let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    let found = of(&hundred);
    assert_eq!(
        (found.last_value, found.climatology),
        (Some(1.0), Some([3.0, 50.0, 98.0]))
    );
    assert_eq!(of(&[7.0]).climatology, Some([7.0; 3]));
    assert_eq!(of(&[]), Baseline::default());
    let infinite = of(&[1.0, 2.0, f64::INFINITY]);
    assert_eq!((infinite.last_value, infinite.climatology), (None, None));
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
