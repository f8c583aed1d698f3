//! Quantiles of weighted values.

use std::cmp::Ordering::Equal;

/// The quantiles of weighted values at the given levels (0 to 1), interpolated between the middles of the weights.
/// Sorts the (value, weight) pairs. No pair: NaN.
pub(super) fn weighted_quantiles<const N: usize>(
    pairs: &mut [(f64, f64)],
    levels: &[f64; N],
) -> [f64; N] {
    if pairs.is_empty() {
        return [f64::NAN; N];
    }
    pairs.sort_unstable_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Equal));
    let total: f64 = pairs.iter().map(|(_, weight)| weight).sum();
    levels.map(|level| at_weight(pairs, level * total))
}

fn at_weight(sorted: &[(f64, f64)], target: f64) -> f64 {
    let mut before = 0.0;
    let mut previous = (sorted[0].0, 0.0);
    for &(value, weight) in sorted {
        let middle = before + 0.5 * weight;
        if middle >= target {
            let share = if middle > previous.1 {
                ((target - previous.1) / (middle - previous.1)).clamp(0.0, 1.0)
            } else {
                1.0
            };
            // Neither rounding nor an overflow of the difference may leave the two neighbours.
            return (previous.0 * (1.0 - share) + value * share)
                .max(previous.0)
                .min(value);
        }
        previous = (value, middle);
        before += weight;
    }
    previous.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_give_the_usual_quantiles() {
        let mut pairs = [(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)];
        let quantiles = weighted_quantiles(&mut pairs, &[0.0, 0.5, 1.0]);
        for (quantile, expected) in quantiles.into_iter().zip([1.0, 2.0, 3.0]) {
            assert!((quantile - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn a_heavy_value_is_the_median() {
        let mut pairs = [(1.0, 0.1), (9.0, 5.0), (2.0, 0.1)];
        let [median] = weighted_quantiles(&mut pairs, &[0.5]);
        assert!((median - 9.0).abs() < 0.5);
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert!(weighted_quantiles(&mut [], &[0.5])[0].is_nan());
    }
}
