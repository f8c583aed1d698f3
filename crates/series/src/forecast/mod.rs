//! The forecast: a weighted mean of simple models, surrounded by what really followed similar moments of the past.
//!
//! 1. *Candidates.* About 300 past moments are spread over the series, of a long one over its newest 3,000 values. Simple
//!    models (last value, autoregressions with and without a drift, exponential means, median, seasonal ones, a repetition)
//!    forecast from each of them and from the present.
//! 2. *Weights.* A candidate's weight is its mean absolute error at the past moments, relative to the best one's, to the
//!    power of -20; newer moments count more, the very last ones once more, and each eighth of the horizon has weights of
//!    its own. The weighted mean of model forecasts rarely loses against the best model (Bates and Granger 1969).
//! 3. *Paths.* The errors of a model are not the spread of the future; what followed past states like the present one
//!    is (analog forecasting, Lorenz 1969). What followed near moments, all moments and repetitions, moved by gaps between
//!    forecasts or last values or not at all, makes pools of paths.
//! 4. *Shares.* How far each pool is believed is learnt from the past: the shares are those that would have given the best
//!    probabilities to leave usual ranges, unless they differ much from the usual shares for little.
//! 5. *Bands* are weighted quantiles over paths at each step, wider the less of the past is known. *Extremes, average and
//!    probabilities* are taken over whole paths, because the steps of a horizon are not independent of each other.
//!
//! Every path is history, nothing is drawn at random. The constants were chosen on half of a set of server metrics and
//! made series, and the results are flat around them: `examples/accuracy` measures both halves.

mod autoregression;
mod backtest;
mod candidates;
mod continuations;
mod cycles;
mod drift;
mod extremes;
mod horizon;
mod model;
mod moved;
mod origins;
mod pools;
mod quantile;
mod reach;
mod repetition;
mod season;
mod similarity;
mod simple;
mod stack;
mod stacking;

use std::borrow::Cow;

pub use self::model::{Known, Model};
use crate::{
    Reason,
    moments::rescaled,
    period,
    reason::{MIN_SAMPLES, all_finite, is_constant},
};

/// The most steps a horizon may have.
pub const MAX_STEPS: usize = 3_600;

/// What a series will do over a horizon of steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// The point forecast, one value a step.
    pub mean: Vec<f64>,
    /// The 2.5 % quantile of each step, at most the mean.
    pub lower: Vec<f64>,
    /// The 10 % quantile of each step, at most the mean.
    pub lower_80: Vec<f64>,
    /// The 50 % quantile of each step.
    pub median: Vec<f64>,
    /// The 90 % quantile of each step, at least the mean.
    pub upper_80: Vec<f64>,
    /// The 97.5 % quantile of each step, at least the mean.
    pub upper: Vec<f64>,
    /// The smallest value of the horizon.
    pub min: Estimate,
    /// The greatest value of the horizon.
    pub max: Estimate,
    /// The mean value of the horizon.
    pub average: Estimate,
    /// Up to [`MAX_PATHS`] ways the series may go. They are joint: each is one continuation over the whole horizon.
    pub paths: Vec<Path>,
    /// What made it.
    pub model: Model,
}

/// The most paths a forecast keeps.
pub const MAX_PATHS: usize = 200;

/// A quantity of the whole horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Its expected value; for the extremes the median over the paths.
    pub value: f64,
    /// Its 2.5 % quantile over the paths, at most the value.
    pub lower: f64,
    /// Its 97.5 % quantile over the paths, at least the value.
    pub upper: f64,
}

/// One way the series may go.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// One value a step.
    pub values: Vec<f64>,
    /// Its share of the probability, 0 to 1; the shares of a forecast sum to 1.
    pub weight: f64,
}

impl Forecast {
    /// The probability that something happens, given a rule that says of one path whether it does.
    ///
    /// With `w` the weight of the `m` paths the rule accepts it is `(w m + 1/2) / (m + 1)`, `m` being the number of
    /// all paths: no finite number of paths makes an event certain. The future of a constant series is certain, 0 or 1.
    pub fn probability_that(&self, happens: impl Fn(&[f64]) -> bool) -> f64 {
        let weight: f64 = self
            .paths
            .iter()
            .filter(|path| happens(&path.values))
            .map(|path| path.weight)
            .sum();
        if self.model.name == Model::CONSTANT {
            return weight.round();
        }
        let count = self.paths.len() as f64;
        ((weight * count + 0.5) / (count + 1.0)).clamp(0.0, 1.0)
    }

    /// The probability that the series leaves `[min, max]` (inclusive, each bound optional) within the horizon.
    ///
    /// # Errors
    ///
    /// [`Reason::InvalidRange`] if a bound is NaN or the minimum is above the maximum.
    pub fn probability(&self, min: Option<f64>, max: Option<f64>) -> Result<f64, Reason> {
        let min = min.unwrap_or(f64::NEG_INFINITY);
        let max = max.unwrap_or(f64::INFINITY);
        if min.is_nan() || max.is_nan() || min > max {
            return Err(Reason::InvalidRange);
        }
        Ok(self.probability_that(|path| path.iter().any(|value| !(min..=max).contains(value))))
    }

    /// Applies an increasing function to every value.
    fn transform(&mut self, function: impl Fn(f64) -> f64) {
        let steps = [
            &mut self.mean,
            &mut self.lower,
            &mut self.lower_80,
            &mut self.median,
            &mut self.upper_80,
            &mut self.upper,
        ];
        let paths = self.paths.iter_mut().map(|path| &mut path.values);
        for value in steps.into_iter().chain(paths).flatten() {
            *value = function(*value);
        }
        for estimate in [&mut self.min, &mut self.max, &mut self.average] {
            for value in [
                &mut estimate.value,
                &mut estimate.lower,
                &mut estimate.upper,
            ] {
                *value = function(*value);
            }
        }
    }
}

/// Forecasts a complete series `steps` steps ahead; the last value is the present.
///
/// A constant series gets a constant forecast, a short one the last value with the changes of the past around it, any
/// other the stack (see the module). The same values give the same bytes.
///
/// # Errors
///
/// [`Reason::TooShort`] below four values, [`Reason::NotFinite`], [`Reason::InvalidHorizon`] for 0 or more than
/// [`MAX_STEPS`] steps.
pub fn forecast(values: &[f64], steps: usize) -> Result<Forecast, Reason> {
    let known = Known {
        period: period::detect(values),
        verdict: None,
    };
    forecast_with(values, steps, known)
}

/// [`forecast`] with what is already known of the series.
///
/// # Errors
///
/// Those of [`forecast`].
pub fn forecast_with(values: &[f64], steps: usize, known: Known) -> Result<Forecast, Reason> {
    if values.len() < MIN_SAMPLES {
        return Err(Reason::TooShort);
    }
    if !all_finite(values) {
        return Err(Reason::NotFinite);
    }
    if !(1..=MAX_STEPS).contains(&steps) {
        return Err(Reason::InvalidHorizon);
    }
    if is_constant(values) {
        return Ok(simple::constant(values[0], steps));
    }
    let (values, scale) = rescaled(values);
    let mut forecast = stack::forecast(&values, steps, known)
        .unwrap_or_else(|| simple::last_value(&values, steps, known));
    if let Cow::Owned(_) = values {
        forecast.transform(|value| (value / scale).clamp(f64::MIN, f64::MAX));
    }
    Ok(forecast)
}
