//! The semantics once more, as a reader of the text would compute them by hand: slowly, one definition at a time, on
//! whole seconds.

use super::*;

/// What [`evaluate`] should find. Times are seconds.
#[derive(Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) state: ObjectiveState,
    /// Start, end, whether the start is known, the worst value, whether it goes on.
    pub(super) violations: Vec<(i64, i64, bool, f64, bool)>,
    /// Per window: violations, out-of-range samples, seconds, samples, billionths that are covered.
    pub(super) windows: [(usize, usize, i64, usize, i64); 3],
    /// Since when the series is silent, its state until then, the coverage of each window if it has ended.
    pub(super) silence: Option<(i64, ObjectiveState, [i64; 3])>,
}

fn billionths(share: f64) -> i64 {
    (share * 1e9).round() as i64
}

pub(super) fn read(
    objective: &Objective,
    raw: &[(i64, f64)],
    markers: &[i64],
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
    let stands_until = |time: i64| {
        let end = next(time).unwrap_or(as_of).min(time + staleness).min(as_of);
        let mut after = markers.iter().copied().filter(|marker| *marker > time);
        let cut = after.find(|marker| *marker < end).filter(|marker| {
            let patience = marker + staleness;
            let is_followed = times.iter().any(|t| *marker < *t && *t <= patience);
            patience <= as_of && !is_followed
        });
        cut.unwrap_or(end)
    };
    let newest = *times.last()?;
    let stands_now = as_of - newest < staleness;
    let continues = |a: i64, b: i64| b - a <= staleness && side_at(a) == side_at(b);

    let mut violations = Vec::new();
    let (mut pending, mut until_silent) = (false, ObjectiveState::Ok);
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
        if last == newest {
            // One second before it falls silent it goes on, and a moment later too.
            let is_violation = hold == 0 || last + staleness - start > hold;
            until_silent = if is_violation {
                ObjectiveState::Firing
            } else {
                ObjectiveState::Pending
            };
        }
        if held_until - start >= hold {
            let known = previous(start).is_some();
            violations.push((start, stands_until(last), known, worst, ongoing));
        } else {
            pending |= ongoing;
        }
    }

    let is_young = times[0] - first > staleness;
    let began = if is_young { times[0] } else { first };
    let coverage = |start: i64, end: i64| {
        let stood: i64 = (times.iter())
            .map(|time| (stands_until(*time) - (*time).max(start)).max(0))
            .sum();
        let present = end - start.max(began);
        billionths(if present > 0 {
            stood as f64 / present as f64
        } else {
            0.0
        })
    };
    const LENGTHS: [i64; 3] = [3_600, 10_800, 43_200];
    let windows = LENGTHS.map(|length| {
        let start = as_of - length;
        let inside: Vec<_> = times.iter().filter(|time| **time > start).collect();
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
            coverage(start, as_of),
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
    let silence = (!stands_now).then(|| {
        let covered = LENGTHS.map(|length| coverage(as_of - length, stands_until(newest)));
        (newest + staleness, until_silent, covered)
    });
    Some(Reading {
        state,
        violations,
        windows,
        silence,
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
        windows: [windows.one_hour, windows.three_hours, windows.twelve_hours].map(|counts| {
            (
                counts.violations as usize,
                counts.out_of_range_samples as usize,
                counts.seconds as i64,
                counts.observed_samples as usize,
                billionths(counts.coverage),
            )
        }),
        silence: judgement.silence.map(|silence| {
            let WindowCoverage {
                one_hour,
                three_hours,
                twelve_hours,
            } = silence.coverage;
            let covered = [one_hour, three_hours, twelve_hours].map(billionths);
            (seconds(silence.since), silence.state, covered)
        }),
    }
}
