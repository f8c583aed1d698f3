//! Quantiles of weighted values.

use super::extremes::{greater, lesser};
use crate::{moments::mean, products::spread};

/// The values are dealt into so many bins, of which few have to be sorted.
const BINS: usize = 128;
/// The bins reach so many mean absolute deviations to both sides of the mean; the outermost have all that is beyond.
const REACH: f64 = 4.0;

/// Finds quantiles of values that have the same weights again and again.
pub(super) struct Quantiles<'a> {
    weights: &'a [f64],
    total: f64,
    bins: Vec<u8>,
    ranking: Vec<i64>,
}

impl<'a> Quantiles<'a> {
    pub(super) fn of(weights: &'a [f64]) -> Self {
        Self {
            weights,
            total: weights.iter().sum(),
            bins: Vec::with_capacity(weights.len()),
            ranking: Vec::with_capacity(weights.len()),
        }
    }

    /// The quantiles of the values, one for each weight, at ascending levels (0 to 1), interpolated between the middles of
    /// the weights. No value: NaN.
    pub(super) fn at<const N: usize>(&mut self, values: &[f64], levels: &[f64; N]) -> [f64; N] {
        if values.is_empty() {
            return [f64::NAN; N];
        }
        let centre = mean(values);
        let targets = levels.map(|level| level * self.total);
        let before = self.deal(values, centre, &targets);
        self.ranking.sort_unstable();
        let places = places(values).cast_signed();
        let mut ascending = self.ranking.iter().map(|rank| (rank & places) as usize);
        let Some(mut place) = ascending.next() else {
            return [centre; N];
        };
        let mut bin = self.bins[place];
        let mut lower = before[usize::from(bin)];
        let mut middle = lower + 0.5 * self.weights[place];
        let mut previous = (values[place], 0.0);
        targets.map(|target| {
            while middle < target {
                let Some(next) = ascending.next() else {
                    return values[place];
                };
                previous = (values[place], middle);
                lower = if self.bins[next] == bin {
                    lower + self.weights[place]
                } else {
                    bin = self.bins[next];
                    before[usize::from(bin)]
                };
                place = next;
                middle = lower + 0.5 * self.weights[place];
            }
            let share = if middle > previous.1 {
                ((target - previous.1) / (middle - previous.1)).clamp(0.0, 1.0)
            } else {
                1.0
            };
            // Neither rounding nor an overflow of the difference may leave the two neighbours.
            (previous.0 * (1.0 - share) + values[place] * share)
                .max(previous.0)
                .min(values[place])
        })
    }

    /// Deals the values into bins and ranks those of the bins that targets lie in, and of their neighbours. Gives the weight
    /// before each bin.
    fn deal(&mut self, values: &[f64], centre: f64, targets: &[f64]) -> [f64; BINS] {
        let half = BINS as f64 / 2.0;
        let unit = REACH * spread(values, centre) / values.len() as f64;
        let scale = if unit > 0.0 { half / unit } else { 0.0 };
        self.bins.clear();
        self.bins.extend(values.iter().map(|value| {
            let place = lesser(
                greater((value - centre) * scale + half, 0.0),
                BINS as f64 - 1.0,
            );
            nearest_small_integer(place)
        }));
        let mut sums = [0.0; BINS];
        for (bin, weight) in self.bins.iter().zip(self.weights) {
            sums[usize::from(*bin)] += weight;
        }
        let mut before = [0.0; BINS];
        let mut wanted = [false; BINS];
        let mut lower = 0.0;
        let mut targets = targets.iter().copied().peekable();
        let mut last = 0;
        let mut is_next = false;
        for bin in 0..BINS {
            before[bin] = lower;
            if sums[bin] > 0.0 {
                lower += sums[bin];
                wanted[bin] |= is_next;
                is_next = false;
                while targets.next_if(|target| *target <= lower).is_some() {
                    wanted[last] = true;
                    wanted[bin] = true;
                    is_next = true;
                }
                last = bin;
            }
        }
        // The sum of the bins may be a digit below the total.
        wanted[last] |= targets.next().is_some();
        self.rank(values, centre, &wanted);
        before
    }

    /// Ranks the values of the bins that are wanted. Integers are sorted in half the time of pairs: the last bits of the
    /// distance from the centre order nothing, and make room for the place of the value.
    fn rank(&mut self, values: &[f64], centre: f64, wanted: &[bool; BINS]) {
        let places = places(values).cast_signed();
        self.ranking.clear();
        self.ranking.resize(values.len(), 0);
        let mut count = 0;
        for ((place, value), bin) in (0..).zip(values).zip(&self.bins) {
            // Without a branch, which nothing could foresee: a rank that is not wanted is written over.
            self.ranking[count] = (ordered(value - centre) & !places) | place;
            count += usize::from(wanted[usize::from(*bin)]);
        }
        self.ranking.truncate(count);
    }
}

