//! The normal equations of the Dickey-Fuller regression, built from lag products and solved by one Cholesky
//! factorisation.
//!
//! The columns are shifts of one series. So the matrix of their products needs one sum a lag, plus what two columns
//! do not share at both ends: terms that are added, never subtracted, so nothing cancels.

use super::{Deterministic, columns::Columns, regression::Factor};
use crate::products::{dot, lagged};

/// A symmetric matrix.
pub(super) struct Symmetric {
    pub(super) size: usize,
    cells: Vec<f64>,
}

impl Symmetric {
    fn zeros(size: usize) -> Self {
        Self {
            size,
            cells: vec![0.0; size * size],
        }
    }

    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.size + column]
    }

    fn set(&mut self, row: usize, column: usize, value: f64) {
        self.cells[row * self.size + column] = value;
        self.cells[column * self.size + row] = value;
    }

    /// The Cholesky factor of the matrix scaled to a unit diagonal; `None` if a column is zero or a pivot not
    /// positive.
    pub(super) fn cholesky(&self) -> Option<Factor> {
        let size = self.size;
        let mut scales = Vec::with_capacity(size);
        for column in 0..size {
            let length = self.at(column, column).sqrt();
            if !length.is_normal() {
                return None;
            }
            scales.push(1.0 / length);
        }
        let mut smallest_pivot = f64::INFINITY;
        let mut lower = vec![0.0; size * size];
        for row in 0..size {
            for column in 0..row {
                let scaled = self.at(row, column) * scales[row] * scales[column];
                let known = dot(
                    &lower[row * size..][..column],
                    &lower[column * size..][..column],
                );
                lower[row * size + column] = (scaled - known) / lower[column * size + column];
            }
            let known = &lower[row * size..][..row];
            let pivot = 1.0 - dot(known, known);
            if row + 1 < size {
                smallest_pivot = smallest_pivot.min(pivot);
                if pivot <= 0.0 {
                    return None;
                }
            }
            lower[row * size + row] = pivot.max(0.0).sqrt();
        }
        Some(Factor {
            response: lower.split_off((size - 1) * size),
            smallest_pivot,
        })
    }
}

/// All products of the columns, in their order.
pub(super) fn of(columns: &Columns<'_>) -> Symmetric {
    let &Columns {
        levels,
        differences,
        lags,
        ..
    } = columns;
    let end = differences.len();
    let level = columns.level_at();
    let level_values = columns.level();
    let mut products = Symmetric::zeros(columns.count());

    let shifts = difference_products(differences, lags);
    for first in 0..=lags {
        for second in first..=lags {
            let (row, column) = (columns.lag_at(first), columns.lag_at(second));
            products.set(row, column, shifts.at(first, second));
        }
    }
    let level_products = lagged(&levels[..end], differences, lags, end, lags);
    for (lag, product) in level_products.into_iter().enumerate() {
        products.set(level, columns.lag_at(lag), product);
    }
    products.set(level, level, dot(level_values, level_values));

    products.set(0, 0, columns.rows() as f64);
    products.set(0, level, level_values.iter().sum());
    let mut sum: f64 = columns.lagged(0).iter().sum();
    products.set(0, columns.lag_at(0), sum);
    for lag in 1..=lags {
        sum += differences[lags - lag] - differences[end - lag];
        products.set(0, columns.lag_at(lag), sum);
    }
    if columns.deterministic == Deterministic::Trend {
        let trend = columns.trend();
        products.set(1, 1, dot(&trend, &trend));
        products.set(1, level, dot(&trend, level_values));
        for lag in 0..=lags {
            products.set(1, columns.lag_at(lag), dot(&trend, columns.lagged(lag)));
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
