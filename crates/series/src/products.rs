//! Sums of products, the one expensive thing in correlations and regressions.
//!
//! Independent partial sums in an array let the compiler use vector instructions although addition of floats is not
//! associative; four lags a pass read the series from memory once instead of four times.

/// How many values stay in the first-level cache with their lagged copies.
const BLOCK: usize = 1024;

/// Partial sums of each of four lags: as many as fit into the registers of any 64-bit processor.
const LANES: usize = 4;

/// The dot product over the shorter of two slices.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let length = a.len().min(b.len());
    let (a_blocks, a_rest) = a[..length].as_chunks::<16>();
    let (b_blocks, b_rest) = b[..length].as_chunks::<16>();
    let mut sums = [0.0; 16];
    for (a_block, b_block) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..16 {
            sums[lane] += a_block[lane] * b_block[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    pairwise(&sums) + rest
}

/// The sum of `|a[t] - b[t]|` over two slices of one length.
pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    let (a_blocks, a_rest) = a.as_chunks::<8>();
    let (b_blocks, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..8 {
            sums[lane] += (a[lane] - b[lane]).abs();
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| (a - b).abs());
    pairwise(&sums) + rest.sum::<f64>()
}

/// The sum of `|a[t] - centre|`.
pub(crate) fn spread(a: &[f64], centre: f64) -> f64 {
    let (blocks, rest) = a.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for block in blocks {
        for lane in 0..8 {
            sums[lane] += (block[lane] - centre).abs();
        }
    }
    let rest = rest.iter().map(|value| (value - centre).abs());
    pairwise(&sums) + rest.sum::<f64>()
}

/// The sum of `weights[t] * |a[t] - b[t]|` over three slices of one length.
pub(crate) fn weighted_distance(a: &[f64], b: &[f64], weights: &[f64]) -> f64 {
    let (a_blocks, a_rest) = a.as_chunks::<8>();
    let (b_blocks, b_rest) = b.as_chunks::<8>();
    let (weight_blocks, weights_rest) = weights.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for ((a, b), weights) in a_blocks.iter().zip(b_blocks).zip(weight_blocks) {
        for lane in 0..8 {
            sums[lane] += weights[lane] * (a[lane] - b[lane]).abs();
        }
    }
    let rest = a_rest.iter().zip(b_rest).zip(weights_rest);
    let rest = rest.map(|((a, b), weight)| weight * (a - b).abs());
    pairwise(&sums) + rest.sum::<f64>()
}

/// The sum of rows, each times its weight, in a row of the same length.
pub(crate) fn weighted_sum(rows: &[(f64, &[f64])], sum: &mut [f64]) {
    let length = sum.len();
    let (blocks, rest) = sum.as_chunks_mut::<16>();
    let rest_at = length - rest.len();
    for (block, sum) in blocks.iter_mut().enumerate() {
        let mut sums = [0.0; 16];
        for (weight, row) in rows {
            let values = &row[block * 16..][..16];
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += weight * value;
            }
        }
        *sum = sums;
    }
    for (place, sum) in rest.iter_mut().enumerate() {
        let products = rows
            .iter()
            .map(|(weight, row)| weight * row[rest_at + place]);
        *sum = products.sum();
    }
}

/// `result[k]` = sum of `a[t] * b[t - k]` over `t` in `from..to`, for `k` in `0..=lags`; `lags <= from`, `to` within
/// both slices.
pub(crate) fn lagged(a: &[f64], b: &[f64], from: usize, to: usize, lags: usize) -> Vec<f64> {
    let mut sums = vec![0.0; lags + 1];
    let mut start = from;
    while start < to {
        let end = (start + BLOCK).min(to);
        let block = &a[start..end];
        let mut quads = sums.chunks_exact_mut(4);
        let mut lag = 0;
        for quad in &mut quads {
            let found = four_lags(
                block,
                &b[start - lag..end - lag],
                &b[start - lag - 1..end - lag - 1],
                &b[start - lag - 2..end - lag - 2],
                &b[start - lag - 3..end - lag - 3],
            );
            for (sum, add) in quad.iter_mut().zip(found) {
                *sum += add;
            }
            lag += 4;
        }
        for sum in quads.into_remainder() {
            *sum += dot(block, &b[start - lag..end - lag]);
            lag += 1;
        }
        start = end;
    }
    sums
}

