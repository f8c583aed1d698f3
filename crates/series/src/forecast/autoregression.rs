//! Autoregressive forecasts from many moments of one series at once.

use super::origins::Table;
use crate::products::autoproducts;

/// The coefficients, lag 1 first, of an autoregression of centred values: the Yule-Walker equations (Yule 1927, Walker
/// 1931) solved by Levinson's recursion (Durbin 1960). Fewer than `order` where nothing is left to explain. The fitted
/// model is stable, so that no forecast explodes.
pub(super) fn fit(centred: &[f64], order: usize) -> Vec<f64> {
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
    coefficients
}

/// What the autoregression says at each moment; every one has at least as many values before it as there are
/// coefficients.
pub(super) fn forecasts(
    centred: &[f64],
    coefficients: &[f64],
    origins: &[usize],
    steps: usize,
) -> Table {
    let mut table = Table::zeros(steps, origins.len());
    for step in 0..steps {
        let (before, row) = table.split(step);
        for (lag, coefficient) in (1..).zip(coefficients) {
            if lag <= step {
                for (value, earlier) in row.iter_mut().zip(before.row(step - lag)) {
                    *value += coefficient * earlier;
                }
            } else {
                for (value, &origin) in row.iter_mut().zip(origins) {
                    *value += coefficient * centred[origin + step - lag];
                }
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decay_is_continued() {
        // A series that halves at every step, long enough that its end is all but zero.
        let values: Vec<f64> = (0..40).map(|t| 0.5_f64.powi(t)).collect();
        let coefficients = fit(&values, 1);
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
        assert!(fit(&[0.0; 30], 5).is_empty());
    }
}
