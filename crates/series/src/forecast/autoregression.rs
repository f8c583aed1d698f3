//! Autoregressive forecasts from many moments of one series at once.

use super::origins::Table;
use crate::products::autoproducts;

/// An autoregression.
pub(super) struct Autoregression {
    /// Lag 1 first.
    pub(super) coefficients: Vec<f64>,
    /// The mean squared error one step ahead.
    pub(super) variance: f64,
}

/// Fits an autoregression to centred values: the Yule-Walker equations (Yule 1927, Walker 1931) solved by Levinson's
/// recursion (Durbin 1960). It has fewer coefficients than `order` where nothing is left to explain, and is stable, so that
/// no forecast explodes.
pub(super) fn fit(centred: &[f64], order: usize) -> Autoregression {
    let products = autoproducts(centred, order.min(centred.len() - 1));
    let mut coefficients: Vec<f64> = Vec::with_capacity(order);
    let mut unexplained = products[0];
    for lag in 1..products.len() {
        if unexplained <= 1e-12 * products[0] {
            break;
        }
        let known: f64 = coefficients
            .iter()
            .zip(products[1..lag].iter().rev())
            .map(|(coefficient, product)| coefficient * product)
            .sum();
        let reflection = (products[lag] - known) / unexplained;
        let reversed: Vec<f64> = coefficients.iter().rev().copied().collect();
        for (coefficient, mirrored) in coefficients.iter_mut().zip(reversed) {
            *coefficient -= reflection * mirrored;
        }
        coefficients.push(reflection);
        unexplained *= 1.0 - reflection * reflection;
    }
    Autoregression {
        coefficients,
        variance: unexplained.max(0.0) / centred.len() as f64,
    }
}

/// What the autoregression says at each moment; every one has at least as many values before it as there are
/// coefficients.
pub(super) fn forecasts(
    centred: &[f64],
    coefficients: &[f64],
    origins: &[usize],
    steps: usize,
) -> Table {
    let order = coefficients.len();
    let columns = origins.len();
    // The values before each moment, one row a lag, farthest first; what is forecast goes on below them.
    let mut cells = Vec::with_capacity((order + steps) * columns);
    for lag in (1..=order).rev() {
        cells.extend(origins.iter().map(|origin| centred[origin - lag]));
    }
    cells.resize((order + steps) * columns, 0.0);
    for row in order..order + steps {
        let (before, from_here) = cells.split_at_mut(row * columns);
        let known = &before[(row - order) * columns..];
        say(known, coefficients, &mut from_here[..columns]);
    }
    cells.drain(..order * columns);
    Table::new(columns, cells)
}

/// The sum of the rows before, newest last, each times its coefficient.
fn say(known: &[f64], coefficients: &[f64], row: &mut [f64]) {
    /// So many sums stay in registers.
    const LANES: usize = 16;
    let columns = row.len();
    let (blocks, rest) = row.as_chunks_mut::<LANES>();
    let rest_at = columns - rest.len();
    for (block, sums) in blocks.iter_mut().enumerate() {
        for (earlier, coefficient) in known.chunks_exact(columns).rev().zip(coefficients) {
            let earlier = &earlier[block * LANES..][..LANES];
            for (sum, earlier) in sums.iter_mut().zip(earlier) {
                *sum += coefficient * earlier;
            }
        }
    }
    for (earlier, coefficient) in known.chunks_exact(columns).rev().zip(coefficients) {
        for (sum, earlier) in rest.iter_mut().zip(&earlier[rest_at..]) {
            *sum += coefficient * earlier;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decay_is_continued() {
        // A series that halves at every step, long enough that its end is all but zero.
        let values: Vec<f64> = (0..40).map(|t| 0.5_f64.powi(t)).collect();
        let coefficients = fit(&values, 1).coefficients;
        assert!((coefficients[0] - 0.5).abs() < 1e-9);
        let table = forecasts(&values, &coefficients, &[4, 8], 3);
        for step in 0..3 {
            for (said, origin) in table.row(step).iter().zip([4, 8]) {
                assert!((said - values[origin + step]).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn nothing_to_explain_has_no_coefficients() {
        assert!(fit(&[0.0; 30], 5).coefficients.is_empty());
    }
}
