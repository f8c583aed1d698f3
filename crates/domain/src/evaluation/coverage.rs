use std::time::Duration;

use super::{Validity, within};
use crate::{series::Sample, time::Span};

/// The share of `span` during which one of the clean `samples` stands, 0 to 1.
///
/// Samples before the span count as far as they stand into it, samples after it do not. 0 for an empty span.
pub fn coverage<'a>(samples: &[Sample], validity: impl Into<Validity<'a>>, span: Span) -> f64 {
    let validity = validity.into();
    let reach = Span {
        start: span.start - validity.staleness,
        end: span.end,
    };
    let samples = within(samples, reach);
    let missing = gaps(samples, validity, span).map(|gap| gap.length()).sum();
    share_covered(span, missing)
}

/// The share of `span` that is left after the time `missing` from it.
pub(super) fn share_covered(span: Span, missing: Duration) -> f64 {
    let length = span.length();
    if length.is_zero() {
        return 0.0;
    }
    length.saturating_sub(missing).as_millis() as f64 / length.as_millis() as f64
}

/// The maximal parts of `[start, end)` in which none of the clean samples stands, in order; samples stand to the end
/// of the span at most.
pub(super) fn gaps<'a>(
    samples: &'a [Sample],
    validity: Validity<'a>,
    span: Span,
) -> impl Iterator<Item = Span> + 'a {
    let starts = std::iter::once(span.start).chain(validity.ends(samples, span.end));
    let ends = samples.iter().map(|sample| sample.time);
    starts
        .zip(ends.chain(std::iter::once(span.end)))
        .map(move |(start, end)| Span { start, end }.intersection(span))
        .filter(|gap| gap.start < gap.end)
}

#[cfg(test)]
mod tests {
    use super::super::{
        STALENESS,
        tests::{sample, span},
    };
    use super::*;

    fn check(times: &[i64], window: (i64, i64), expected: f64) {
        let samples: Vec<_> = times.iter().map(|time| sample(*time, 0.0)).collect();
        let found = coverage(&samples, STALENESS, span(window.0, window.1));
        assert!((found - expected).abs() < 1e-15, "{times:?}: {found}");
    }

    #[test]
    fn coverage_is_the_share_of_the_window_during_which_a_sample_stands() {
        check(&[], (0, 1_000), 0.0);
        check(&[0], (0, 1_000), 0.3);
        check(&[0, 100], (0, 1_000), 0.4);
        check(&[0, 300, 600, 900], (0, 1_000), 1.0);
        check(&[0, 301], (0, 1_000), 0.6);
        check(&[900], (0, 1_000), 0.1);
        check(&[1_000], (0, 1_000), 0.0);
        check(&[1_001], (0, 1_000), 0.0);
    }

    #[test]
    fn a_sample_before_the_window_stands_into_it() {
        check(&[-100], (0, 1_000), 0.2);
        check(&[-300], (0, 1_000), 0.0);
        check(&[-5_000, -299], (0, 1_000), 0.001);
    }

    #[test]
    fn an_empty_window_has_no_coverage() {
        check(&[0], (10, 10), 0.0);
    }

    #[test]
    fn gaps_are_where_no_sample_stands() {
        let samples = [100, 400, 800].map(|time| sample(time, 0.0));
        let found: Vec<_> = gaps(&samples, STALENESS.into(), span(0, 2_000)).collect();
        assert_eq!(found, [span(0, 100), span(700, 800), span(1_100, 2_000)]);
    }
}
