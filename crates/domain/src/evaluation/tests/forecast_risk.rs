use proptest::prelude::*;

use super::*;
use crate::forecast::MOST_RECENT;

const STEP: u64 = 60;

/// At most 80, held for `hold` seconds, and how it stands on the samples `(seconds before as_of, value)`.
fn standing(hold: u64, ages: &[(i64, f64)]) -> (Objective, Judgement) {
    (objective(None, Some(80.0), hold), judged(hold, ages))
}

fn risk(outlook: &Outlook) -> ForecastRisk {
    *outlook.risk().unwrap()
}

/// The risk over equally likely paths of one value a minute.
fn outlook(hold: u64, ages: &[(i64, f64)], paths: &[&[f64]]) -> ForecastRisk {
    let (range, judgement) = standing(hold, ages);
    let paths: Vec<_> = paths
        .iter()
        .map(|values| Path {
            weight: 3.0,
            values,
        })
        .collect();
    let continuation = Continuation::Paths {
        step: Duration::from_secs(STEP),
        paths: &paths,
    };
    risk(&judgement.outlook(&range, continuation, None))
}

const GOOD: [f64; 10] = [50.0; 10];
const BAD: [f64; 10] = [90.0; 10];

/// In range but for the values from `first` on, `count` of them.
fn excursion(first: usize, count: usize) -> [f64; 10] {
    let mut values = GOOD;
    values[first..first + count].fill(90.0);
    values
}

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-12,
        "{found:?} is not {expected}"
    );
}

#[test]
fn the_probability_is_the_weight_of_the_paths_that_violate_with_some_doubt() {
    for (paths, share) in [
        (&[&GOOD[..], &GOOD, &GOOD, &GOOD][..], 0.0),
        (&[&BAD, &GOOD, &GOOD, &GOOD], 0.25),
        (&[&BAD, &BAD, &BAD, &BAD], 1.0),
    ] {
        let found = outlook(0, &[(10, 50.0)], paths);
        let expected = (share * 4.0 + 0.5) / 5.0;
        assert_near(found.probability, expected);
        assert_near(found.probability_new, expected);
        assert_near(found.expected_violations, expected);
        assert_near(found.expected_seconds, share * 540.0);
        assert_near(found.crossing_share, share);
    }
}

#[test]
fn weights_need_not_sum_to_one() {
    let (range, judgement) = standing(0, &[(10, 50.0)]);
    let path = |weight, values| Path { weight, values };
    let continuation = Continuation::Paths {
        step: Duration::from_secs(STEP),
        paths: &[path(1.0, &BAD), path(7.0, &GOOD)],
    };
    let found = risk(&judgement.outlook(&range, continuation, None));
    assert_near(found.crossing_share, 0.125);
    assert_near(found.probability, 0.25);
}

#[test]
fn what_is_pending_may_become_a_violation_in_the_path() {
    let pending = [(100, 50.0), (60, 90.0), (0, 90.0)];
    // 60 s so far; the fourth value, 240 s later, is the first in range: 300 s in all.
    let going_on = excursion(0, 3);
    for (hold, share) in [(300, 1.0), (301, 0.0)] {
        let found = outlook(hold, &pending, &[&going_on]);
        assert_near(found.crossing_share, share);
        assert_near(found.probability_new, (share + 0.5) / 2.0);
        assert_near(found.expected_seconds, share * 240.0);
        assert_eq!(found.first_crossing, (share > 0.0).then_some(at(AS_OF)));
    }
}

#[test]
fn what_is_firing_is_no_new_violation() {
    let found = outlook(60, &[(100, 90.0), (10, 90.0)], &[&BAD]);
    assert_near(found.probability, 0.75);
    assert_near(found.probability_new, 0.25);
    assert_near(found.expected_seconds, 600.0);
    assert_eq!(found.first_crossing, Some(at(AS_OF)));
}

#[test]
fn a_violation_that_ends_with_the_first_value_has_no_sample_in_the_horizon() {
    let found = outlook(60, &[(100, 90.0), (10, 90.0)], &[&GOOD]);
    assert_near(found.crossing_share, 0.0);
    assert_near(found.expected_seconds, 60.0);
    assert_eq!(found.first_crossing, Some(at(AS_OF)));
    let found = outlook(60, &[(100, 90.0), (10, 90.0)], &[&excursion(5, 2)]);
    assert_near(found.crossing_share, 1.0);
    assert_near(found.probability_new, 0.75);
}

#[test]
fn a_sample_that_no_longer_stands_does_not_go_on_in_the_path() {
    let found = outlook(400, &[(700, 90.0), (300, 90.0)], &[&excursion(0, 1)]);
    assert_near(found.crossing_share, 0.0);
}

