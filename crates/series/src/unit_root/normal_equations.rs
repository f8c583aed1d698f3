//! The normal equations of the Dickey-Fuller regression, built from lag products and solved by one Cholesky
//! factorisation.
//!
//! The columns are shifts of one series. So the matrix of their products needs one sum a lag, plus what two columns
//! do not share at both ends: terms that are added, never subtracted, so nothing cancels. The level and the trend are
//! sums of what is known already: what their products with a difference one lag earlier are follows from its own.

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

/// The sums of `d[u] d[u - k]` for `u` in `from..end - from`, `k` in `0..=from`: what regressions of up to so many lags on
/// the differences `d` have in common.
pub(super) struct Interior {
    from: usize,
    sums: Vec<f64>,
}

impl Interior {
    /// `None` where the regressions have next to nothing in common.
    pub(super) fn of(differences: &[f64], lags: usize) -> Option<Self> {
        let end = differences.len();
        let from = lags.max(2);
        (end > 2 * from).then(|| Self {
            from,
            sums: lagged(differences, differences, from, end - from, from),
        })
    }

    /// The sums of `d[u] d[u - k]` for `u` in `start..end`, which lie before and after the interior's ends.
    fn extended(&self, differences: &[f64], apart: usize, start: usize, end: usize) -> f64 {
        let term = |at: usize| differences[at] * differences[at - apart];
        let head: f64 = (start..self.from).map(term).sum();
        let tail: f64 = (differences.len() - self.from..end).map(term).sum();
        self.sums[apart] + head + tail
    }
}

/// All products of the columns, in their order.
pub(super) fn of(columns: &Columns<'_>) -> Symmetric {
    let &Columns {
        levels,
        differences,
        interior,
        lags,
        ..
    } = columns;
    let end = differences.len();
    let level = columns.level_at();
    let level_values = columns.level();
    let mut products = Symmetric::zeros(columns.count());

    let shifts = difference_products(differences, interior, lags);
    for first in 0..=lags {
        for second in first..=lags {
            let (row, column) = (columns.lag_at(first), columns.lag_at(second));
            products.set(row, column, shifts.at(first, second));
        }
    }
    // The sums of the differences at each lag without those of the last two rows, which the columns do not share.
    let sums = sliding_sums(differences, lags, end - 2);
    let level_products = match interior {
        Some(interior) => {
            let drift = (levels[end] - levels[0]) / end as f64;
            let changes = (0..lags)
                .zip(&sums)
                .map(|(lag, sum)| interior.extended(differences, lag, lags, end - 2) + drift * sum);
            products_with_lags(level_values, differences, changes)
        }
        None => lagged(&levels[..end], differences, lags, end, lags),
    };
    for (lag, product) in level_products.into_iter().enumerate() {
        products.set(level, columns.lag_at(lag), product);
    }
    products.set(level, level, dot(level_values, level_values));

    products.set(0, 0, columns.rows() as f64);
    products.set(0, level, level_values.iter().sum());
    for (lag, sum) in sliding_sums(differences, lags, end).into_iter().enumerate() {
        products.set(0, columns.lag_at(lag), sum);
    }
    if columns.deterministic == Deterministic::Trend {
        let trend = columns.trend();
        products.set(1, 1, dot(&trend, &trend));
        products.set(1, level, dot(&trend, level_values));
        let trend_products = match interior {
            Some(_) => products_with_lags(&trend, differences, sums[..lags].iter().copied()),
            None => (0..=lags)
                .map(|lag| dot(&trend, columns.lagged(lag)))
                .collect(),
        };
        for (lag, product) in trend_products.into_iter().enumerate() {
            products.set(1, columns.lag_at(lag), product);
        }
    }
    products
}

/// The sums of the differences from index `lags` to `end`, and of those that are one, two, ... up to `lags` earlier.
fn sliding_sums(differences: &[f64], lags: usize, end: usize) -> Vec<f64> {
    let mut sum: f64 = differences[lags..end].iter().sum();
    let mut sums = vec![sum];
    for lag in 1..=lags {
        sum += differences[lags - lag] - differences[end - lag];
        sums.push(sum);
    }
    sums
}

/// The products of a column, of at least two rows, with the differences at each lag, the greatest of which is the number of
/// `changes`: these are, at each lag, the products of the column's own changes, from each row to the next but without the last
/// two rows.
///
/// With `c` the column and `r + 1` its last row, the sum of `c[t + 1] d[t - k]` is that of `c[t] d[t - k]` and
/// `(c[t + 1] - c[t]) d[t - k]`. The last row is left out and added at the end: the differences of the regressors do not go
/// as far as that of the response, which may be far greater.
fn products_with_lags(
    column: &[f64],
    differences: &[f64],
    changes: impl ExactSizeIterator<Item = f64>,
) -> Vec<f64> {
    let (lags, end) = (changes.len(), differences.len());
    let [first, .., before_last, last] = *column else {
        return (0..=lags)
            .map(|lag| dot(column, &differences[lags - lag..]))
            .collect();
    };
    let mut sum = dot(&column[..column.len() - 1], &differences[lags..end - 1]);
    let mut products = vec![sum + last * differences[end - 1]];
    for (lag, change) in (1..).zip(changes) {
        sum -= before_last * differences[end - 1 - lag];
        sum += change + first * differences[lags - lag];
        products.push(sum + last * differences[end - 1 - lag]);
    }
    products
}

/// The products of the differences shifted by 0 to `lags`, over the rows that all of them have.
fn difference_products(differences: &[f64], interior: Option<&Interior>, lags: usize) -> Symmetric {
    let end = differences.len();
    let mut products = Symmetric::zeros(lags + 1);
    let Some(interior) = interior else {
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
    };
    // The product of shifts i and i + k is the sum of d[u] d[u - k] for u from lags - i to end - i. All of a diagonal
    // share those of the greatest i, without the first of them; i adds the last i terms before these, and some after them.
    let mut tails = vec![0.0; lags + 1];
    for apart in 0..=lags {
        let pairs = lags - apart;
        let term = |at: usize| differences[at] * differences[at - apart];
        let mut tail = interior.extended(differences, apart, lags, end - pairs);
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
            products.set(first, first + apart, head + tail);
        }
    }
    products
}
