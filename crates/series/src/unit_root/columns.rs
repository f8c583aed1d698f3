//! The columns of the Dickey-Fuller regression.

use std::ops::Range;

use super::{Deterministic, normal_equations::Interior};
use crate::moments::around_zero;

/// Where the level stands among the regressors.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum LevelPosition {
    /// Before the lagged differences: every shorter regression is then a prefix of the longest.
    BeforeLags,
    /// After them: its t statistic is then read off the last pivot.
    Last,
}

/// A constant, perhaps a trend, the level, lagged differences, and the response (the difference of lag 0), which is
/// last: in the rows that have `lags` lagged differences.
pub(super) struct Columns<'a> {
    /// One longer than the differences.
    pub(super) levels: &'a [f64],
    pub(super) differences: &'a [f64],
    /// Of the differences, for at least so many lags.
    pub(super) interior: Option<&'a Interior>,
    pub(super) lags: usize,
    pub(super) deterministic: Deterministic,
    pub(super) position: LevelPosition,
}

impl Columns<'_> {
    pub(super) fn rows(&self) -> usize {
        self.differences.len() - self.lags
    }

    /// How many columns there are, the response among them.
    pub(super) fn count(&self) -> usize {
        self.deterministic.columns() + self.lags + 2
    }

    /// The index of the level.
    pub(super) fn level_at(&self) -> usize {
        match self.position {
            LevelPosition::BeforeLags => self.deterministic.columns(),
            LevelPosition::Last => self.deterministic.columns() + self.lags,
        }
    }

    /// The index of a lagged difference.
    pub(super) fn lag_at(&self, lag: usize) -> usize {
        match (lag, self.position) {
            (0, _) => self.count() - 1,
            (lag, LevelPosition::BeforeLags) => self.deterministic.columns() + lag,
            (lag, LevelPosition::Last) => self.deterministic.columns() + lag - 1,
        }
    }

    /// The level in each row.
    pub(super) fn level(&self) -> &[f64] {
        &self.levels[self.lags..self.differences.len()]
    }

    /// A lagged difference in each row.
    pub(super) fn lagged(&self, lag: usize) -> &[f64] {
        &self.differences[self.lags - lag..self.differences.len() - lag]
    }

    /// The trend in each row.
    pub(super) fn trend(&self) -> Vec<f64> {
        around_zero(self.rows())
    }

    /// Some rows of every column, in order.
    pub(super) fn block(&self, rows: Range<usize>) -> Vec<Vec<f64>> {
        let mut all = vec![Vec::new(); self.count()];
        all[0] = vec![1.0; rows.len()];
        if self.deterministic == Deterministic::Trend {
            all[1] = rows.clone().map(|row| self.trend_in(row)).collect();
        }
        all[self.level_at()] = self.level()[rows.clone()].to_vec();
        for lag in 0..=self.lags {
            all[self.lag_at(lag)] = self.lagged(lag)[rows.clone()].to_vec();
        }
        all
    }

    /// The trend in a row, around zero.
    fn trend_in(&self, row: usize) -> f64 {
        row as f64 - (self.rows() as f64 - 1.0) / 2.0
    }
}