#[test]
fn nothing_goes_on_in_a_path_whose_step_is_longer_than_a_sample_stands() {
    for (hold, share, seconds) in [
        // Held until the sample at `as_of - 10 s`, which stands for 290 s more.
        (90, 1.0, 490.0),
        (91, 1.0, 200.0),
        (200, 1.0, 200.0),
        // A run from `as_of - 100 s` would have held for so long.
        (201, 0.0, 0.0),
        (700, 0.0, 0.0),
    ] {
        let (range, judgement) = standing(hold, &[(100, 90.0), (10, 90.0)]);
        let paths = [Path {
            weight: 1.0,
            values: &BAD,
        }];
        let continuation = Continuation::Paths {
            step: Duration::from_secs(400),
            paths: &paths,
        };
        let found = risk(&judgement.outlook(&range, continuation, None));
        assert_near(found.crossing_share, share);
        assert_near(found.expected_seconds, seconds);
    }
}

#[test]
fn an_excursion_is_judged_as_at_the_end_of_the_horizon() {
    // The last value stands for 0 s, the last but one for 60 s.
    for (hold, first, share) in [(60, 8, 1.0), (61, 8, 0.0), (0, 9, 1.0), (1, 9, 0.0)] {
        let found = outlook(hold, &[(10, 50.0)], &[&excursion(first, 10 - first)]);
        assert_near(found.crossing_share, share);
    }
}

#[test]
fn values_after_the_horizon_do_not_count() {
    let mut values = [50.0; 11];
    values[10] = 90.0;
    assert_near(outlook(0, &[(10, 50.0)], &[&values]).crossing_share, 0.0);
}

#[test]
fn several_excursions_are_several_violations() {
    let mut values = excursion(1, 2);
    values[5] = 95.0;
    values[8] = 85.0;
    let found = outlook(0, &[(10, 50.0)], &[&values, &GOOD]);
    assert_near(found.expected_violations, (1.5 * 2.0 + 0.5) / 3.0);
    assert_near(found.expected_seconds, 120.0);
}

#[test]
fn the_first_crossing_is_the_median_start_unless_most_paths_have_none() {
    let starts = [excursion(1, 1), excursion(3, 1), excursion(7, 1)];
    let [early, middle, late] = [&starts[0][..], &starts[1], &starts[2]];
    let minute = |count: i64| Some(at(AS_OF + 60 * count));
    for (paths, expected) in [
        (&[early, middle, late][..], minute(4)),
        (&[early, late], minute(2)),
        (&[late, &GOOD], minute(8)),
        (&[early, middle, late, &GOOD, &GOOD, &GOOD], minute(4)),
        (&[late, &GOOD, &GOOD], None),
    ] {
        let found = outlook(0, &[(10, 50.0)], paths);
        assert_eq!(found.first_crossing, expected);
    }
}

#[test]
fn a_constant_series_leaves_no_doubt() {
    for (hold, value, probability, new, seconds) in [
        (0, 80.0, 0.0, 0.0, 0.0),
        (0, 80.5, 1.0, 0.0, 600.0),
        // Held for 100 s at `as_of`: for 700 s at the end.
        (700, 80.5, 1.0, 1.0, 600.0),
        (701, 80.5, 0.0, 0.0, 0.0),
    ] {
        let (range, judgement) = standing(hold, &[(100, value), (10, value)]);
        let found = risk(&judgement.outlook(&range, Continuation::Constant(value), None));
        assert_near(found.probability, probability);
        assert_near(found.probability_new, new);
        assert_near(found.expected_violations, probability);
        assert_near(found.expected_seconds, seconds);
        assert_near(found.crossing_share, probability);
    }
}

#[test]
fn without_a_forecast_everything_is_null_but_the_reason() {
    let (range, judgement) = standing(0, &[(10, 90.0)]);
    let unknown = judgement.outlook(&range, Continuation::Unknown("too_short"), None);
    assert_eq!(unknown, Outlook::unavailable("too_short"));
    for paths in [
        &[][..],
        &[Path {
            weight: 0.0,
            values: &BAD,
        }],
    ] {
        let step = Duration::from_secs(STEP);
        let found = judgement.outlook(&range, Continuation::Paths { step, paths }, None);
        assert_eq!(found, Outlook::unavailable("no_paths"));
    }
}

#[test]
fn what_is_predicted_is_passed_on() {
    let (range, judgement) = standing(0, &[(10, 90.0)]);
    let predicted = PredictedValues {
        min: 1.0,
        max: 3.0,
        average: 2.0,
    };
    let found = judgement.outlook(&range, Continuation::Constant(90.0), Some(predicted));
    assert_eq!(risk(&found).predicted, Some(predicted));
}

const VALUES: [f64; 4] = [90.0, 50.0, -1.0, 95.0];

