//! An autoregression of differences that grow or fall on average: counters, leaks, disks that fill.

use super::{autoregression, origins::Table};
use crate::moments::mean;

/// A difference that is farther from the median than this many deviations, a reset, counts as that far.
const OUTERMOST: f64 = 4.0;
/// A median absolute deviation is this much smaller than the standard deviation of normal values.
const NORMAL: f64 = 1.4826;
/// The least deviation, in mean absolute ones: most differences of a series may be equal.
const LEAST: f64 = 0.5;
/// About so many differences show what is usual.
const SAMPLED: usize = 720;
/// So many samples for each coefficient, and at least so many coefficients.
const SAMPLES: usize = 20;
const FEWEST: usize = 2;

/// What an autoregression of the season-adjusted differences around their mean says at each moment, `order` coefficients
/// at most.
///
/// The mean of `n` differences is `m`; with `a` the coefficients and `s^2` the mean squared error one step ahead its
/// squared t value is `t^2 = m^2 n (1 - sum a)^2 / s^2`. As much of it is believed as its positive-part shrinkage leaves
/// (James and Stein 1961): `m max(0, 1 - 2 / t^2)`.
pub(super) fn forecasts(adjusted: &[f64], moments: &[usize], order: usize, steps: usize) -> Table {
    let mut differences: Vec<f64> = adjusted.windows(2).map(|pair| pair[1] - pair[0]).collect();
    limit(&mut differences);
    let drift = mean(&differences);
    for difference in &mut differences {
        *difference -= drift;
    }
    let order = order.min(adjusted.len() / SAMPLES).max(FEWEST);
    let fitted = autoregression::fit(&differences, order);
    let persistence = 1.0 - fitted.coefficients.iter().sum::<f64>();
    let noise = fitted.variance / (persistence * persistence * differences.len() as f64);
    let believed = if drift == 0.0 {
        0.0
    } else {
        drift * (1.0 - 2.0 * noise / (drift * drift)).max(0.0)
    };
    let earlier: Vec<usize> = moments.iter().map(|origin| origin - 1).collect();
    let mut level = [0.0; autoregression::LANES];
    let finish = |step, earlier: &[usize], changes: &mut [f64; autoregression::LANES]| {
        if step == 0 {
            for (level, before) in level.iter_mut().zip(earlier) {
                *level = adjusted[*before];
            }
        }
        for (level, change) in level.iter_mut().zip(&*changes) {
            *level += change + believed;
        }
        *changes = level;
    };
    autoregression::forecasts(&differences, &fitted, &earlier, steps, finish)
}

/// Brings differences that are far from the median nearer.
fn limit(differences: &mut [f64]) {
    let median = |values: &mut Vec<f64>| {
        let middle = values.len() / 2;
        *values.select_nth_unstable_by(middle, f64::total_cmp).1
    };
    let sampled = differences
        .iter()
        .step_by((differences.len() / SAMPLED).max(1));
    let mut sampled: Vec<f64> = sampled.copied().collect();
    let centre = median(&mut sampled);
    let mut deviations = sampled;
    for deviation in &mut deviations {
        *deviation = (*deviation - centre).abs();
    }
    let usual = mean(&deviations);
    let deviation = (NORMAL * median(&mut deviations)).max(LEAST * usual);
    let farthest = OUTERMOST * deviation;
    for difference in differences {
        *difference = difference.clamp(centre - farthest, centre + farthest);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::origins::Origins, *};

    /// Evenly in 0 to 1: the finaliser of `SplitMix64`.
    fn noise(t: u64) -> f64 {
        let mut bits = (t + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    #[test]
    fn a_counter_goes_on_at_its_pace_in_spite_of_its_resets() {
        let values: Vec<f64> = (0..600).map(|t| f64::from(5 * (t % 250))).collect();
        let origins = Origins::spread(values.len(), 10).unwrap();
        let table = forecasts(&values, &origins.all, 20, 10);
        let said = table.row(9)[origins.present()];
        assert!((said - (values[599] + 50.0)).abs() < 2.0, "{said}");
    }

    #[test]
    fn a_drift_within_the_noise_is_not_believed() {
        let values: Vec<f64> = (0..600)
            .map(|t| 97.0 * noise(t) + 1e-4 * t as f64)
            .collect();
        let origins = Origins::spread(values.len(), 40).unwrap();
        let table = forecasts(&values, &origins.all, 20, 40);
        let said: Vec<f64> = (0..40)
            .map(|step| table.row(step)[origins.present()])
            .collect();
        assert!(
            said.iter().all(|said| (0.0..100.0).contains(said)),
            "{said:?}"
        );
    }
}
