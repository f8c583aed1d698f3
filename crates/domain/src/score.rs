//! How good a forecast was, once its horizon is over: a pure function of what was said and what came.
//!
//! With `y_k` the sample that stands at step k: the point is judged by its mean absolute error, next to that of the last
//! value; the quantiles by the pinball loss (Koenker and Bassett 1978), `max(q (y - f), (q - 1) (y - f))`, the mean over the
//! 2.5 %, 50 % and 97.5 % quantiles and the steps; the bands by whether they hold what came.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    finding::{Finding, finite},
    forecast::{Baseline, Forecast, Interval, PathPoint},
    series::Sample,
    time::Timestamp,
};

/// Why a forecast has no scores: of its steps too few have a sample.
pub const FEW_SAMPLES: &str = "few_samples";
/// Why a forecast has no scores: its series has no sample in what the run reads.
pub const NO_SERIES: &str = "no_series";
/// Why a forecast has no scores: its metric is asked for no more.
pub const UNKNOWN_METRIC: &str = "unknown_metric";
/// Why a forecast has no scores: no run came within 11 h of it.
pub const OUT_OF_REACH: &str = "out_of_reach";
/// Why a forecast has no scores: it is stored no more.
pub const FORECAST_GONE: &str = "forecast_gone";

/// The scores of one forecast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// How many steps the forecast has.
    pub steps: u64,
    /// How many of them have a sample, at least 80 %. The rest is over these.
    pub observed: u64,
    /// How many samples are within the 95 % band of their step.
    pub inside_band: u64,
    /// Whether the smallest sample is in the interval of the smallest value.
    pub min_inside: bool,
    /// Whether the greatest sample is in the interval of the greatest value.
    pub max_inside: bool,
    /// Whether the samples' mean is in the interval of the average.
    pub average_inside: bool,
    /// The pinball loss of the model's quantiles, in the metric's unit, whether or not they were published.
    pub pinball: f64,
    /// The mean absolute error of the model's point forecast, in the metric's unit, whether or not it was published.
    pub mae: f64,
    /// That of the last value before the forecast; `None` where it was not kept.
    pub mae_last_value: Option<f64>,
    /// The pinball loss of the quantiles of the 12 h before the forecast; `None` where they were not kept.
    pub pinball_climatology: Option<f64>,
}

/// Scores what `forecast` said at `forecast_as_of`.
///
/// `samples` are the clean ones that a run at `as_of` reads, each of which stands for at most `staleness`; infinite ones
/// count as missing. The same samples up to the end of the horizon give the same scores, whatever run it is.
pub fn score(
    forecast: &Forecast,
    forecast_as_of: Timestamp,
    samples: &[Sample],
    staleness: Duration,
    as_of: Timestamp,
) -> Finding<Scores> {
    if !is_within_reach(forecast_as_of, as_of) {
        return Finding::unknown(OUT_OF_REACH);
    }
    let came: Vec<(&PathPoint, f64)> = forecast
        .path
        .iter()
        .filter_map(|point| Some((point, value_at(samples, staleness, point.time)?)))
        .collect();
    if came.is_empty() || 5 * came.len() < 4 * forecast.path.len() {
        return Finding::unknown(FEW_SAMPLES);
    }
    let scores = scores(forecast, &came);
    let numbers = [
        Some(scores.pinball),
        Some(scores.mae),
        scores.mae_last_value,
    ];
    // Values near the greatest number may differ by more than the greatest number.
    if numbers.into_iter().flatten().all(f64::is_finite) {
        Finding::Known(scores)
    } else {
        Finding::unknown("not_finite")
    }
}

/// What the probabilities of an objective were worth: what was said next to what happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reliability {
    /// The mean probability.
    pub said: f64,
    /// The share of the forecasts after which a violation happened.
    pub happened: f64,
    /// How many forecasts there are.
    pub forecasts: u64,
    /// On how many 10-minute spans of the clock they fall: horizons that overlap count once.
    pub independent: u64,
    /// After how many of them a violation happened, at least 5.
    pub events: u64,
}

/// Why there is no [`Reliability`]: a violation happened less than 5 times.
pub const FEW_EVENTS: &str = "few_events";
const FEWEST_EVENTS: u64 = 5;

