//! The sentences about samples, episodes and states, one table each. Times are seconds before `as_of`.

use super::*;

/// The violations as `(seconds from start to as_of, from end to as_of)`.
fn violations(judgement: &Judgement) -> Vec<(i64, i64)> {
    let age = |time: Timestamp| AS_OF - time.millis() / 1_000;
    judgement
        .violations
        .iter()
        .map(|episode| (age(episode.start), age(episode.end)))
        .collect()
}

#[test]
fn both_bounds_are_in_range_and_each_is_optional() {
    let (inside, below, above) = (None, Some(Side::Below), Some(Side::Above));
    let infinity = f64::INFINITY;
    for (min, max, value, expected) in [
        (Some(0.0), Some(80.0), 0.0, inside),
        (Some(0.0), Some(80.0), 80.0, inside),
        (Some(0.0), Some(80.0), 80.0_f64.next_up(), above),
        (Some(0.0), Some(80.0), -f64::from_bits(1), below),
        (Some(0.0), None, infinity, inside),
        (Some(0.0), None, -infinity, below),
        (None, Some(80.0), -infinity, inside),
        (None, Some(80.0), infinity, above),
        (None, None, infinity, inside),
    ] {
        let rule = rule::Rule::of(&objective(min, max, 0), STALENESS, at(AS_OF));
        let found = rule.side_of(value);
        assert_eq!(found, expected, "{value} in {min:?} to {max:?}");
    }
}

#[test]
fn a_series_without_a_sample_in_the_read_range_is_not_judged() {
    let range = objective(None, Some(80.0), 60);
    let oldest = AS_OF - 43_200 - 60 - 300;
    for (time, is_judged) in [
        (oldest, false),
        (oldest + 1, true),
        (AS_OF, true),
        (AS_OF + 1, false),
    ] {
        let found = evaluate(&range, &[sample(time, 0.0)], STALENESS, at(AS_OF));
        assert_eq!(found != Evaluated::NoSample, is_judged, "{time}");
    }
}

#[test]
fn an_objective_is_judged_on_the_range_of_its_own_for() {
    let fetched = [(43_200 + 400, 90.0), (43_200 + 290, 90.0), (10, 0.0)];
    assert_eq!(violations(&judged(0, &fetched)), [(43_490, 43_190)]);
    assert!(!judged(0, &fetched).violations[0].start_known);
    assert_eq!(violations(&judged(110, &fetched)), [(43_600, 43_190)]);
}

#[test]
fn an_episode_ends_where_its_last_sample_stops_standing() {
    for (ages, expected) in [
        // At the next sample, ...
        (&[(1_000, 90.0), (940, 0.0)][..], (1_000, 940)),
        (&[(1_000, 90.0), (700, 0.0)], (1_000, 700)),
        // ... when the staleness is over, ...
        (&[(1_000, 90.0), (699, 0.0)], (1_000, 700)),
        (&[(1_000, 90.0)], (1_000, 700)),
        (&[(300, 90.0)], (300, 0)),
        // ... or at `as_of`.
        (&[(299, 90.0)], (299, 0)),
        (&[(0, 90.0)], (0, 0)),
    ] {
        assert_eq!(violations(&judged(0, ages)), [expected], "{ages:?}");
    }
}

#[test]
fn a_gap_of_more_than_the_staleness_splits_an_episode() {
    let found = violations(&judged(0, &[(1_000, 90.0), (700, 90.0), (600, 0.0)]));
    assert_eq!(found, [(1_000, 600)]);
    let found = violations(&judged(0, &[(1_000, 90.0), (699, 90.0), (600, 0.0)]));
    assert_eq!(found, [(1_000, 700), (699, 600)]);
}

#[test]
fn an_expression_stands_for_one_step() {
    let step = Duration::from_secs(15);
    let read = samples(&[(60, 90.0), (75, 90.0), (91, 90.0), (200, 0.0)]);
    let range = objective(None, Some(80.0), 0);
    let found = evaluate(&range, &read, step, at(300)).judgement().unwrap();
    let spans: Vec<_> = found.violations.iter().map(Episode::span).collect();
    assert_eq!(spans, [span(60, 90), span(91, 106)]);
}

#[test]
fn a_change_of_side_ends_an_episode() {
    let read = samples(&[(10, 90.0), (20, -1.0), (30, -2.0), (40, 50.0)]);
    let found = evaluate(
        &objective(Some(0.0), Some(80.0), 0),
        &read,
        STALENESS,
        at(50),
    )
    .judgement()
    .unwrap();
    let sides: Vec<_> = found
        .violations
        .iter()
        .map(|episode| (episode.side, episode.span()))
        .collect();
    assert_eq!(
        sides,
        [(Side::Above, span(10, 20)), (Side::Below, span(20, 40))]
    );
}

#[test]
fn only_the_first_sample_of_the_range_leaves_a_start_unknown() {
    let found = judged(
        0,
        &[(2_000, 90.0), (1_990, 0.0), (1_000, 90.0), (600, 90.0)],
    );
    let known: Vec<_> = found
        .violations
        .iter()
        .map(|episode| episode.start_known)
        .collect();
    assert_eq!(known, [false, true, true]);
}

