//! Means and centring, exact enough for a small noise on a great offset, and safe at both ends of the number range.

use crate::products::dot;

/// The arithmetic mean, shifted by the first value so that a great common offset costs no digit. `values` is not
/// empty.
pub(crate) fn mean(values: &[f64]) -> f64 {
    let Some(&shift) = values.first() else {
        return 0.0;
    };
    let (blocks, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for block in blocks {
        for (sum, value) in sums.iter_mut().zip(block) {
            *sum += value - shift;
        }
    }
    let rest: f64 = rest.iter().map(|value| value - shift).sum();
    shift + (sums.iter().sum::<f64>() + rest) / values.len() as f64
}

/// The values minus their mean, centred twice: the second pass removes what rounding left of the first.
pub(crate) fn centred(values: &[f64]) -> Vec<f64> {
    let centre = mean(values);
    let mut centred: Vec<f64> = values.iter().map(|value| value - centre).collect();
    let rest = mean(&centred);
    for value in &mut centred {
        *value -= rest;
    }
    centred
}

/// The least-squares slope of centred values against their index, per step.
pub(crate) fn slope(centred: &[f64]) -> f64 {
    let count = centred.len() as f64;
    // The sum of squares of 0, ..., n - 1 around their mean is n (n^2 - 1) / 12.
    dot(&around_zero(centred.len()), centred) / (count * (count * count - 1.0) / 12.0)
}

/// The indices of so many values, less their mean.
pub(crate) fn around_zero(count: usize) -> Vec<f64> {
    let middle = (count as f64 - 1.0) / 2.0;
    // Integers of 32 bits become floats two at a time.
    (0..count as u32)
        .map(|index| f64::from(index) - middle)
        .collect()
}

/// Subtracts the least-squares line from centred values.
pub(crate) fn detrend(centred: &mut [f64]) {
    let slope = slope(centred);
    let indices = around_zero(centred.len());
    for (value, index) in centred.iter_mut().zip(indices) {
        *value -= slope * index;
    }
}

/// The power of two that brings values whose squares would overflow or vanish near 1; 1 for all others.
///
/// A power of two changes no digit, so whoever multiplies by it and divides the result again loses nothing.
pub(crate) fn safe_scale(values: &[f64]) -> f64 {
    let largest = greatest(values);
    if largest == 0.0 || (1e-100..1e100).contains(&largest) {
        1.0
    } else {
        let exponent = largest.log2().floor().clamp(-1022.0, 1022.0);
        2.0_f64.powi(-(exponent as i32))
    }
}

/// The greatest absolute value; 0 of none. In eight lanes: one maximum after the other would wait for each.
fn greatest(values: &[f64]) -> f64 {
    let (blocks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0_f64; 8];
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            // NaN is not greater than anything.
            *lane = if value.abs() > *lane {
                value.abs()
            } else {
                *lane
            };
        }
    }
    let rest = rest.iter().map(|value| value.abs());
    lanes.into_iter().chain(rest).fold(0.0, f64::max)
}

/// The values times [`safe_scale`], borrowed where that is 1, and the scale.
pub(crate) fn rescaled(values: &[f64]) -> (std::borrow::Cow<'_, [f64]>, f64) {
    let scale = safe_scale(values);
    if scale.to_bits() == 1.0_f64.to_bits() {
        (values.into(), scale)
    } else {
        (values.iter().map(|value| value * scale).collect(), scale)
    }
}
