//! The augmented Dickey-Fuller test: does the series wander for ever?

mod columns;
mod mackinnon;
mod normal_equations;
mod reflections;
mod regression;
mod series;

use std::f64::consts::TAU;

use self::{
    columns::LevelPosition,
    regression::Regression,
    series::{Differences, Series},
};
use crate::{Reason, moments::rescaled, reason::refuse_unusable};

/// The t statistic a last lag needs to stay: the 95 % quantile of the standard normal distribution.
const LAST_LAG_SIGNIFICANCE: f64 = 1.644_853_626_951_472_2;

/// What the series is tested around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deterministic {
    /// A level (`c`).
    #[default]
    Constant,
    /// A straight line (`ct`).
    Trend,
}

impl Deterministic {
    fn columns(self) -> usize {
        match self {
            Self::Constant => 1,
            Self::Trend => 2,
        }
    }
}

/// How many lagged differences the regression gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LagSelection {
    /// The number with the smallest information criterion of Akaike (1974).
    #[default]
    Aic,
    /// The number with the smallest information criterion of Schwarz (1978).
    Bic,
    /// The greatest number whose last lag is significant at 5 % (Ng and Perron 1995).
    TStatistic,
    /// The maximum.
    None,
}

/// The values a statistic must fall below to reject a unit root.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CriticalValues {
    /// At the 1 % level.
    pub one_percent: f64,
    /// At the 5 % level.
    pub five_percent: f64,
    /// At the 10 % level.
    pub ten_percent: f64,
}

/// What the test says. The null hypothesis is a unit root: a small p speaks for stationarity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitRoot {
    /// The t statistic of the level.
    pub statistic: f64,
    /// MacKinnon's approximate p-value, 0 to 1.
    pub pvalue: f64,
    /// How many lagged differences the regression has.
    pub lags: usize,
    /// How many observations it uses.
    pub nobs: usize,
    /// MacKinnon's critical values for that many observations.
    pub critical: CriticalValues,
    /// The criterion of the chosen number of lags (for [`LagSelection::TStatistic`] the last lag's t statistic);
    /// `None` where nothing was chosen.
    pub icbest: Option<f64>,
}

/// Tests a complete series for a unit root.
///
/// The regression is `dx_t = c (+ b t) + g x_{t-1} + sum a_i dx_{t-i} + e_t`; the statistic is the t value of `g`
/// (Said and Dickey 1984), its p-value MacKinnon's (1994), its critical values MacKinnon's (2010). At most `max_lag`
/// lags are tried, by default `12 (n / 100)^(1/4)` rounded up (Schwert 1989), as far as n allows; all are compared on
/// the same rows, ties go to the smaller number, and the winner is fitted again on all rows it can use.
///
/// # Errors
///
/// [`Reason::TooShort`] below four values or where `max_lag` leaves no degree of freedom, [`Reason::NotFinite`],
/// [`Reason::Constant`], [`Reason::Degenerate`] if the regressors depend on each other or leave no more than the rounding
/// of the values.
pub fn adf(
    values: &[f64],
    deterministic: Deterministic,
    selection: LagSelection,
    max_lag: Option<usize>,
) -> Result<UnitRoot, Reason> {
    refuse_unusable(values)?;
    let max_lag = allowed_lags(values.len(), deterministic, max_lag)?;
    let (values, scale) = rescaled(values);
    let differences = Differences::of(&values, max_lag);
    let series = Series::of(&values, &differences, deterministic);
    test(&series, selection, max_lag, scale)
}

/// [`adf`] of a series around a level and around a line, lags by AIC.
pub(crate) fn adf_both(values: &[f64]) -> [Result<UnitRoot, Reason>; 2] {
    let (scaled, scale) = rescaled(values);
    let allowed = |deterministic| {
        refuse_unusable(values)?;
        allowed_lags(values.len(), deterministic, None)
    };
    let both = [Deterministic::Constant, Deterministic::Trend];
    let lags = both.map(allowed);
    let most = lags.iter().flatten().copied().max().unwrap_or(0);
    let differences = Differences::of(&scaled, most);
    let mut lags = lags.into_iter();
    both.map(|deterministic| {
        let max_lag = lags.next().unwrap_or(Err(Reason::TooShort))?;
        let series = Series::of(&scaled, &differences, deterministic);
        test(&series, LagSelection::Aic, max_lag, scale)
    })
}

