//! Autoregressive forecasts from many moments of one series at once.

use super::{extremes::extremes, origins::Table};
use crate::products::autoproducts;

/// An autoregression.
pub(super) struct Autoregression {
    /// Lag 1 first.
    pub(super) coefficients: Vec<f64>,
    /// The mean squared error one step ahead.
    pub(super) variance: f64,
    /// Its share in the variance of the values.
    pub(super) unexplained: f64,
}

impl Autoregression {
    /// After how many steps it has nothing to say any more.
    ///
    /// With `s^2` the unexplained share and `psi` the responses to an impulse, the variance of a forecast `k` steps ahead
    /// is `1 - s^2 (psi_0^2 + ... + psi_{k-1}^2)` of that of the values (Box and Jenkins 1976, ch. 5).
    fn steps_until_silence(&self, steps: usize) -> usize {
        let mut responses = vec![1.0];
        let mut missed = self.unexplained;
        while responses.len() <= steps && 1.0 - missed > SILENCE {
            let before = responses.iter().rev();
            let response: f64 = before.zip(&self.coefficients).map(|(a, b)| a * b).sum();
            missed += self.unexplained * response * response;
            responses.push(response);
        }
        responses.len() - 1
    }
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
        unexplained: unexplained.max(0.0) / products[0].max(f64::MIN_POSITIVE),
    }
}

/// The moments whose forecasts are made side by side: so many sums stay in registers, and all that is known of so many
/// moments in the first-level cache.
pub(super) const LANES: usize = 24;
/// The autoregression says the mean once the variance of its forecasts is below this share of that of the values.
const SILENCE: f64 = 1e-4;

/// What the autoregression says at each moment; every one has at least as many values before it as there are
/// coefficients. `finish(step, moments, said)` makes the final values of what it said at some of the moments, one step of
/// theirs after the other; what belongs to no moment is at the end and not used.
///
/// Computed in single precision, twice as many moments at once: seven digits of the greatest distance from the mean.
pub(super) fn forecasts(
    centred: &[f64],
    fitted: &Autoregression,
    origins: &[usize],
    steps: usize,
    mut finish: impl FnMut(usize, &[usize], &mut [f64; LANES]),
) -> Table {
    let order = fitted.coefficients.len();
    let speaking = fitted.steps_until_silence(steps);
    let coefficients = fitted.coefficients.iter().map(|value| *value as f32);
    let coefficients: Vec<f32> = coefficients.collect();
    let (least, greatest) = extremes(centred);
    let unit = greatest.max(-least).max(f64::MIN_POSITIVE);
    let values: Vec<f32> = centred.iter().map(|value| (value / unit) as f32).collect();
    let mut table = Table::zeros(steps, origins.len());
    // The values before the moments, the oldest first; what is forecast goes on below them.
    let mut window = vec![[0.0; LANES]; order + speaking];
    let last = origins.len().saturating_sub(LANES);
    for start in (0..origins.len()).step_by(LANES) {
        // The last moments are some of those before again, so that each time there are as many.
        let start = start.min(last);
        let moments = &origins[start..origins.len().min(start + LANES)];
        for (lane, &origin) in moments.iter().enumerate() {
            let known = &values[origin - order..origin];
            for (lanes, known) in window.iter_mut().zip(known) {
                lanes[lane] = *known;
            }
        }
        for step in 0..steps {
            let mut said = [0.0; LANES];
            if step < speaking {
                let (known, new) = window.split_at_mut(order + step);
                new[0] = next(&known[step..], &coefficients);
                said = new[0].map(|said| unit * f64::from(said));
            }
            finish(step, moments, &mut said);
            let row = &mut table.row_mut(step)[start..];
            match row.first_chunk_mut() {
                Some(row) => *row = said,
                None => row.copy_from_slice(&said[..row.len()]),
            }
        }
    }
    table
}

/// The sum of the values before, the newest last, each times its coefficient.
///
/// On its own: beside what makes doubles of the sums, the compiler would use half of each register.
#[inline(never)]
fn next(known: &[[f32; LANES]], coefficients: &[f32]) -> [f32; LANES] {
    let mut sums = [0.0; LANES];
    for (earlier, coefficient) in known.iter().rev().zip(coefficients) {
        for (sum, earlier) in sums.iter_mut().zip(earlier) {
            *sum += coefficient * earlier;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decay_is_continued() {
        // A series that halves at every step, long enough that its end is all but zero.
        let values: Vec<f64> = (0..40).map(|t| 0.5_f64.powi(t)).collect();
        let fitted = fit(&values, 1);
        assert!((fitted.coefficients[0] - 0.5).abs() < 1e-9);
        let table = forecasts(&values, &fitted, &[4, 8], 3, |_, _, _| ());
        for step in 0..3 {
            for (said, origin) in table.row(step).iter().zip([4, 8]) {
                assert!((said - values[origin + step]).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn what_is_forgotten_is_silent() {
        let decaying = |coefficient: f64| Autoregression {
            coefficients: vec![coefficient],
            variance: 1.0,
            unexplained: 1.0 - coefficient * coefficient,
        };
        // The forecasts vary by .5^(2k): .25^6 is above the ten-thousandth, .25^7 is not.
        assert_eq!(decaying(0.5).steps_until_silence(40), 6);
        assert_eq!(decaying(0.99).steps_until_silence(40), 40);
        assert_eq!(decaying(0.0).steps_until_silence(40), 0);
    }

    #[test]
    fn nothing_to_explain_has_no_coefficients() {
        assert!(fit(&[0.0; 30], 5).coefficients.is_empty());
    }
}
