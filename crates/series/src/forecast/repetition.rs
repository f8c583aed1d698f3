//! The lag at which a series repeats itself, even if it is seen to do so only twice or has no season in its mean.

use super::{autoregression, cycles::Cycles, extremes::extremes, origins::Table};
use crate::moments::mean;

/// A shorter series is not searched.
const SHORTEST: usize = 300;
/// The lags that are tried: from this to half of the series, but not above that.
const LEAST_LAG: usize = 12;
const GREATEST_LAG: usize = 6_000;
/// About so many values of the newer half are compared with those before them.
const COMPARED: usize = 180;
/// The smallest lag whose difference exceeds the least one by less than this factor is taken.
const HARDLY_WORSE: f32 = 1.03;
/// The difference at a lag that is a model's, and that paths are worth following at, is below these shares of the median.
const MODEL: f64 = 0.45;
const PATHS: f64 = 0.8;
/// The cycles that a mean is of.
const CYCLES: usize = 3;

/// A lag at which a series is like itself.
pub(super) struct Repetition {
    /// The lag, samples, at least 12.
    pub(super) lag: usize,
    /// The mean absolute difference at the lag by its median over all lags, 0 to 1.
    pub(super) distance: f64,
}

impl Repetition {
    /// The lag of the least mean absolute difference between the newer half of the series and what came before (the average
    /// magnitude difference function, Ross and others 1974); `None` for a short series.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n < SHORTEST {
            return None;
        }
        let mut distances = distances(values, (n / 2).min(GREATEST_LAG));
        let least = distances.iter().copied().fold(f32::INFINITY, f32::min);
        let place = distances
            .iter()
            .position(|distance| *distance <= HARDLY_WORSE * least)?;
        let found = distances[place];
        let middle = distances.len() / 2;
        let median = *distances.select_nth_unstable_by(middle, f32::total_cmp).1;
        Some(Self {
            lag: LEAST_LAG + place,
            distance: if median > 0.0 {
                f64::from(found / median)
            } else {
                1.0
            },
        })
    }

    /// Whether the repetition may be a candidate beside the season.
    pub(super) fn is_model(&self, period: Option<usize>) -> bool {
        self.distance < MODEL && period != Some(self.lag)
    }

    /// Whether what followed one, two, ... lags ago is worth looking at.
    pub(super) fn has_paths(&self) -> bool {
        self.distance < PATHS
    }
}

/// The sum of absolute differences at each lag from the least to the greatest, in units of the greatest value: single
/// precision is enough to compare them, and twice as fast.
fn distances(values: &[f64], greatest: usize) -> Vec<f32> {
    let n = values.len();
    let level = mean(values);
    let (least, most) = extremes(values);
    let unit = (most - level).max(level - least);
    let values: Vec<f32> = values
        .iter()
        .map(|value| ((value - level) / unit) as f32)
        .collect();
    let stride = ((n - n / 2) / COMPARED).max(1);
    let compared = (n / 2..n).step_by(stride);
    let lags = greatest + 1 - LEAST_LAG;
    let mut sums = vec![0.0; lags.next_multiple_of(LANES)];
    // The greatest lag first, whose value comes first; the last lags are some of those before again.
    for start in (0..lags).step_by(LANES) {
        let start = start.min(lags.saturating_sub(LANES));
        let last = greatest - start;
        let found = block_of_distances(&values, compared.clone(), last);
        sums[start..][..LANES].copy_from_slice(&found);
    }
    sums.truncate(lags);
    sums.reverse();
    sums
}

/// So many sums stay in registers.
const LANES: usize = 32;

/// The absolute differences at a lag and at those below it, one a lane.
fn block_of_distances(
    values: &[f32],
    compared: impl Iterator<Item = usize>,
    lag: usize,
) -> [f32; LANES] {
    let mut sums = [0.0; LANES];
    for index in compared {
        let value = values[index];
        let before = &values[index - lag..][..LANES];
        for (sum, earlier) in sums.iter_mut().zip(before) {
            *sum += (value - earlier).abs();
        }
    }
    sums
}

/// What the mean of up to three cycles and an autoregression of what it leaves say at each moment; the last value where no
/// cycle was over.
pub(super) fn forecasts(
    values: &[f64],
    lag: usize,
    moments: &[usize],
    order: usize,
    steps: usize,
) -> Table {
    let cycles = Cycles::new(values, lag, CYCLES, steps);
    let rest = cycles.rest(values);
    let level = mean(&rest);
    let centred: Vec<f64> = rest.iter().map(|value| value - level).collect();
    let fitted = autoregression::fit(&centred, order);
    let mut padded = vec![0.0; lag];
    padded.extend(centred);
    let finish = |step, moments: &[usize], said: &mut [f64; autoregression::LANES]| {
        let means = cycles.after(step);
        for (value, &origin) in said.iter_mut().zip(moments) {
            match means[origin] {
                mean if mean.is_nan() => *value = values[origin - 1],
                mean => *value += level + mean,
            }
        }
    };
    autoregression::forecasts(&padded, &fitted, moments, steps, finish)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evenly in 0 to 1: the finaliser of `SplitMix64`.
    fn noise(t: u64) -> f64 {
        let mut bits = (t + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn teeth(length: usize, tooth: usize) -> Vec<f64> {
        (0..length)
            .map(|t| (t % tooth) as f64 + (t * 7919 % 13) as f64 / 13.0)
            .collect()
    }

    #[test]
    fn the_length_of_a_tooth_is_found_where_only_two_are_seen() {
        for (length, tooth) in [(720, 97), (720, 350), (2880, 240)] {
            let found = Repetition::of(&teeth(length, tooth)).unwrap();
            assert_eq!(found.lag, tooth);
            assert!(found.is_model(None) && found.has_paths());
            assert!(!found.is_model(Some(tooth)));
        }
    }

    #[test]
    fn sums_in_lanes_are_the_plain_sums() {
        let values = teeth(401, 37);
        let sums = distances(&values, 200);
        let stride = 201 / COMPARED;
        let level = mean(&values);
        for (lag, sum) in (LEAST_LAG..).zip(sums) {
            let plain: f64 = (200..401)
                .step_by(stride)
                .map(|t| (values[t] - values[t - lag]).abs())
                .sum();
            let unit = level.max(values.iter().copied().fold(0.0, f64::max) - level);
            assert!((f64::from(sum) * unit / plain - 1.0).abs() < 1e-5, "{lag}");
        }
    }

    #[test]
    fn a_short_series_and_noise_repeat_nothing() {
        assert!(Repetition::of(&teeth(299, 20)).is_none());
        let noise: Vec<f64> = (0..720).map(noise).collect();
        let found = Repetition::of(&noise).unwrap();
        assert!(!found.is_model(None), "{}", found.distance);
    }
}