/// The bits that the place of a value takes, where it is put in the last bits of a rank.
pub(super) fn places(values: &[f64]) -> u64 {
    values.len().next_power_of_two() as u64 - 1
}

/// The integer nearest to a number from 0 to 255: the last digits of a sum whose other digits are all taken.
fn nearest_small_integer(number: f64) -> u8 {
    const ALL_TAKEN: f64 = (1_u64 << 52) as f64;
    (number + ALL_TAKEN).to_bits() as u8
}

/// The values in ascending order, sorted as integers.
pub(super) fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut ranks: Vec<i64> = values.map(ordered).collect();
    ranks.sort_unstable();
    ranks.into_iter().map(number).collect()
}

/// An integer that is greater the greater the number is.
fn ordered(number: f64) -> i64 {
    turned(number.to_bits().cast_signed())
}

/// The number that an integer stands for.
fn number(ordered: i64) -> f64 {
    f64::from_bits(turned(ordered).cast_unsigned())
}

/// If the sign says that it is negative, all other bits are turned.
fn turned(bits: i64) -> i64 {
    bits ^ (bits >> 63).cast_unsigned().wrapping_shr(1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_give_the_usual_quantiles() {
        let quantiles = Quantiles::of(&[1.0; 3]).at(&[3.0, 1.0, 2.0], &[0.0, 0.5, 1.0]);
        for (quantile, expected) in quantiles.into_iter().zip([1.0, 2.0, 3.0]) {
            assert!((quantile - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn a_heavy_value_is_the_median() {
        let weights = [0.1, 5.0, 0.1];
        let [median] = Quantiles::of(&weights).at(&[1.0, 9.0, 2.0], &[0.5]);
        assert!((median - 9.0).abs() < 0.5);
    }

    #[test]
    fn numbers_on_both_sides_of_zero_are_in_order_whatever_they_have_in_common() {
        for offset in [0.0, -1e12] {
            let values = [5.0, -3.0, 0.0, -1.0, 2.0].map(|value| offset + value);
            let levels = [0.1, 0.3, 0.5, 0.7, 0.9];
            let quantiles = Quantiles::of(&[1.0; 5]).at(&values, &levels);
            for (quantile, expected) in quantiles.into_iter().zip([-3.0, -1.0, 0.0, 2.0, 5.0]) {
                assert!((quantile - offset - expected).abs() < 1e-3, "{quantiles:?}");
            }
        }
    }

    #[test]
    fn sorted_numbers_are_the_same_numbers() {
        let values = [3.5, -0.0, f64::MAX, -7.25, 1e-300, -1e9, 0.0];
        let mut expected = values;
        expected.sort_by(f64::total_cmp);
        let bits =
            |values: &[f64]| -> Vec<u64> { values.iter().map(|value| value.to_bits()).collect() };
        assert_eq!(bits(&sorted(values.into_iter())), bits(&expected));
    }

    /// Of a great number of values and of outliers far away, against a plain sum over all in order.
    #[test]
    fn bins_do_not_show() {
        let values: Vec<f64> = (0..230)
            .map(|t| f64::from(t * 7919 % 331) * if t % 17 == 3 { 1e6 } else { 1.0 })
            .collect();
        let weights: Vec<f64> = (0..230).map(|t| f64::from(1 + t % 5)).collect();
        let mut sorted: Vec<(f64, f64)> = values.iter().copied().zip(weights.clone()).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = weights.iter().sum();
        let levels = [0.0, 0.025, 0.1, 0.5, 0.9, 0.93, 0.975, 1.0];
        let found = Quantiles::of(&weights).at(&values, &levels);
        for (level, found) in levels.into_iter().zip(found) {
            let mut before = 0.0;
            let mut middles = sorted.iter().map(|(value, weight)| {
                before += weight;
                (*value, before - 0.5 * weight)
            });
            let mut below = (sorted[0].0, 0.0);
            let above = middles.find(|(value, middle)| {
                let is_above = *middle >= level * total;
                if !is_above {
                    below = (*value, *middle);
                }
                is_above
            });
            let expected = above.map_or(below.0, |above| {
                let share = (level * total - below.1) / (above.1 - below.1);
                below.0 + share.max(0.0) * (above.0 - below.0)
            });
            assert!(
                (found - expected).abs() <= 1e-9 * expected.abs(),
                "{level}: {found}"
            );
        }
    }

    #[test]
    fn nothing_has_no_quantile() {
        let [median] = Quantiles::of(&[]).at(&[], &[0.5]);
        assert!(median.is_nan());
    }
}
