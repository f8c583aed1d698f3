//! Classical seasonal decomposition by moving averages.

use std::{borrow::Cow, ops::Range};

use crate::{
    Reason,
    moments::{mean, rescaled},
    reason::MIN_SAMPLES,
};

/// The running sum starts anew this often, so that rounding cannot drift.
const RESTART: usize = 1024;

/// A series as the sum of trend, season and rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Decomposition {
    /// The period, samples.
    pub period: usize,
    /// The trend; NaN in the first and last half period.
    pub trend: Vec<f64>,
    /// The seasonal part: one pattern of mean zero, repeated.
    pub seasonal: Vec<f64>,
    /// What is left; NaN where the trend is.
    pub resid: Vec<f64>,
}

impl Decomposition {
    /// The indices of the samples that have a trend.
    pub fn inner(&self) -> Range<usize> {
        let half = self.period / 2;
        half..self.trend.len() - half
    }

    /// The last whole cycle of the seasonal part, one value a sample; it ends with the series.
    pub fn last_cycle(&self) -> &[f64] {
        &self.seasonal[self.seasonal.len() - self.period..]
    }
}

/// Decomposes a complete series additively: `x = trend + seasonal + resid`.
///
/// The trend is a centred moving average of one period (of an even one, the ends weigh half); the season is the mean
/// of what is left at each phase, less their mean (Macaulay 1931; Kendall and Stuart 1966). A constant series has a
/// constant trend.
///
/// # Errors
///
/// [`Reason::InvalidPeriod`] for a period of 0, [`Reason::TooShort`] below four values or two periods,
/// [`Reason::NotFinite`] where a value or a result is not finite.
pub fn decompose(values: &[f64], period: usize) -> Result<Decomposition, Reason> {
    if period == 0 {
        return Err(Reason::InvalidPeriod);
    }
    let n = values.len();
    if n < MIN_SAMPLES || n / 2 < period {
        return Err(Reason::TooShort);
    }
    // Differences from the mean keep the digits of a small season on a great offset.
    let (scaled, scale) = rescaled(values);
    let offset = mean(&scaled);
    let values: Vec<f64> = scaled.iter().map(|value| value - offset).collect();
    let mut trend = moving_average(&values, period);
    let mut pattern = seasonal_pattern(&values, &trend, period);
    let mut resid: Vec<f64> = values
        .iter()
        .zip(&trend)
        .zip(pattern.iter().cycle())
        .map(|((value, trend), seasonal)| value - trend - seasonal)
        .collect();
    for value in &mut trend {
        *value += offset;
    }
    if let Cow::Owned(_) = scaled {
        for value in trend.iter_mut().chain(&mut pattern).chain(&mut resid) {
            *value /= scale;
        }
    }
    let seasonal: Vec<f64> = pattern.iter().copied().cycle().take(n).collect();
    let found = Decomposition {
        period,
        trend,
        seasonal,
        resid,
    };
    let known = pattern
        .iter()
        .chain(&found.trend[found.inner()])
        .chain(&found.resid[found.inner()]);
    if !known.copied().all(f64::is_finite) {
        return Err(Reason::NotFinite);
    }
    Ok(found)
}

/// The centred moving average over one period, NaN where the period does not fit.
fn moving_average(values: &[f64], period: usize) -> Vec<f64> {
    let n = values.len();
    let half = period / 2;
    let mut averages = vec![f64::NAN; n];
    let mut sum = 0.0;
    for (start, average) in averages[half..n - half].iter_mut().enumerate() {
        let end = start + period;
        if start.is_multiple_of(RESTART) {
            sum = values[start..end].iter().sum();
        } else {
            sum += values[end - 1] - values[start - 1];
        }
        let whole = if period.is_multiple_of(2) {
            sum - 0.5 * values[start] + 0.5 * values[end]
        } else {
            sum
        };
        *average = whole / period as f64;
    }
    averages
}

/// The mean of the detrended values at each phase, less the mean of those means.
fn seasonal_pattern(values: &[f64], trend: &[f64], period: usize) -> Vec<f64> {
    let half = period / 2;
    let inner = half..values.len() - half;
    let mut sums = vec![0.0; period];
    let mut counts = vec![0.0; period];
    let mut phase = half % period;
    for (value, trend) in values[inner.clone()].iter().zip(&trend[inner]) {
        sums[phase] += value - trend;
        counts[phase] += 1.0;
        phase = if phase + 1 == period { 0 } else { phase + 1 };
    }
    let mut pattern: Vec<f64> = sums
        .iter()
        .zip(&counts)
        .map(|(sum, count)| sum / count)
        .collect();
    let mean = pattern.iter().sum::<f64>() / period as f64;
    for value in &mut pattern {
        *value -= mean;
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_numbers_are_decomposed_as_small_ones_are() {
        let small: Vec<f64> = (0..12_i32).map(|t| f64::from(t % 3 - 1)).collect();
        let great: Vec<f64> = small.iter().map(|value| value * 1e308).collect();
        let (small, great) = (decompose(&small, 3).unwrap(), decompose(&great, 3).unwrap());
        for (small, great) in small.seasonal.iter().zip(&great.seasonal) {
            assert!((small - great / 1e308).abs() < 1e-15);
        }
    }
}
