//! The autocorrelation function, its bounds and the Ljung-Box test.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::{
    Reason,
    moments::{centred, rescaled},
    products::autoproducts,
    reason::refuse_unusable,
};

/// How many lags are computed unless asked otherwise (fewer for a series that has no more).
pub const DEFAULT_LAGS: usize = 40;
/// The 97.5 % quantile of the standard normal distribution.
const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// How a series follows itself, by lag.
#[derive(Clone, Debug, PartialEq)]
pub struct Autocorrelation {
    /// The autocorrelation from lag 0 (which is 1), each in -1 to 1.
    pub values: Vec<f64>,
    /// The lower 95 % bound around each value (Bartlett).
    pub lower: Vec<f64>,
    /// The upper 95 % bound around each value (Bartlett).
    pub upper: Vec<f64>,
    /// The Ljung-Box statistic of all lags up to this one, from lag 1.
    pub q: Vec<f64>,
    /// The p-value of each statistic, 0 to 1, from lag 1: small if some autocorrelation differs from zero.
    pub p: Vec<f64>,
}

impl Autocorrelation {
    /// How many leading lags differ from zero, their bounds taken into account: how long the series remembers.
    pub fn memory_lags(&self) -> usize {
        self.lower
            .iter()
            .zip(&self.upper)
            .skip(1)
            .take_while(|(lower, upper)| **lower > 0.0 || **upper < 0.0)
            .count()
    }
}

/// The biased autocorrelation function of a complete series.
///
/// `r_k = sum (x_t - m)(x_{t-k} - m) / sum (x_t - m)^2` (Box and Jenkins 1976, ch. 2), with `lags` lags: by default
/// [`DEFAULT_LAGS`], never more than n - 1. The bounds are Bartlett's (1946), `1.96 sqrt((1 + 2 sum r_i^2) / n)` over
/// the smaller lags `i`; the statistic is `Q_k = n (n + 2) sum r_i^2 / (n - i)`, chi-square with k degrees of freedom
/// (Ljung and Box 1978).
///
/// # Errors
///
/// [`Reason::TooShort`] below four values, [`Reason::NotFinite`], [`Reason::Constant`].
pub fn autocorrelation(values: &[f64], lags: Option<usize>) -> Result<Autocorrelation, Reason> {
    refuse_unusable(values)?;
    let lags = lags.unwrap_or(DEFAULT_LAGS).min(values.len() - 1);
    let (values, _) = rescaled(values);
    let deviations = centred(&values);
    let products = autoproducts(&deviations, lags);
    let variance = products[0];
    if variance <= 0.0 {
        return Err(Reason::Constant);
    }
    let values = products
        .iter()
        .map(|product| (product / variance).clamp(-1.0, 1.0))
        .collect();
    Ok(with_bounds(values, deviations.len() as f64))
}

fn with_bounds(values: Vec<f64>, n: f64) -> Autocorrelation {
    let lags = values.len() - 1;
    let mut found = Autocorrelation {
        lower: Vec::with_capacity(lags + 1),
        upper: Vec::with_capacity(lags + 1),
        q: Vec::with_capacity(lags),
        p: Vec::with_capacity(lags),
        values,
    };
    let mut squares = 0.0;
    let mut ljung_box = 0.0;
    for (lag, &value) in found.values.iter().enumerate() {
        let half_width = if lag == 0 {
            0.0
        } else {
            NORMAL_QUANTILE * ((1.0 + 2.0 * squares) / n).sqrt()
        };
        found.lower.push(value - half_width);
        found.upper.push(value + half_width);
        if lag > 0 {
            squares += value * value;
            ljung_box += value * value / (n - lag as f64);
            let q = n * (n + 2.0) * ljung_box;
            found.q.push(q);
            found.p.push(chi_square_tail(lag, q));
        }
    }
    found
}

/// The probability that a chi-square variable with that many degrees of freedom, at least one, exceeds `q`.
fn chi_square_tail(degrees: usize, q: f64) -> f64 {
    ChiSquared::new(degrees as f64).map_or(f64::NAN, |distribution| distribution.sf(q))
}