#[test]
fn the_base_rate_is_the_probability_where_it_was_better_of_late() {
    let said = ForecastRisk {
        probability: 0.4,
        probability_new: 0.3,
        crossing_share: 0.4,
        ..ForecastRisk::default()
    };
    let recent = |squares| RecentProbabilities {
        before: Some(at(0)),
        forecasts: MOST_RECENT,
        events: 7,
        squares,
        squares_base_rate: 5.0,
    };
    for (squares, base_rate, probability, new, model) in [
        (4.9, Some(0.1), 0.4, 0.3, None),
        (5.0, Some(0.1), 0.4, 0.3, None),
        (5.1, Some(0.1), 0.1, 0.1, Some(0.4)),
        (5.1, Some(0.9), 0.9, 0.3, Some(0.4)),
        (5.1, None, 0.4, 0.3, None),
    ] {
        let mut risk = said;
        risk.prefer_the_better(base_rate, Some(recent(squares)));
        let expected = ForecastRisk {
            probability,
            probability_new: new,
            base_rate,
            model_probability: model,
            recent_scores: Some(recent(squares)),
            ..said
        };
        assert_eq!(risk, expected);
    }
    let mut risk = said;
    risk.prefer_the_better(Some(0.1), None);
    let expected = ForecastRisk {
        base_rate: Some(0.1),
        ..said
    };
    assert_eq!(risk, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// With a sample at `as_of` itself and a path as dense as the samples, the path's violations are those of an
    /// evaluation at the end of the horizon; also where samples are too far apart to follow each other.
    #[test]
    fn a_path_violates_as_its_samples_would(
        past in prop::collection::vec(0..VALUES.len(), 1..15),
        future in prop::collection::vec(0..VALUES.len(), 1..14),
        step in prop::sample::select(vec![15, 50, 60, 100, 300, 301, 400, 600]),
        hold in prop::sample::select(vec![0, 60, 100, 300, 700]),
    ) {
        let range = objective(Some(0.0), Some(80.0), hold);
        let past_samples: Vec<_> = (0..)
            .zip(past.iter().rev())
            .map(|(age, value)| sample(AS_OF - age * step, VALUES[*value]))
            .collect();
        let path: Vec<_> = future.iter().map(|value| VALUES[*value]).collect();
        let path_samples = (1..)
            .zip(&path)
            .map(|(position, value)| sample(AS_OF + position * step, *value))
            // Beyond its last value a path stands to the end of the horizon.
            .chain((0..600).map(|second| {
                sample(AS_OF + path.len() as i64 * step + second, path[path.len() - 1])
            }));
        let read = clean(past_samples.iter().copied().chain(path_samples).collect());

        let judgement = evaluate(&range, &clean(past_samples), STALENESS, at(AS_OF)).judgement().unwrap();
        let continuation = Continuation::Paths {
            step: Duration::from_secs(step as u64),
            paths: &[Path { weight: 1.0, values: &path }],
        };
        let found = risk(&judgement.outlook(&range, continuation, None));

        let later = evaluate(&range, &read, STALENESS, at(AS_OF + 600)).judgement().unwrap();
        let has_sample = |episode: &&Episode| {
            let mut inside = within(&read, Span { start: at(AS_OF), end: at(AS_OF + 600) }).iter();
            inside.any(|sample| episode.start <= sample.time
                && (sample.time < episode.end || (episode.ongoing && sample.time == episode.end)))
        };
        let expected: Vec<_> = later.violations.iter().filter(has_sample).collect();
        let was_firing = judgement.state == ObjectiveState::Firing;
        let is_new = |episode: &&&Episode| !(was_firing && episode.start <= at(AS_OF));
        let doubtful = |count: usize| (count as f64 + 0.5) / 2.0;
        let horizon = Span { start: at(AS_OF), end: at(AS_OF + 600) };
        let seconds: f64 = later
            .violations
            .iter()
            .map(|episode| episode.span().overlap(horizon).as_secs_f64())
            .sum();
        prop_assert_eq!(found.expected_violations.to_bits(), doubtful(expected.len()).to_bits());
        prop_assert_eq!(found.probability.to_bits(), doubtful(expected.len().min(1)).to_bits());
        let new = expected.iter().filter(is_new).count();
        prop_assert_eq!(found.probability_new.to_bits(), doubtful(new.min(1)).to_bits());
        prop_assert!((found.expected_seconds - seconds).abs() < 1e-9);
        if !was_firing {
            let first = expected.first().map(|episode| episode.start.max(at(AS_OF)));
            prop_assert_eq!(found.first_crossing, first);
        }
    }

    #[test]
    fn probabilities_are_probabilities(
        weights in prop::collection::vec(0.1..1.0_f64, 1..20),
        paths in prop::collection::vec(prop::collection::vec(0..VALUES.len(), 10), 20),
        open in any::<bool>(),
        hold in prop::sample::select(vec![0, 60, 300]),
    ) {
        let now = if open { 90.0 } else { 50.0 };
        let (range, judgement) = standing(hold, &[(100, now), (10, now)]);
        let values: Vec<Vec<_>> = paths
            .iter()
            .map(|path| path.iter().map(|value| VALUES[*value]).collect())
            .collect();
        let paths: Vec<_> = weights
            .iter()
            .zip(&values)
            .map(|(weight, values)| Path { weight: *weight, values })
            .collect();
        let step = Duration::from_secs(STEP);
        let found = judgement.outlook(&range, Continuation::Paths { step, paths: &paths }, None);
        let found = risk(&found);
        let (any, new) = (found.probability, found.probability_new);
        prop_assert!(0.0 < new && new <= any && any < 1.0);
        prop_assert!(found.expected_violations >= any - 1e-12);
        prop_assert!((0.0..=600.0 + 1e-9).contains(&found.expected_seconds));
    }
}