/// The autocovariances times n: `result[k]` = sum of `values[t] * values[t - k]` over all `t >= k`; `lags` is below
/// the length.
pub(crate) fn autoproducts(values: &[f64], lags: usize) -> Vec<f64> {
    let mut sums = lagged(values, values, lags, values.len(), lags);
    for (lag, sum) in sums.iter_mut().enumerate() {
        *sum += dot(&values[lag..lags], &values[..lags - lag]);
    }
    sums
}

fn four_lags(x: &[f64], first: &[f64], second: &[f64], third: &[f64], fourth: &[f64]) -> [f64; 4] {
    let mut sums = [[0.0; LANES]; 4];
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (first, first_rest) = first.as_chunks::<LANES>();
    let (second, second_rest) = second.as_chunks::<LANES>();
    let (third, third_rest) = third.as_chunks::<LANES>();
    let (fourth, fourth_rest) = fourth.as_chunks::<LANES>();
    for ((((x, first), second), third), fourth) in
        x.iter().zip(first).zip(second).zip(third).zip(fourth)
    {
        for lane in 0..LANES {
            sums[0][lane] += x[lane] * first[lane];
            sums[1][lane] += x[lane] * second[lane];
            sums[2][lane] += x[lane] * third[lane];
            sums[3][lane] += x[lane] * fourth[lane];
        }
    }
    let rests = [first_rest, second_rest, third_rest, fourth_rest];
    std::array::from_fn(|lag| {
        let rest: f64 = x_rest.iter().zip(rests[lag]).map(|(a, b)| a * b).sum();
        pairwise(&sums[lag]) + rest
    })
}

/// The sum of a short array, halves added to halves.
fn pairwise<const N: usize>(lanes: &[f64; N]) -> f64 {
    let mut sums = *lanes;
    let mut width = N / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_weighted() {
        let a: Vec<f64> = (0..11).map(f64::from).collect();
        let weights: Vec<f64> = (0..11).map(|t| f64::from(t % 3)).collect();
        // |t - 5| at t = 1, 4, 7, 10 once and at t = 2, 5, 8 twice.
        let sum = weighted_distance(&a, &[5.0; 11], &weights);
        assert!((sum - (12.0 + 2.0 * 6.0)).abs() < 1e-12);
        assert!((distance(&a, &[5.0; 11]) - 30.0).abs() < 1e-12);
        assert!((spread(&a, 5.0) - 30.0).abs() < 1e-12);
    }

    #[test]
    fn rows_are_added_with_their_weights() {
        let row: Vec<f64> = (0..37).map(f64::from).collect();
        let mut sum = vec![9.0; 37];
        weighted_sum(&[(2.0, &row), (-1.0, &[1.0; 37])], &mut sum);
        let expected: Vec<f64> = row.iter().map(|value| 2.0 * value - 1.0).collect();
        assert_eq!(sum, expected);
    }

    #[test]
    fn lagged_sums_are_the_plain_sums() {
        let a: Vec<f64> = (0..2500).map(|i| f64::from(i * 37 % 101) - 50.0).collect();
        let b: Vec<f64> = (0..2500).map(|i| f64::from(i * 53 % 89) - 44.0).collect();
        for (from, to, lags) in [(10, 2500, 10), (43, 2411, 43), (7, 9, 0), (20, 20, 5)] {
            let expected: Vec<f64> = (0..=lags)
                .map(|lag| (from..to).map(|t| a[t] * b[t - lag]).sum())
                .collect();
            assert_eq!(lagged(&a, &b, from, to, lags), expected);
        }
    }
}
