//! When a replay evaluates a series, so that it leaves what runs would have left.
//!
//! A run judges a series while one of its samples lies in what it reads, which is `reach`: 12 h, `for` and 5 m. So runs
//! judge a series from `reach` before its first sample on, and until `reach` after its last one. Between those an evaluation
//! each 12 h says what evaluations each minute say: see [`History`](super::History).

use std::time::Duration;

use crate::{
    series::Sample,
    time::{Span, Timestamp},
};

const INSTANT: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// When an objective that reads `reach` is evaluated on a series in a replay of `span`, in order.
///
/// At both ends, as soon as the series is there or is there again, and as long after its last sample as runs judge it.
/// `samples`: the clean ones in `(span.start - reach, span.end]`.
pub fn replayed_at(samples: &[Sample], reach: Duration, span: Span) -> Vec<Timestamp> {
    let mut times = vec![span.start, span.end];
    for (place, sample) in samples.iter().enumerate() {
        let before = place.checked_sub(1).map(|place| samples[place].time);
        if before.is_none_or(|before| before + reach <= sample.time) {
            let at = sample.time.floor_to_second();
            times.push(if at < sample.time { at + SECOND } else { at });
        }
        let last = sample.time + reach - INSTANT;
        let after = samples.get(place + 1).map(|after| after.time);
        if after.is_none_or(|after| after > last) {
            times.push(last.floor_to_second());
        }
    }
    times.retain(|time| *time >= span.start && *time <= span.end);
    times.sort_unstable();
    times.dedup();
    times
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluation::{
        History, clean, evaluate, read_range,
        tests::{at, objective, sample},
    };

    const HOUR: i64 = 3_600;

    #[test]
    fn a_series_is_evaluated_when_it_comes_and_when_it_is_forgotten() {
        let reach = Duration::from_secs(13 * 3_600);
        let span = Span {
            start: at(20 * HOUR),
            end: at(32 * HOUR),
        };
        let times = |samples: &[i64]| {
            let samples: Vec<Sample> = samples.iter().map(|time| sample(*time, 1.0)).collect();
            replayed_at(&samples, reach, span)
        };
        let ends = [span.start, span.end];
        assert_eq!(times(&[]), ends);
        // Always there: the last sample is remembered beyond the end.
        assert_eq!(times(&[15 * HOUR, 25 * HOUR, 31 * HOUR]), ends);
        // It came in the middle, and its last sample was forgotten there.
        assert_eq!(times(&[25 * HOUR]), [span.start, at(25 * HOUR), span.end]);
        let forgotten = at(23 * HOUR - 1);
        assert_eq!(times(&[10 * HOUR]), [span.start, forgotten, span.end]);
        // Both.
        let back = [span.start, forgotten, at(30 * HOUR), span.end];
        assert_eq!(times(&[10 * HOUR, 30 * HOUR]), back);
    }

    /// Samples each minute or so, with silences of minutes, hours and more than a day.
    fn samples() -> impl Strategy<Value = Vec<Sample>> {
        let step = prop_oneof![
            40 => Just(60_i64), 4 => Just(240), 2 => Just(20 * 60),
            1 => Just(3 * HOUR), 1 => Just(13 * HOUR), 1 => Just(30 * HOUR),
        ];
        let one = (step, prop_oneof![3 => Just(1.0), 1 => Just(9.0)]);
        prop::collection::vec(one, 1..400).prop_map(|steps| {
            let mut time = 20 * HOUR;
            let samples = steps.into_iter().map(|(step, value)| {
                time += step;
                sample(time, value)
            });
            clean(samples.collect())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Pieces from the newest to the oldest, which begin anywhere, and some of which are done twice, leave what runs left.
        #[test]
        fn a_replay_leaves_what_runs_leave(
            samples in samples(),
            cuts in prop::collection::vec(0..600_i64, 0..12),
            twice in any::<u64>(),
        ) {
            let objective = objective(None, Some(5.0), 60);
            let range = read_range(objective.hold, at(30 * HOUR));
            let reach = range.length();
            let last = samples.last().map_or(at(0), |sample| sample.time);
            let (from, to) = (at(20 * HOUR), last.floor_to_second() + Duration::from_secs(3_600));
            let judge = |history: &mut History, as_of: Timestamp| {
                let range = read_range(objective.hold, as_of);
                let read = crate::evaluation::within(&samples, range);
                history.record(&evaluate(&objective, read, crate::evaluation::STALENESS, as_of));
            };
            // Runs each 10 minutes, and where a replay looks besides.
            let whole = Span { start: from, end: to };
            let mut times = replayed_at(&samples, reach, whole);
            let mut time = from;
            while time < to {
                times.push(time);
                time = time + Duration::from_secs(600);
            }
            times.sort_unstable();
            let mut of_runs = History::default();
            for as_of in times {
                judge(&mut of_runs, as_of);
            }
            // Pieces of at most 12 h, cut where it pleases.
            let mut ends = vec![to];
            let mut cuts = cuts.into_iter();
            while let Some(end) = ends.last().copied().filter(|end| *end > from) {
                let minutes = cuts.next().map_or(720, |cut| cut + 1);
                ends.push((end - Duration::from_secs(60 * minutes as u64)).max(from));
            }
            let mut replayed = History::default();
            for (number, ends) in ends.windows(2).enumerate() {
                let piece = Span { start: ends[1], end: ends[0] };
                let times = if twice >> (number % 64) & 1 == 1 { 2 } else { 1 };
                for _ in 0..times {
                    let range = Span { start: piece.start - reach, end: piece.end };
                    let read = crate::evaluation::within(&samples, range);
                    for as_of in replayed_at(read, reach, piece) {
                        judge(&mut replayed, as_of);
                    }
                }
            }
            prop_assert_eq!(replayed, of_runs);
        }
    }
}
