use std::time::Duration;

use super::STALENESS;
use crate::{
    series::Sample,
    time::{Span, Timestamp, Window},
};

/// The samples as an evaluation sees them: NaN is dropped first, then they are sorted by time, and of several at one
/// time the one read last counts.
pub fn clean(mut samples: Vec<Sample>) -> Vec<Sample> {
    samples.retain(|sample| !sample.value.is_nan());
    samples.sort_by_key(|sample| sample.time);
    samples.dedup_by(|later, kept| {
        let twins = later.time == kept.time;
        if twins {
            *kept = *later;
        }
        twins
    });
    samples
}

/// What an evaluation at `as_of` reads for an objective held for `hold`: `(as_of - 12h - hold - 5m, as_of]`.
pub fn read_range(hold: Duration, as_of: Timestamp) -> Span {
    Span {
        start: as_of - Window::TwelveHours.length() - hold - STALENESS,
        end: as_of,
    }
}

/// The clean samples in `(start, end]`.
pub fn within(samples: &[Sample], range: Span) -> &[Sample] {
    let after = |time: Timestamp| samples.partition_point(|sample| sample.time <= time);
    samples
        .get(after(range.start)..after(range.end))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, sample};
    use super::*;

    #[test]
    fn nan_is_dropped_before_twins_are_resolved() {
        let read = vec![sample(10, 1.0), sample(10, f64::NAN)];
        assert_eq!(clean(read), [sample(10, 1.0)]);
    }

    #[test]
    fn of_three_values_at_one_time_the_one_read_last_counts() {
        let read = [(20, 5.0), (10, 1.0), (20, 7.0), (10, 3.0), (10, 2.0)];
        let read = read.map(|(time, value)| sample(time, value)).to_vec();
        assert_eq!(clean(read), [sample(10, 2.0), sample(20, 7.0)]);
    }

    #[test]
    fn infinities_are_values() {
        let read = vec![sample(10, f64::INFINITY), sample(11, f64::NEG_INFINITY)];
        assert_eq!(clean(read.clone()), read);
    }

    #[test]
    fn the_range_is_as_long_as_the_objective_needs() {
        let range = read_range(Duration::from_secs(60), at(100_000));
        assert_eq!(range.start, at(100_000 - 12 * 3_600 - 60 - 300));
        assert_eq!(range.end, at(100_000));
    }

    #[test]
    fn a_range_excludes_its_start_and_includes_its_end() {
        let samples = [10, 20, 30, 40].map(|time| sample(time, 0.0));
        let range = |start, end| Span {
            start: at(start),
            end: at(end),
        };
        for (start, end, expected) in [
            (10, 30, 1..3),
            (0, 100, 0..4),
            (40, 50, 4..4),
            (0, 9, 0..0),
            (30, 10, 0..0),
        ] {
            assert_eq!(within(&samples, range(start, end)), &samples[expected]);
        }
    }
}
