//! Trend and season in short: period, strengths, one cycle, slope.

use crate::{
    Reason,
    decomposition::{Decomposition, decompose},
    moments::{centred, mean, rescaled, slope},
    period::{self, Period},
    reason::refuse_unusable,
};

const SECONDS_AN_HOUR: f64 = 3600.0;

/// What repeats in a series and where it is going.
#[derive(Clone, Debug, PartialEq)]
pub struct Seasonality {
    /// The period, if one was found.
    pub period: Option<Period>,
    /// Strength of trend and season; `None` without a period.
    pub strengths: Option<Strengths>,
    /// The least-squares slope of the trend (without a period, of the series), units per hour.
    pub slope_per_hour: f64,
    /// One cycle of the season, around zero, one value a sample, the last one that of the last sample; `None` without
    /// a period.
    pub pattern: Option<Vec<f64>>,
}

/// How much of the series trend and season explain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strengths {
    /// Of the trend, 0 to 1.
    pub trend: f64,
    /// Of the season, 0 to 1.
    pub season: f64,
}

/// Describes trend and season of a complete series with `step_seconds` between its values.
///
/// # Errors
///
/// [`Reason::TooShort`] below four values, [`Reason::NotFinite`], [`Reason::Constant`], [`Reason::InvalidStep`] if the
/// step is not a positive number.
pub fn seasonality(values: &[f64], step_seconds: f64) -> Result<Seasonality, Reason> {
    refuse_unusable(values)?;
    if !(step_seconds > 0.0 && step_seconds.is_finite()) {
        return Err(Reason::InvalidStep);
    }
    let (values, scale) = rescaled(values);
    let period = period::detect(&values);
    let decomposition = period.and_then(|period| decompose(&values, period.samples).ok());
    let slope = match &decomposition {
        Some(decomposition) => slope(&centred(&decomposition.trend[decomposition.inner()])),
        None => slope(&centred(&values)),
    };
    let slope_per_hour = slope / scale * (SECONDS_AN_HOUR / step_seconds);
    if !slope_per_hour.is_finite() {
        return Err(Reason::NotFinite);
    }
    let pattern = decomposition.as_ref().map(|decomposition| {
        let cycle = decomposition.last_cycle().iter();
        cycle
            .map(|value| (value / scale).clamp(f64::MIN, f64::MAX))
            .collect()
    });
    Ok(Seasonality {
        period,
        strengths: decomposition.as_ref().map(strengths),
        slope_per_hour,
        pattern,
    })
}

/// The strengths of trend and season.
///
/// They are `max(0, 1 - Var(R) / Var(C + R))` with `R` the rest and `C` the component (Wang, Smith and Hyndman 2006),
/// over the samples that have a trend. A component that explains nothing of nothing has 0.
pub fn strengths(decomposition: &Decomposition) -> Strengths {
    let inner = decomposition.inner();
    let rest = &decomposition.resid[inner.clone()];
    Strengths {
        trend: strength(&decomposition.trend[inner.clone()], rest),
        season: strength(&decomposition.seasonal[inner], rest),
    }
}

fn strength(component: &[f64], rest: &[f64]) -> f64 {
    let both: Vec<f64> = component.iter().zip(rest).map(|(a, b)| a + b).collect();
    let total = variance(&both);
    if total > 0.0 {
        (1.0 - variance(rest) / total).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / (values.len() as f64 - 1.0)
}
