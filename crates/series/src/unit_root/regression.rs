//! The normal equations of the Dickey-Fuller regression, built from lag products and solved by one Cholesky
//! factorisation.
//!
//! The columns are shifts of one series. So the matrix of their products needs one sum a lag, plus what two columns
//! do not share at both ends: terms that are added, never subtracted, so nothing cancels.

use super::Deterministic;
use crate::{
    Reason,
    products::{dot, lagged},
};

/// A regressor whose scaled pivot is below this is a combination of those before it.
const SMALLEST_PIVOT: f64 = 1e-10;

/// Where the level stands among the regressors.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum LevelPosition {
    /// Before the lagged differences: every shorter regression is then a prefix of the longest.
    BeforeLags,
    /// After them: its t statistic is then read off the last pivot.
    Last,
}

/// A regression of the differences on a constant, perhaps a trend, the level and lagged differences, factorised.
pub(super) struct Regression {
    /// How many rows it has.
    pub(super) rows: usize,
    /// The response's row of the factor, without its diagonal: the response along each orthogonalised regressor, in
    /// units of its own length.
    pub(super) projections: Vec<f64>,
    /// What no regressor explains, in units of the response's squared length.
    pub(super) unexplained: f64,
    /// The response's squared length.
    pub(super) response: f64,
}

impl Regression {
    /// Fits the rows that have `lags` lagged differences. `levels` is centred and one longer than `differences`.
    pub(super) fn fit(
        levels: &[f64],
        differences: &[f64],
        lags: usize,
        deterministic: Deterministic,
        position: LevelPosition,
    ) -> Result<Self, Reason> {
        let products = normal_equations(levels, differences, lags, deterministic, position);
        let size = products.size;
        let response = products.at(size - 1, size - 1);
        let mut last_row = cholesky(&products)?;
        let length = last_row.pop().unwrap_or(0.0);
        Ok(Self {
            rows: differences.len() - lags,
            projections: last_row,
            unexplained: length * length,
            response,
        })
    }
}

/// A symmetric matrix.
struct Symmetric {
    size: usize,
    cells: Vec<f64>,
}

impl Symmetric {
    fn zeros(size: usize) -> Self {
        Self {
            size,
            cells: vec![0.0; size * size],
        }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.size + column]
    }

    fn set(&mut self, row: usize, column: usize, value: f64) {
        self.cells[row * self.size + column] = value;
        self.cells[column * self.size + row] = value;
    }
}

/// All products of the columns constant, trend, level and lagged differences, in the order asked for, and the
/// response (the difference of lag 0), which is last.
fn normal_equations(
    levels: &[f64],
    differences: &[f64],
    lags: usize,
    deterministic: Deterministic,
    position: LevelPosition,
) -> Symmetric {
    let end = differences.len();
    let rows = end - lags;
    let fixed = deterministic.columns();
    let size = fixed + lags + 2;
    let level = match position {
        LevelPosition::BeforeLags => fixed,
        LevelPosition::Last => fixed + lags,
    };
    let column = |lag: usize| match (lag, position) {
        (0, _) => size - 1,
        (lag, LevelPosition::BeforeLags) => fixed + lag,
        (lag, LevelPosition::Last) => fixed + lag - 1,
    };
    let mut products = Symmetric::zeros(size);

    let shifts = difference_products(differences, lags);
    for first in 0..=lags {
        for second in first..=lags {
            products.set(column(first), column(second), shifts.at(first, second));
        }
    }
    let level_values = &levels[lags..end];
    let level_products = lagged(&levels[..end], differences, lags, end, lags);
    for (lag, product) in level_products.into_iter().enumerate() {
        products.set(level, column(lag), product);
    }
    products.set(level, level, dot(level_values, level_values));

    products.set(0, 0, rows as f64);
    products.set(0, level, level_values.iter().sum());
    for lag in 0..=lags {
        // A sum of differences telescopes.
        products.set(0, column(lag), levels[end - lag] - levels[lags - lag]);
    }
    if deterministic == Deterministic::Trend {
        let middle = (rows as f64 - 1.0) / 2.0;
        let trend: Vec<f64> = (0..rows).map(|row| row as f64 - middle).collect();
        products.set(1, 1, dot(&trend, &trend));
        products.set(1, level, dot(&trend, level_values));
        for lag in 0..=lags {
            products.set(
                1,
                column(lag),
                dot(&trend, &differences[lags - lag..end - lag]),
            );
        }
    }
    products
}

/// The products of the differences shifted by 0 to `lags`, over the rows that all of them have.
fn difference_products(differences: &[f64], lags: usize) -> Symmetric {
    let end = differences.len();
    let mut products = Symmetric::zeros(lags + 1);
    if end < 2 * lags + 1 {
        for first in 0..=lags {
            for second in first..=lags {
                let product = dot(
                    &differences[lags - first..end - first],
                    &differences[lags - second..end - second],
                );
                products.set(first, second, product);
            }
        }
        return products;
    }
    // The product of shifts i and i + k is the sum of d[u] d[u - k] for u from lags - i to end - i. All of a diagonal
    // share the interior lags..end - lags; i adds the last i terms before it, and all but the last i after it.
    let interiors = lagged(differences, differences, lags, end - lags, lags);
    let mut tails = vec![0.0; lags + 1];
    for (apart, interior) in interiors.into_iter().enumerate() {
        let pairs = lags - apart;
        let term = |at: usize| differences[at] * differences[at - apart];
        let mut tail: f64 = (end - lags..end - pairs).map(term).sum();
        tails[pairs] = tail;
        for first in (0..pairs).rev() {
            tail += term(end - 1 - first);
            tails[first] = tail;
        }
        let mut head = 0.0;
        for (first, tail) in tails[..=pairs].iter().enumerate() {
            if first > 0 {
                head += term(lags - first);
            }
            products.set(first, first + apart, interior + head + tail);
        }
    }
    products
}

/// The last row of the Cholesky factor of the matrix scaled to a unit diagonal.
fn cholesky(products: &Symmetric) -> Result<Vec<f64>, Reason> {
    let size = products.size;
    let mut scales = Vec::with_capacity(size);
    for column in 0..size {
        let length = products.at(column, column).sqrt();
        if !length.is_normal() {
            return Err(Reason::Degenerate);
        }
        scales.push(1.0 / length);
    }
    let mut lower = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..=row {
            let scaled = products.at(row, column) * scales[row] * scales[column];
            let known = dot(
                &lower[row * size..][..column],
                &lower[column * size..][..column],
            );
            let rest = scaled - known;
            lower[row * size + column] = if row != column {
                rest / lower[column * size + column]
            } else if row + 1 == size {
                rest.max(0.0).sqrt()
            } else if rest >= SMALLEST_PIVOT {
                rest.sqrt()
            } else {
                return Err(Reason::Degenerate);
            };
        }
    }
    Ok(lower.split_off((size - 1) * size))
}
