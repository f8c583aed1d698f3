//! Everything about one series in one call.

use std::time::Duration;

use crate::{
    Reason,
    autocorrelation::{Autocorrelation, autocorrelation},
    forecast::{Forecast, Known, forecast_with},
    grid::{Grid, GridOptions},
    period,
    seasonality::{Seasonality, seasonality},
    stationarity::{Stationarity, stationarity},
};

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How far the forecast looks. Default 10 min.
    pub horizon: Duration,
    /// How the samples are put onto a grid.
    pub grid: GridOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            horizon: Duration::from_mins(10),
            grid: GridOptions::default(),
        }
    }
}

/// What is known of one series at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// The step of the grid, seconds.
    pub step_seconds: f64,
    /// The share of the grid points of the window that have a value, 0 to 1.
    pub coverage: f64,
    /// How many samples the statistics ran on: the length of the longest complete stretch.
    pub samples_used: usize,
    /// How the series follows itself.
    pub autocorrelation: Result<Autocorrelation, Reason>,
    /// Whether it stays around one level.
    pub stationarity: Result<Stationarity, Reason>,
    /// Whether it repeats.
    pub seasonality: Result<Seasonality, Reason>,
    /// What it will do: step `k` (from 1) is at `as_of` + `k` steps.
    pub forecast: Result<Forecast, Reason>,
}

/// Analyses the samples (milliseconds since the Unix epoch, value) of one series as of a time.
///
/// The samples may come in any order, with duplicates, gaps, NaN and infinities; see [`Grid`].
pub fn analyse(samples: &[(i64, f64)], as_of_ms: i64, options: &Options) -> Analysis {
    let grid = Grid::new(samples, as_of_ms, &options.grid);
    let step_seconds = grid.step_seconds();
    let stretch = grid.longest_complete();
    let stationarity = stationarity(stretch);
    let seasonality = seasonality(stretch, step_seconds);
    let steps = steps(options.horizon, step_seconds);
    let forecast = steps.and_then(|steps| {
        let recent = grid.recent()?;
        let period = match &seasonality {
            // The usual case: there is no gap, and both look at the same values.
            Ok(found) if recent == stretch => found.period,
            _ => period::detect(&recent),
        };
        let verdict = stationarity.as_ref().map(|found| found.verdict).ok();
        forecast_with(&recent, steps, Known { period, verdict })
    });
    Analysis {
        step_seconds,
        coverage: grid.coverage,
        samples_used: stretch.len(),
        autocorrelation: autocorrelation(stretch, None),
        stationarity,
        seasonality,
        forecast,
    }
}

/// How many whole steps the horizon has, at least one.
///
/// # Errors
///
/// [`Reason::InvalidHorizon`] for a horizon of 0, [`Reason::InvalidStep`] if the step is not a positive number,
/// [`Reason::StepExceedsHorizon`] if the horizon ends before the first step does.
pub fn steps(horizon: Duration, step_seconds: f64) -> Result<usize, Reason> {
    if !(step_seconds > 0.0 && step_seconds.is_finite()) {
        return Err(Reason::InvalidStep);
    }
    if horizon.is_zero() {
        return Err(Reason::InvalidHorizon);
    }
    // A step of a third of a second is not quite one.
    let steps = (horizon.as_secs_f64() / step_seconds + 1e-9).floor();
    if steps < 1.0 {
        return Err(Reason::StepExceedsHorizon);
    }
    Ok(steps as usize)
}