#[test]
fn an_episode_is_ongoing_if_its_last_sample_is_the_last_and_stands() {
    for (ages, ongoing) in [
        (&[(299, 90.0)][..], true),
        (&[(300, 90.0)], false),
        (&[(200, 90.0), (0, 80.0)], false),
        (&[(0, 90.0)], true),
    ] {
        assert_eq!(judged(0, ages).violations[0].ongoing, ongoing, "{ages:?}");
    }
}

#[test]
fn an_episode_is_a_violation_if_it_held_for_long_enough() {
    use ObjectiveState::{Firing, NoData, Ok, Pending};
    for (hold, ages, count, state) in [
        // To the next sample, if that comes soon enough: ...
        (60, &[(1_000, 90.0), (940, 0.0), (0, 0.0)][..], 1, Ok),
        (61, &[(1_000, 90.0), (940, 0.0), (0, 0.0)], 0, Ok),
        (300, &[(1_000, 90.0), (700, 0.0), (0, 0.0)], 1, Ok),
        (
            60,
            &[(1_000, 90.0), (970, 90.0), (940, -9.0), (0, 0.0)],
            1,
            Ok,
        ),
        // ... else to its own last sample, ...
        (1, &[(1_000, 90.0), (699, 0.0), (0, 0.0)], 0, Ok),
        (
            100,
            &[(1_000, 90.0), (900, 90.0), (599, 0.0), (0, 0.0)],
            1,
            Ok,
        ),
        (
            101,
            &[(1_000, 90.0), (900, 90.0), (599, 0.0), (0, 0.0)],
            0,
            Ok,
        ),
        (1, &[(300, 90.0)], 0, NoData),
        (0, &[(300, 90.0)], 1, NoData),
        // ... to `as_of` if it is ongoing: silence proves nothing.
        (299, &[(299, 90.0)], 1, Firing),
        (300, &[(299, 90.0)], 0, Pending),
        (400, &[(400, 90.0), (200, 90.0)], 1, Firing),
        (401, &[(400, 90.0), (200, 90.0)], 0, Pending),
        (0, &[(0, 90.0)], 1, Firing),
        (1, &[(0, 90.0)], 0, Pending),
    ] {
        let found = judged(hold, ages);
        assert_eq!(found.violations.len(), count, "for {hold}: {ages:?}");
        assert_eq!(found.state, state, "for {hold}: {ages:?}");
    }
}

#[test]
fn there_is_no_data_if_no_sample_stands_at_as_of() {
    use ObjectiveState::{NoData, Ok};
    for (age, state) in [(0, Ok), (299, Ok), (300, NoData), (40_000, NoData)] {
        assert_eq!(judged(0, &[(age, 0.0)]).state, state, "{age}");
    }
}

#[test]
fn what_goes_on_at_as_of_is_open_whether_it_is_a_violation_or_not() {
    let firing = judged(100, &[(500, 0.0), (200, 90.0), (10, 95.0)]);
    assert_eq!(firing.open.as_ref(), firing.violations.last());
    let pending = judged(300, &[(500, 0.0), (200, 90.0), (10, 95.0)]);
    let open = pending.open.unwrap();
    assert_eq!(
        (open.span(), open.worst),
        (span(AS_OF - 200, AS_OF), Some(95.0))
    );
    assert_eq!(judged(0, &[(500, 90.0), (10, 0.0)]).open, None);
}

#[test]
fn the_run_the_range_begins_with_is_kept_apart_if_it_is_too_short() {
    let found = judged(
        300,
        &[
            (900, 90.0),
            (800, 90.0),
            (700, 0.0),
            (600, 90.0),
            (500, 0.0),
        ],
    );
    assert_eq!(found.violations, []);
    let remainder = found.remainder.unwrap();
    assert_eq!(remainder.span(), span(AS_OF - 900, AS_OF - 700));
    assert_eq!(judged(200, &[(900, 90.0), (700, 0.0)]).remainder, None);
    assert_eq!(
        judged(300, &[(901, 0.0), (900, 90.0), (700, 0.0)]).remainder,
        None
    );
}

#[test]
fn the_worst_value_is_the_farthest_from_the_range_and_null_if_infinite() {
    let infinity = f64::INFINITY;
    for (values, worst, worst_infinite) in [
        ([81.0, 93.5, 82.0], Some(93.5), false),
        ([81.0, infinity, 82.0], None, true),
        ([-1.0, -7.0, -2.0], Some(-7.0), false),
        ([-1.0, -infinity, -2.0], None, true),
    ] {
        let read = [10, 20, 30].into_iter().zip(values).collect::<Vec<_>>();
        let range = objective(Some(0.0), Some(80.0), 0);
        let found = evaluate(&range, &samples(&read), STALENESS, at(40));
        let found = found.judgement().unwrap();
        let episode = &found.violations[0];
        assert_eq!(
            (episode.worst, episode.worst_infinite),
            (worst, worst_infinite)
        );
    }
}
