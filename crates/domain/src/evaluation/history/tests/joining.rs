//! The sentences about storing. At most 80, times are seconds.

use super::*;
use crate::evaluation::{clean, evaluate};

/// What an evaluation at `as_of` says, `for` being `hold` seconds.
fn evaluated(hold: u64, as_of: i64, read: &[(i64, f64)]) -> Judgement {
    let range = objective(None, Some(80.0), hold);
    let read = clean(samples(read));
    let evaluated = evaluate(&range, &read, STALENESS, at(as_of));
    evaluated.judgement().unwrap()
}

fn recorded<'a>(judgements: impl IntoIterator<Item = &'a Judgement>) -> History {
    let mut history = History::default();
    for judgement in judgements {
        history.record(&judged(judgement));
    }
    history
}

/// Start, end, whether the start is known, the worst value, whether it goes on.
fn episodes(history: &History) -> Vec<(i64, i64, bool, f64, bool)> {
    let seconds = |time: Timestamp| time.millis() / 1_000;
    (history.episodes.iter())
        .map(|episode| {
            (
                seconds(episode.start),
                seconds(episode.end),
                episode.start_known,
                episode.worst.unwrap(),
                episode.ongoing,
            )
        })
        .collect()
}

fn judged_spans(history: &History) -> Vec<(i64, i64)> {
    let seconds = |time: Timestamp| time.millis() / 1_000;
    (history.judged.iter())
        .map(|span| (seconds(span.start), seconds(span.end)))
        .collect()
}

/// A sample every minute from `start` to before `end`.
fn every_minute(start: i64, end: i64, value: f64) -> Vec<(i64, f64)> {
    (start..end).step_by(60).map(|time| (time, value)).collect()
}

#[test]
fn an_outage_of_a_week_is_one_row() {
    let (start, end) = (100 * HOUR, 268 * HOUR);
    let mut read = every_minute(99 * HOUR, start, 50.0);
    read.extend(every_minute(start, end, 90.0));
    read.extend(every_minute(end, 270 * HOUR, 50.0));
    let judgements: Vec<_> = (101..270)
        .step_by(7)
        .map(|hour| evaluated(300, hour * HOUR, &read))
        .collect();
    let expected = [(start, end, true, 90.0, false)];
    assert_eq!(episodes(&recorded(&judgements)), expected);
    assert_eq!(episodes(&recorded(judgements.iter().rev())), expected);
    let first = 101 * HOUR - 12 * HOUR - 600;
    assert_eq!(judged_spans(&recorded(&judgements)), [(first, 269 * HOUR)]);
}

#[test]
fn a_joined_violation_has_the_earlier_start_and_the_worse_value() {
    for (before, after, worst) in [(99.0, 90.0, 99.0), (90.0, 99.0, 99.0)] {
        let start = 100 * HOUR;
        let mut read = every_minute(start, start + 2 * HOUR, before);
        read.extend(every_minute(start + 2 * HOUR, start + 14 * HOUR, after));
        let (first, second) = (start + HOUR, start + 13 * HOUR);
        let judgements = [evaluated(0, first, &read), evaluated(0, second, &read)];
        assert!(!judgements[1].violations[0].start_known);
        let expected = [(start, second, false, worst, true)];
        assert_eq!(episodes(&recorded(&judgements)), expected);
    }
}

#[test]
fn the_rest_of_a_violation_need_not_hold_for_long_enough_itself() {
    // A sample every four minutes, then silence. The first evaluation still sees the last one stand, the second sees
    // the last twelve minutes.
    let (start, last) = (100 * HOUR, 102 * HOUR);
    let read: Vec<_> = (start..=last)
        .step_by(240)
        .map(|time| (time, 90.0))
        .collect();
    let judgements = [
        evaluated(900, last + 290, &read),
        evaluated(900, last + 290 + 12 * HOUR, &read),
    ];
    assert!(judgements[0].violations[0].ongoing);
    assert_eq!(judgements[1].violations, []);
    let remainder = judgements[1].remainder.as_ref().unwrap();
    assert_eq!(remainder.span(), span(last - 720, last + 300));
    let expected = [(start, last + 300, false, 90.0, false)];
    assert_eq!(episodes(&recorded(&judgements)), expected);
    assert_eq!(episodes(&recorded(judgements.iter().rev())), expected);
}

