use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::{WindowCounts, Windows};
use crate::time::{Span, SpanSet, Timestamp, Window, seconds};

/// The counts of the three windows, without the violation time that is excluded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WindowsLeft {
    /// The last hour.
    #[serde(rename = "1h")]
    pub one_hour: CountsLeft,
    /// The last three hours.
    #[serde(rename = "3h")]
    pub three_hours: CountsLeft,
    /// The last twelve hours.
    #[serde(rename = "12h")]
    pub twelve_hours: CountsLeft,
}

/// The counts of a window, without the violation time that is excluded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CountsLeft {
    /// What is left: fewer violations, each of which has time left in the window, and less of their time. Samples and
    /// coverage are all there.
    #[serde(flatten)]
    pub counts: WindowCounts,
    /// The violation time that was taken out, seconds.
    pub excluded_seconds: f64,
}

impl Windows {
    /// What is left of the counts at `as_of`. `violations`: all that end in the last 12 h.
    pub fn without(
        &self,
        excluded: &SpanSet,
        violations: &[Span],
        as_of: Timestamp,
    ) -> WindowsLeft {
        let left = |counts: &WindowCounts, window: Window| {
            let span = Span {
                start: as_of - window.length(),
                end: as_of,
            };
            counts.without(excluded, violations, span)
        };
        WindowsLeft {
            one_hour: left(&self.one_hour, Window::OneHour),
            three_hours: left(&self.three_hours, Window::ThreeHours),
            twelve_hours: left(&self.twelve_hours, Window::TwelveHours),
        }
    }
}

impl WindowCounts {
    fn without(&self, excluded: &SpanSet, violations: &[Span], window: Span) -> CountsLeft {
        let mut taken = Duration::ZERO;
        let mut gone = 0;
        for violation in violations
            .iter()
            .filter(|violation| violation.end > window.start)
        {
            let inside = violation.intersection(window);
            let out = excluded.length_within(inside);
            taken += out;
            // A violation that has just begun has no length yet.
            let is_gone = out == inside.length() && excluded.contains(inside.start);
            gone += u64::from(is_gone);
        }
        let whole = (self.seconds * 1000.0).round() as u64;
        let left = whole.saturating_sub(taken.as_millis() as u64);
        CountsLeft {
            counts: Self {
                violations: self.violations.saturating_sub(gone),
                seconds: seconds(Duration::from_millis(left)),
                ..*self
            },
            excluded_seconds: seconds(taken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, span};
    use super::*;

    const NOW: i64 = 100_000;

    /// Violations and seconds left in the last hour, and the seconds taken out, of these violations.
    fn last_hour(violations: &[Span], excluded: &[Span]) -> (u64, f64, f64) {
        let window = span(NOW - 3_600, NOW);
        let overlaps = violations.iter().map(|violation| violation.overlap(window));
        let counts = WindowCounts {
            violations: violations.len() as u64,
            seconds: seconds(overlaps.sum()),
            observed_samples: 240,
            ..WindowCounts::default()
        };
        let windows = Windows::from_fn(|_| counts);
        let excluded = excluded.iter().copied().collect();
        let left = windows.without(&excluded, violations, at(NOW)).one_hour;
        assert_eq!(left.counts.observed_samples, 240);
        (
            left.counts.violations,
            left.counts.seconds,
            left.excluded_seconds,
        )
    }

    #[test]
    fn a_violation_counts_while_a_second_of_it_is_left() {
        let now = |before: i64| NOW - before;
        let violations = [
            span(now(5_000), now(3_000)),
            span(now(2_000), now(1_900)),
            span(now(100), NOW),
        ];
        for (excluded, expected) in [
            (vec![], (3, 800.0, 0.0)),
            (vec![span(now(2_000), now(1_900))], (2, 700.0, 100.0)),
            (vec![span(now(2_000), now(1_901))], (3, 701.0, 99.0)),
            (
                vec![span(now(2_100), now(1_950)), span(now(1_960), now(1_800))],
                (2, 700.0, 100.0),
            ),
            // In the window nothing of the first one is left.
            (vec![span(now(3_600), now(3_000))], (2, 200.0, 600.0)),
            (vec![span(now(9_000), now(3_600))], (3, 800.0, 0.0)),
            (vec![span(now(9_000), NOW + 10)], (0, 0.0, 800.0)),
        ] {
            let left = last_hour(&violations, &excluded);
            assert_eq!(left, expected, "{excluded:?}");
        }
    }

    #[test]
    fn a_violation_that_has_just_begun_is_gone_in_an_exclusion_alone() {
        let begun = [span(NOW, NOW)];
        assert_eq!(last_hour(&begun, &[span(NOW - 10, NOW + 10)]).0, 0);
        assert_eq!(last_hour(&begun, &[span(NOW - 10, NOW)]).0, 1);
    }
}
