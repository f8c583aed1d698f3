//! Window summaries: smallest, greatest and mean value and the sample standard deviation.

use crate::moments::rescaled;

/// A set of values, summarised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How many values there are, at least 1.
    pub samples: usize,
    /// The smallest value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The arithmetic mean; infinite or NaN if a value is infinite.
    pub average: f64,
    /// The sample standard deviation (divided by n - 1); `None` for a single value and where it is not finite.
    pub std: Option<f64>,
}

/// Summarises values; NaN is skipped, and `None` is the answer where nothing is left.
///
/// The variance is the two-pass one, shifted by the mean, with the correction of Chan, Golub and `LeVeque` (1983,
/// eq. 1.7), so that a gauge of bytes at 1e10 with a noise of 1 keeps ten digits.
///
/// ```
/// let summary = series::summary::summarize(&[1.0, 2.0, 4.0]).ok_or("no values")?;
/// assert_eq!((summary.min, summary.max), (1.0, 4.0));
/// assert!((summary.std.unwrap_or(f64::NAN) - (7.0_f64 / 3.0).sqrt()).abs() < 1e-15);
/// # Ok::<(), &'static str>(())
/// ```
pub fn summarize(values: &[f64]) -> Option<Summary> {
    let (scaled, scale) = rescaled(values);
    let known = || scaled.iter().copied().filter(|value| !value.is_nan());
    let samples = known().count();
    let first = known().next()?;
    let (min, max) = values
        .iter()
        .filter(|value| !value.is_nan())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| {
            (min.min(*value), max.max(*value))
        });
    let count = samples as f64;
    let spread = max * scale - min * scale;
    let average = if spread.is_finite() {
        first + known().map(|value| value - first).sum::<f64>() / count
    } else {
        known().sum()
    };
    Some(Summary {
        samples,
        min,
        max,
        // The mean lies between the extremes whatever the rounding did.
        average: (average / scale).clamp(min, max),
        std: deviation(known(), average, count)
            .map(|std| std / scale)
            .filter(|std| std.is_finite()),
    })
}

/// The sample standard deviation of two values or more.
fn deviation(values: impl Iterator<Item = f64>, average: f64, count: f64) -> Option<f64> {
    if count < 2.0 {
        return None;
    }
    let (sum, squares) = values.fold((0.0, 0.0), |(sum, squares), value| {
        let difference = value - average;
        (sum + difference, squares + difference * difference)
    });
    let variance = (squares - sum * sum / count) / (count - 1.0);
    // `max` would make 0 of NaN.
    Some(if variance < 0.0 { 0.0 } else { variance.sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_series_has_no_summary() {
        assert_eq!(summarize(&[]), None);
        assert_eq!(summarize(&[f64::NAN]), None);
    }

    #[test]
    fn one_value_has_no_deviation() {
        let summary = summarize(&[7.0]).unwrap();
        assert_eq!((summary.samples, summary.std), (1, None));
    }

    #[test]
    fn a_gauge_of_bytes_keeps_its_digits() {
        let values: Vec<f64> = (0..1000).map(|i| 1e10 + f64::from(i % 2)).collect();
        let summary = summarize(&values).unwrap();
        assert!((summary.average - (1e10 + 0.5)).abs() < 1e-6);
        let expected = (0.25_f64 * 1000.0 / 999.0).sqrt();
        assert!((summary.std.unwrap() / expected - 1.0).abs() < 1e-10);
    }

    #[test]
    fn infinities_are_values_but_have_no_deviation() {
        let summary = summarize(&[f64::NEG_INFINITY, 1.0, f64::INFINITY]).unwrap();
        assert_eq!(
            (summary.min, summary.max),
            (f64::NEG_INFINITY, f64::INFINITY)
        );
        assert!(summary.average.is_nan() && summary.std.is_none());
        let endless = summarize(&[1.0, f64::INFINITY]).unwrap();
        assert!(endless.average.is_infinite() && endless.std.is_none());
    }

    #[test]
    fn a_deviation_is_told_although_the_spread_overflows() {
        let summary = summarize(&[1e308, f64::NAN, -1e308]).unwrap();
        assert!((summary.std.unwrap() / (2.0_f64.sqrt() * 1e308) - 1.0).abs() < 1e-15);
        assert_eq!((summary.min, summary.max), (-1e308, 1e308));
        let summary = summarize(&[5e-324, 1e-323]).unwrap();
        assert_eq!((summary.min, summary.max), (5e-324, 1e-323));
        assert!(summary.std.unwrap() > 0.0);
    }

    #[test]
    fn the_mean_of_the_greatest_numbers_does_not_overflow() {
        let summary = summarize(&[1.7e308, -1.7e308, 1.7e308, -1.7e308]).unwrap();
        assert!(summary.average.abs() < 1.0 && summary.std.is_none());
    }
}
