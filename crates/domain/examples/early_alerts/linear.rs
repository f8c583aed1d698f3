//! `predict_linear`, as Prometheus 3 works it out.

use std::time::Duration;

use domain::{Sample, Span, Timestamp, evaluation::within};

/// `predict_linear(series[range], ahead)` at `at`: the line of least squares through the samples in `(at - range, at]`, `ahead`
/// after `at`. `None` with fewer than two samples.
///
/// Prometheus sums `x`, `y`, `x y` and `x x` up with Kahan's correction; taking the means away first needs none.
pub(crate) fn predict_linear(
    samples: &[Sample],
    range: Duration,
    ahead: Duration,
    at: Timestamp,
) -> Option<f64> {
    let range = Span {
        start: at - range,
        end: at,
    };
    let samples = within(samples, range);
    if samples.len() < 2 {
        return None;
    }
    let seconds = |sample: &Sample| (sample.time.millis() - at.millis()) as f64 / 1000.0;
    let mean = |of: &dyn Fn(&Sample) -> f64| -> f64 {
        samples.iter().map(of).sum::<f64>() / samples.len() as f64
    };
    let (time, value) = (mean(&seconds), mean(&|sample| sample.value));
    let covariance = mean(&|sample| (seconds(sample) - time) * (sample.value - value));
    let variance = mean(&|sample| (seconds(sample) - time).powi(2));
    Some(value + covariance / variance * (ahead.as_secs_f64() - time))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;
    const DIGITS: [f64; 32] = [
        3., 1., 4., 1., 5., 9., 2., 6., 5., 3., 5., 8., 9., 7., 9., 3., 2., 3., 8., 4., 6., 2., 6.,
        4., 3., 3., 8., 3., 2., 7., 9., 5.,
    ];
    const WITH_GAPS: [f64; 22] = [
        3., 1., 4., NAN, NAN, 9., 2., 6., NAN, 3., 5., 8., NAN, 7., 9., 3., 2., 3., 8., NAN, 6., 2.,
    ];

    fn at(seconds: u64) -> Timestamp {
        Timestamp::EPOCH + Duration::from_secs(seconds)
    }

    /// `predict_linear(values[minutes], 600)` of a value a minute, `seconds` after the first one.
    fn check(values: &[f64], minutes: u64, seconds: u64, expected: Option<f64>) {
        let samples = values.iter().enumerate();
        let samples = samples.filter(|(_, value)| !value.is_nan());
        let samples: Vec<Sample> = samples
            .map(|(minute, value)| Sample {
                time: at(60 * minute as u64),
                value: *value,
            })
            .collect();
        let range = Duration::from_secs(60 * minutes);
        let found = predict_linear(&samples, range, Duration::from_secs(600), at(seconds));
        match (found, expected) {
            (Some(found), Some(expected)) => {
                let error = (found - expected).abs();
                assert!(error < 1e-13 * expected.abs(), "{found}, not {expected}");
            }
            _ => assert_eq!(found, expected),
        }
    }

    /// The numbers are those of `promtool test rules` 2.42, whose range of 899 s holds what `[15m]` of Prometheus 3 does.
    #[test]
    fn it_is_what_prometheus_says() {
        check(&DIGITS, 15, 1_860, Some(6.3845238095238095));
        check(&DIGITS, 15, 1_230, Some(6.083333333333333));
        check(&WITH_GAPS, 15, 1_260, Some(3.1730844029560483));
        check(&WITH_GAPS, 15, 1_400, Some(2.8706064117419823));
        check(&[7.0; 41], 15, 1_800, Some(7.0));
        let counter: Vec<f64> = (0..81)
            .map(|minute| 1e6 + 8.0 * f64::from(minute))
            .collect();
        check(&counter, 60, 4_200, Some(1_000_640.0));
    }

    #[test]
    fn one_sample_makes_no_line() {
        check(&DIGITS[..1], 15, 60, None);
        check(&DIGITS, 15, 1_860 + 14 * 60, None);
        check(&DIGITS, 15, 1_860 + 13 * 60, Some(-87.0));
        check(&[], 15, 60, None);
    }
}