fn test(
    series: &Series<'_>,
    selection: LagSelection,
    max_lag: usize,
    scale: f64,
) -> Result<UnitRoot, Reason> {
    let deterministic = series.deterministic;
    let (lags, icbest) = if selection == LagSelection::None {
        (max_lag, None)
    } else {
        let longest = series.fit(max_lag, LevelPosition::BeforeLags)?;
        let (lags, criterion) = choose(&longest, max_lag, deterministic, selection, scale);
        (lags, Some(criterion))
    };
    let chosen = series.fit(lags, LevelPosition::Last)?;
    let freedom = chosen.rows as f64 - chosen.projections.len() as f64;
    let level = chosen.projections.last().copied().unwrap_or(f64::NAN);
    let statistic = level / (chosen.unexplained / freedom).sqrt();
    if !statistic.is_finite() || icbest.is_some_and(|criterion| !criterion.is_finite()) {
        return Err(Reason::Degenerate);
    }
    Ok(UnitRoot {
        statistic,
        pvalue: mackinnon::pvalue(statistic, deterministic),
        lags,
        nobs: chosen.rows,
        critical: mackinnon::critical_values(chosen.rows, deterministic),
        icbest,
    })
}

/// The maximum of lags for n values, or the one asked for if n values bear it.
fn allowed_lags(
    n: usize,
    deterministic: Deterministic,
    max_lag: Option<usize>,
) -> Result<usize, Reason> {
    let bearable = (n / 2)
        .checked_sub(deterministic.columns() + 1)
        .ok_or(Reason::TooShort)?;
    match max_lag {
        Some(lags) if lags > bearable => Err(Reason::TooShort),
        Some(lags) => Ok(lags),
        None => {
            let schwert = (12.0 * (n as f64 / 100.0).powf(0.25)).ceil() as usize;
            Ok(schwert.min(bearable))
        }
    }
}

/// The number of lags and its criterion, from the longest regression alone: in orthogonal coordinates the unexplained
/// part of a shorter one is that of the longest plus the squares of the projections it lacks.
fn choose(
    longest: &Regression,
    max_lag: usize,
    deterministic: Deterministic,
    selection: LagSelection,
    scale: f64,
) -> (usize, f64) {
    let fixed = deterministic.columns();
    let rows = longest.rows as f64;
    let mut unexplained = vec![0.0; max_lag + 1];
    let mut sum = longest.unexplained;
    for lags in (0..=max_lag).rev() {
        unexplained[lags] = sum;
        sum += longest.projections[fixed + lags].powi(2);
    }
    let regressors = |lags: usize| (fixed + 1 + lags) as f64;
    if selection == LagSelection::TStatistic {
        let last_lag = |lags: usize| {
            let variance = unexplained[lags] / (rows - regressors(lags));
            (longest.projections[fixed + lags] / variance.sqrt()).abs()
        };
        let significant = (1..=max_lag)
            .rev()
            .find(|&lags| last_lag(lags) >= LAST_LAG_SIGNIFICANCE);
        let lags = significant.unwrap_or(0);
        return (lags, last_lag(lags));
    }
    let penalty = if selection == LagSelection::Bic {
        rows.ln()
    } else {
        2.0
    };
    let mut best = (0, f64::INFINITY);
    for (lags, &unexplained) in unexplained.iter().enumerate() {
        // -2 times the Gaussian log-likelihood; the values may have been scaled by a power of two.
        let variance = (unexplained * longest.response / rows).ln() - 2.0 * scale.ln();
        let criterion = rows * (variance + 1.0 + TAU.ln()) + penalty * regressors(lags);
        if criterion < best.1 {
            best = (lags, criterion);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_degenerate(values: &[f64], deterministic: Deterministic) {
        let found = adf(values, deterministic, LagSelection::Aic, None);
        assert_eq!(found, Err(Reason::Degenerate));
    }

    #[test]
    fn a_perfect_fit_leaves_nothing_to_test() {
        for values in [
            &[1.0, 2.0, 4.0, 8.0, 16.0][..],
            &[10.0, 7.0, 5.5, 4.75, 4.375],
            &[1.0, 2.0, 0.0, 3.0, 0.0, 0.0],
        ] {
            check_degenerate(values, Deterministic::Constant);
        }
    }

    #[test]
    fn the_rounding_of_a_smooth_curve_is_no_noise() {
        let line = |t: f64| 0.1 * t;
        let parabola = |t: f64| t * t / 7.0;
        let wave = |t: f64| 100.0 * (t / 40.0).sin();
        let growth = |t: f64| (t / 100.0).exp();
        let curves: [&dyn Fn(f64) -> f64; 4] = [&line, &parabola, &wave, &growth];
        for length in [64, 720, 2880] {
            for curve in curves {
                let values: Vec<f64> = (0..length).map(|t| curve(f64::from(t))).collect();
                check_degenerate(&values, Deterministic::Constant);
                check_degenerate(&values, Deterministic::Trend);
            }
        }
    }
}