#[test]
fn an_older_evaluation_that_comes_later_counts_only_where_no_newer_one_judged() {
    let now = 100 * HOUR;
    let newer = evaluated(0, now, &[(now - 60, 90.0), (now, 50.0)]);
    // Other samples than the newer one saw.
    let read = [
        (now - 20 * HOUR, 95.0),
        (now - 20 * HOUR + 60, 50.0),
        (now - 7 * HOUR, 99.0),
    ];
    let older = evaluated(0, now - 6 * HOUR, &read);
    let history = recorded([&newer, &older]);
    let boundary = now - 12 * HOUR - 300;
    assert_eq!(judged_spans(&history), [(boundary - 6 * HOUR, now)]);
    assert_eq!(history.episodes.len(), 1);
    assert_eq!(history.episodes[0].start, at(now - 60));
    let earlier = [(now - 17 * HOUR, 95.0), (now - 17 * HOUR + 60, 50.0)];
    let history = recorded([&newer, &evaluated(0, now - 6 * HOUR, &earlier)]);
    let starts: Vec<_> = history
        .episodes
        .iter()
        .map(|episode| episode.start)
        .collect();
    assert_eq!(starts, [at(now - 17 * HOUR), at(now - 60)]);
}

#[test]
fn a_newer_evaluation_replaces_what_lies_inside_its_range() {
    let now = 100 * HOUR;
    let first = evaluated(0, now, &[(now - 600, 90.0), (now, 50.0)]);
    // A sample came late.
    let read = [(now - 600, 90.0), (now - 540, 50.0), (now, 50.0)];
    for as_of in [now, now + 30] {
        let history = recorded([&first, &evaluated(0, as_of, &read)]);
        let expected = [(now - 600, now - 540, false, 90.0, false)];
        assert_eq!(episodes(&history), expected);
    }
}

#[test]
fn a_gap_that_spans_two_judged_ranges_is_one_row() {
    let read = [(100 * HOUR, 50.0), (120 * HOUR, 50.0)];
    let judgements = [
        evaluated(0, 109 * HOUR, &read),
        evaluated(0, 121 * HOUR, &read),
    ];
    let first = 97 * HOUR - 300;
    assert_eq!(
        recorded(&judgements).gaps,
        [
            span(first, 100 * HOUR),
            span(100 * HOUR + 300, 120 * HOUR),
            span(120 * HOUR + 300, 121 * HOUR)
        ]
    );
}

#[test]
fn time_between_distant_evaluations_is_not_judged() {
    let read = [(100 * HOUR, 90.0), (150 * HOUR, 90.0)];
    let judgements = [
        evaluated(0, 100 * HOUR, &read),
        evaluated(0, 150 * HOUR, &read),
    ];
    let history = recorded(&judgements);
    let length = 12 * HOUR + 300;
    assert_eq!(
        judged_spans(&history),
        [
            (100 * HOUR - length, 100 * HOUR),
            (150 * HOUR - length, 150 * HOUR)
        ]
    );
    assert_eq!(history.gaps.len(), 2);
    assert_eq!(history.episodes.len(), 2);
}

#[test]
fn a_start_is_known_once_a_sample_before_it_was_judged() {
    let start = 100 * HOUR;
    let read = [
        (start - 60, 50.0),
        (start, 90.0),
        (start + 60, 50.0),
        (start + 12 * HOUR, 50.0),
    ];
    let later = evaluated(0, start + 12 * HOUR + 300 - 30, &read);
    assert!(!later.violations[0].start_known);
    let expected = [(start, start + 60, true, 90.0, false)];
    let earlier = evaluated(0, start + HOUR, &read);
    assert_eq!(episodes(&recorded([&earlier, &later])), expected);
    assert_eq!(episodes(&recorded([&later, &earlier])), expected);
}

#[test]
fn an_evaluation_without_a_sample_changes_nothing() {
    let mut history = recorded([&evaluated(0, 100 * HOUR, &[(99 * HOUR, 90.0)])]);
    let before = history.clone();
    history.record(&Evaluated::NoSeries);
    history.record(&Evaluated::NoSample);
    assert_eq!(history, before);
}

#[test]
fn the_changes_between_equal_histories_are_none() {
    let history = recorded([&evaluated(0, 100 * HOUR, &[(99 * HOUR, 90.0)])]);
    assert!(Changes::between(&history, &history).is_empty());
    let all = Changes::between(&History::default(), &history);
    assert_eq!(all.episodes, history.episodes);
    assert_eq!(all.gaps, history.gaps);
    assert_eq!(all.judged, history.judged);
    let none = Changes::between(&history, &History::default());
    assert_eq!(none.deleted_episodes.len(), 1);
    assert_eq!(none.deleted_gaps.len(), 2);
    assert_eq!(none.deleted_judged.len(), 1);
}
