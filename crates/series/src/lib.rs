//! What a time series is like and what it will do next.
//!
//! Slices of `f64` in, values out: no input or output, no clock, no threads, no random numbers. The same values give
//! the same bytes. One module holds one technique; [`analyse`] runs all of them on the samples of one series.
//!
//! | module | answers |
//! |---|---|
//! | [`summary`] | smallest, greatest and mean value, standard deviation |
//! | [`grid`] | irregular samples at equal distances: order, duplicates, step, coverage |
//! | [`gaps`] | holding, cutting and bridging what is missing |
//! | [`autocorrelation`] | how the series follows itself; is it more than noise? (Ljung-Box) |
//! | [`unit_root`] | does it wander for ever? (augmented Dickey-Fuller) |
//! | [`kpss`] | does it stay around a level or line? |
//! | [`stationarity`] | what these two say together |
//! | [`period`] | does it repeat, and how often? |
//! | [`decomposition`] | trend, season and rest for a period |
//! | [`seasonality`] | period, strengths, slope and one cycle in short |
//! | [`forecast`] | the next steps: a point, bands, and joint paths that answer any question about the horizon |
//!
//! The numbers of the tests are those of statsmodels 0.15, its own rounding at great offsets aside; every formula
//! names its author. What cannot be said has a typed [`Reason`], and no answer holds NaN, with one exception: the
//! trend and rest of a [`decomposition`] are NaN in the first and last half period.
//!
//! # Example
//!
//! Twelve hours of a gauge, read every minute: a cycle of two hours around 50, with some noise. What will it do in
//! the next ten minutes, and how likely is it to pass 58?
//!
//! ```
//! use std::f64::consts::TAU;
//!
//! use series::{Options, analyse};
//!
//! let as_of_ms = 1_764_000_000_000;
//! let samples: Vec<(i64, f64)> = (0..720)
//!     .map(|minute| {
//!         let season = 8.0 * (TAU * minute as f64 / 120.0).sin();
//!         let noise = (43_758.5 * (12.9898 * minute as f64).sin()).fract();
//!         (as_of_ms - (719 - minute) * 60_000, 50.0 + season + noise)
//!     })
//!     .collect();
//!
//! let analysis = analyse(&samples, as_of_ms, &Options::default());
//! assert_eq!((analysis.step_seconds, analysis.samples_used), (60.0, 720));
//!
//! let seasonality = analysis.seasonality?;
//! let period = seasonality.period.expect("the cycle is plain to see");
//! assert!(period.samples.abs_diff(120) <= 1 && period.score > 0.9);
//!
//! let forecast = analysis.forecast?;
//! assert_eq!(forecast.mean.len(), 10);
//! // The last minute ends a cycle; in ten more the sine has risen to half of its height.
//! assert!((forecast.mean[9] - 54.0).abs() < 1.0);
//! assert!(forecast.lower[9] < 54.0 && 54.0 < forecast.upper[9]);
//! // So it may reach 58 within the hour, but not yet.
//! assert!(forecast.probability(None, Some(58.0))? < 0.05);
//! assert!(forecast.probability(None, Some(52.0))? > 0.8);
//! println!("{}: {}", forecast.model.name, forecast.model.why());
//! # Ok::<(), series::Reason>(())
//! ```
//!
//! # Dependencies
//!
//! `statrs` for the tails of the normal and the chi-square distribution, `realfft` for the periodogram, `thiserror` for
//! the reasons.

pub mod summary;

pub mod gaps;
pub mod grid;

pub mod autocorrelation;
pub mod kpss;
pub mod stationarity;
pub mod unit_root;

pub mod decomposition;
pub mod period;
pub mod seasonality;

pub mod analysis;
pub mod forecast;

mod moments;
mod products;
mod reason;

pub use analysis::{Analysis, Options, analyse};
pub use reason::{MIN_SAMPLES, Reason};
