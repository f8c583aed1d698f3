//! The semantics once more, as a reader of the text would compute them by hand: slowly, one definition at a time, on
//! whole seconds.

use super::*;

/// What [`evaluate`] should find. Times are seconds.
#[derive(Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) state: ObjectiveState,
    /// Start, end, whether the start is known, the worst value, whether it goes on.
    pub(super) violations: Vec<(i64, i64, bool, f64, bool)>,
    /// Per window: violations, out-of-range samples, seconds, samples, seconds without a standing sample.
    pub(super) windows: [(usize, usize, i64, usize, i64); 3],
}

pub(super) fn read(
    objective: &Objective,
    raw: &[(i64, f64)],
    staleness: i64,
    as_of: i64,
) -> Option<Reading> {
    let hold = objective.hold.as_secs() as i64;
    let first = as_of - 43_200 - hold - 300;
    let mut times: Vec<i64> = (raw.iter().filter(|(_, value)| !value.is_nan()))
        .map(|(time, _)| *time)
        .filter(|time| first < *time && *time <= as_of)
        .collect();
    times.sort_unstable();
    times.dedup();
    let value_at = |time: i64| {
        let mut there = raw.iter().rev();
        there
            .find(|(t, value)| *t == time && !value.is_nan())
            .unwrap()
            .1
    };
    let side_at = |time: i64| {
        let value = value_at(time);
        if objective.max.is_some_and(|max| value > max) {
            1
        } else if objective.min.is_some_and(|min| value < min) {
            -1
        } else {
            0
        }
    };
    let next = |time: i64| times.iter().copied().find(|t| *t > time);
    let previous = |time: i64| times.iter().rev().copied().find(|t| *t < time);
    let stands_until = |time: i64| next(time).unwrap_or(as_of).min(time + staleness).min(as_of);
    let newest = *times.last()?;
    let stands_now = as_of - newest < staleness;
    let continues = |a: i64, b: i64| b - a <= staleness && side_at(a) == side_at(b);

    let mut violations = Vec::new();
    let mut pending = false;
    for &start in times.iter().filter(|time| side_at(**time) != 0) {
        if previous(start).is_some_and(|before| continues(before, start)) {
            continue;
        }
        let (mut last, mut worst) = (start, value_at(start));
        while let Some(after) = next(last).filter(|after| continues(last, *after)) {
            last = after;
            let value = value_at(last);
            worst = if side_at(start) > 0 {
                worst.max(value)
            } else {
                worst.min(value)
            };
        }
        let ongoing = last == newest && stands_now;
        let held_until = match next(last) {
            Some(after) if after - last <= staleness => after,
            _ if ongoing => as_of,
            _ => last,
        };
        if held_until - start >= hold {
            let known = previous(start).is_some();
            violations.push((start, stands_until(last), known, worst, ongoing));
        } else {
            pending |= ongoing;
        }
    }

    let windows = [3_600, 10_800, 43_200].map(|length| {
        let start = as_of - length;
        let inside: Vec<_> = times.iter().filter(|time| **time > start).collect();
        let stood: i64 = (times.iter())
            .map(|time| (stands_until(*time) - (*time).max(start)).max(0))
            .sum();
        (
            violations
                .iter()
                .filter(|violation| violation.1 > start)
                .count(),
            inside.iter().filter(|time| side_at(***time) != 0).count(),
            (violations.iter())
                .map(|violation| (violation.1 - violation.0.max(start)).max(0))
                .sum(),
            inside.len(),
            length - stood,
        )
    });
    let state = if violations.iter().any(|violation| violation.4) {
        ObjectiveState::Firing
    } else if pending {
        ObjectiveState::Pending
    } else if stands_now {
        ObjectiveState::Ok
    } else {
        ObjectiveState::NoData
    };
    Some(Reading {
        state,
        violations,
        windows,
    })
}

/// The same of a [`Judgement`].
pub(super) fn reading_of(judgement: &Judgement) -> Reading {
    let seconds = |time: Timestamp| time.millis() / 1_000;
    let worst = |episode: &Episode| match (episode.worst_infinite, episode.side) {
        (true, Side::Above) => f64::INFINITY,
        (true, Side::Below) => f64::NEG_INFINITY,
        (false, _) => episode.worst.unwrap(),
    };
    let windows = &judgement.windows;
    Reading {
        state: judgement.state,
        violations: (judgement.violations.iter())
            .map(|episode| {
                (
                    seconds(episode.start),
                    seconds(episode.end),
                    episode.start_known,
                    worst(episode),
                    episode.ongoing,
                )
            })
            .collect(),
        windows: [
            (3_600, windows.one_hour),
            (10_800, windows.three_hours),
            (43_200, windows.twelve_hours),
        ]
        .map(|(length, counts)| {
            (
                counts.violations as usize,
                counts.out_of_range_samples as usize,
                counts.seconds as i64,
                counts.observed_samples as usize,
                ((1.0 - counts.coverage) * f64::from(length)).round() as i64,
            )
        }),
    }
}
