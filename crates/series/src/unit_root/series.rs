//! What the regressions of one series share.

use super::{
    Deterministic,
    columns::{Columns, LevelPosition},
    normal_equations::Interior,
    regression::Regression,
};
use crate::{
    Reason,
    moments::{centred, detrend, mean},
};

/// Residuals within this share of the greatest value are rounding: two neighbours, each off by one digit.
const ROUNDING: f64 = 2.0 * f64::EPSILON;

/// The differences of a series less their mean, and what regressions on them have in common.
pub(super) struct Differences {
    values: Vec<f64>,
    interior: Option<Interior>,
}

impl Differences {
    /// For regressions of up to so many lags. Of the values themselves: neighbours differ exactly, their distances from a
    /// line do not.
    pub(super) fn of(values: &[f64], lags: usize) -> Self {
        let mut values: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let drift = mean(&values);
        for difference in &mut values {
            *difference -= drift;
        }
        Self {
            interior: Interior::of(&values, lags),
            values,
        }
    }
}

/// What the regressions take their columns from: the series less what the deterministic regressors explain anyway. They
/// are in every regression, so that this changes no statistic, and near a steep line it saves the digits.
pub(super) struct Series<'a> {
    levels: Vec<f64>,
    differences: &'a Differences,
    pub(super) deterministic: Deterministic,
    /// How far a value may be off.
    rounding: f64,
}

impl<'a> Series<'a> {
    pub(super) fn of(
        values: &[f64],
        differences: &'a Differences,
        deterministic: Deterministic,
    ) -> Self {
        let mut levels = centred(values);
        if deterministic == Deterministic::Trend {
            detrend(&mut levels);
        }
        let greatest = values
            .iter()
            .fold(0.0_f64, |max, value| max.max(value.abs()));
        Self {
            levels,
            differences,
            deterministic,
            rounding: ROUNDING * greatest,
        }
    }

    pub(super) fn fit(&self, lags: usize, position: LevelPosition) -> Result<Regression, Reason> {
        let columns = Columns {
            levels: &self.levels,
            differences: &self.differences.values,
            interior: self.differences.interior.as_ref(),
            lags,
            deterministic: self.deterministic,
            position,
        };
        Regression::fit(&columns, self.rounding)
    }
}
