//! The Dickey-Fuller regression: fast where its normal equations are well conditioned, by reflections where not.

use super::{
    columns::Columns,
    normal_equations::{self, Symmetric},
    reflections,
};
use crate::Reason;

/// Normal equations square the condition of the columns: a digit of the answer is lost for each of the smallest
/// pivot's. Below this one, the regressors or the response are taken by reflections instead, which do not.
const WELL_CONDITIONED: f64 = 1e-5;
/// A regressor whose squared sine with those before it is below this is a combination of them, as far as floats tell.
const SMALLEST_PIVOT: f64 = 1e-18;

/// A regression of the differences on a constant, perhaps a trend, the level and lagged differences, solved.
pub(super) struct Regression {
    /// How many rows it has.
    pub(super) rows: usize,
    /// The response along each orthogonalised regressor, in units of its own length.
    pub(super) projections: Vec<f64>,
    /// What no regressor explains, in units of the response's squared length.
    pub(super) unexplained: f64,
    /// The response's squared length.
    pub(super) response: f64,
}

/// The response's row of a triangular factor and the smallest pivot, both of columns of length 1.
pub(super) struct Factor {
    /// The response's row: its part along each regressor, then its rest.
    pub(super) response: Vec<f64>,
    /// The smallest pivot of a regressor: the squared sine between it and those before it.
    pub(super) smallest_pivot: f64,
}

impl Regression {
    /// Solves for the columns. `rounding` is how far the values may be off: residuals that small are no noise.
    ///
    /// # Errors
    ///
    /// [`Reason::Degenerate`] if a regressor is a combination of others, or nothing is left to explain.
    pub(super) fn fit(columns: &Columns<'_>, rounding: f64) -> Result<Self, Reason> {
        let products = normal_equations::of(columns);
        let response = products.at(products.size - 1, products.size - 1);
        let mut row = factor(columns, &products)?.response;
        let rest = row.pop().unwrap_or(0.0);
        let unexplained = rest * rest;
        let rows = columns.rows();
        if unexplained * response <= rows as f64 * rounding * rounding {
            return Err(Reason::Degenerate);
        }
        Ok(Self {
            rows,
            projections: row,
            unexplained,
            response,
        })
    }
}

fn factor(columns: &Columns<'_>, products: &Symmetric) -> Result<Factor, Reason> {
    let quick = products.cholesky();
    if let Some(quick) = quick
        && quick.smallest_pivot >= WELL_CONDITIONED
        && quick
            .response
            .last()
            .is_some_and(|rest| rest * rest >= WELL_CONDITIONED)
    {
        return Ok(quick);
    }
    let careful = reflections::factor(columns).ok_or(Reason::Degenerate)?;
    if careful.smallest_pivot < SMALLEST_PIVOT {
        return Err(Reason::Degenerate);
    }
    Ok(careful)
}