impl Reliability {
    /// That of forecasts whose probabilities sum to `said`; with fewer than 5 events nothing can be said.
    pub fn of(said: f64, forecasts: u64, independent: u64, events: u64) -> Finding<Self> {
        if events < FEWEST_EVENTS {
            return Finding::unknown(FEW_EVENTS);
        }
        let count = forecasts as f64;
        Finding::Known(Self {
            said: said / count,
            happened: events as f64 / count,
            forecasts,
            independent,
            events,
        })
    }
}

/// A run reads at least 12 h and 5 min, an objective looks back for up to 1 h and 5 min before its forecast.
const REACH: Duration = Duration::from_secs(11 * 3600);

/// Whether a run at `as_of` reads all that a forecast made at `forecast_as_of` is scored by.
pub fn is_within_reach(forecast_as_of: Timestamp, as_of: Timestamp) -> bool {
    as_of.since(forecast_as_of) <= REACH
}

/// The value that stands at `time`; `None` where none does or it is infinite.
fn value_at(samples: &[Sample], staleness: Duration, time: Timestamp) -> Option<f64> {
    let position = samples.partition_point(|sample| sample.time <= time);
    let newest = samples.get(position.checked_sub(1)?)?;
    (time.since(newest.time) < staleness)
        .then_some(newest.value)
        .and_then(finite)
}

fn scores(forecast: &Forecast, came: &[(&PathPoint, f64)]) -> Scores {
    let count = came.len() as f64;
    let mean = |of: &dyn Fn(usize, &PathPoint, f64) -> f64| -> f64 {
        let terms = came.iter().enumerate();
        terms
            .map(|(k, (point, value))| of(k, point, *value) / count)
            .sum()
    };
    let error_of = |said: f64| mean(&|_, _, value| (value - said).abs());
    let (min, max) = came
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), came| {
            (min.min(came.1), max.max(came.1))
        });
    let Baseline {
        last_value,
        climatology,
        model_mean,
        model_bands,
    } = forecast.baseline.clone().unwrap_or_default();
    // Where something else is published instead of what the model says, the model's is kept beside.
    let step = |point: &PathPoint| {
        let mut path = forecast.path.iter();
        path.position(|other| other.time == point.time)
    };
    let own_point = |point: &PathPoint| {
        let kept = model_mean.as_ref().zip(step(point));
        let kept = kept.and_then(|(kept, step)| kept.get(step));
        kept.copied().unwrap_or(point.mean)
    };
    let own_bands = |point: &PathPoint| {
        let kept = model_bands.as_ref().zip(step(point));
        let kept = kept.and_then(|(kept, step)| kept.get(step));
        kept.copied()
            .unwrap_or([point.lower, point.median, point.upper])
    };
    let inside =
        |interval: Interval, value: f64| (interval.lower..=interval.upper).contains(&value);
    Scores {
        steps: forecast.path.len() as u64,
        observed: came.len() as u64,
        inside_band: came
            .iter()
            .filter(|(point, value)| (point.lower..=point.upper).contains(value))
            .count() as u64,
        min_inside: inside(forecast.intervals.min, min),
        max_inside: inside(forecast.intervals.max, max),
        average_inside: inside(forecast.intervals.average, mean(&|_, _, value| value)),
        pinball: mean(&|_, point, value| pinball(own_bands(point), value)),
        mae: mean(&|_, point, value| (value - own_point(point)).abs()),
        mae_last_value: last_value.map(error_of),
        pinball_climatology: climatology
            .map(|quantiles| mean(&|_, _, value| pinball(quantiles, value))),
    }
}

/// The mean pinball loss of the 2.5 %, 50 % and 97.5 % quantiles.
fn pinball(quantiles: [f64; 3], value: f64) -> f64 {
    let loss = |(share, said): (f64, f64)| {
        let over = value - said;
        (share * over).max((share - 1.0) * over)
    };
    [0.025, 0.5, 0.975]
        .into_iter()
        .zip(quantiles)
        .map(loss)
        .sum::<f64>()
        / 3.0
}

#[cfg(test)]
mod tests;
