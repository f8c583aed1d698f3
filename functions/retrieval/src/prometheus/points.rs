//! The value that a series has at a time.

use std::time::Duration;

use domain::Timestamp;

/// A value and how long it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) time: Timestamp,
    pub(super) value: f64,
    /// So long it is the value, unless another point follows.
    pub(super) counts_for: Duration,
}

/// As long a point counts at least.
pub(super) const LOOKBACK: Duration = Duration::from_secs(300);

/// The value at `time`: that of the newest point at or before it, if that still counts. The points are in the order of time.
pub(super) fn value_at(points: &[Point], time: Timestamp) -> Option<f64> {
    let after = points.partition_point(|point| point.time <= time);
    let newest = points.get(after.checked_sub(1)?)?;
    (time.since(newest.time) <= newest.counts_for).then_some(newest.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_point_is_the_value_while_it_counts() {
        let at = |seconds: i64| Timestamp::from_millis(1000 * seconds).unwrap();
        let point = |seconds, value, counts_for| Point {
            time: at(seconds),
            value,
            counts_for: Duration::from_secs(counts_for),
        };
        let points = [
            point(0, 1.0, 3_600),
            point(4_000, 2.0, 300),
            point(4_300, 3.0, 300),
        ];
        for (seconds, expected) in [
            (-1, None),
            (0, Some(1.0)),
            (3_600, Some(1.0)),
            (3_601, None),
            (4_299, Some(2.0)),
            (4_300, Some(3.0)),
            (4_600, Some(3.0)),
            (4_601, None),
        ] {
            assert_eq!(value_at(&points, at(seconds)), expected, "{seconds}");
        }
        assert_eq!(value_at(&[], at(0)), None);
    }
}
