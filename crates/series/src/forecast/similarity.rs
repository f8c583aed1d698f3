//! Which past moments were like the present.

use super::origins::Origins;

/// The share of the past moments that count as neighbours.
const SHARE: f64 = 0.2;
/// But at least this many.
const FEWEST: usize = 40;
/// The windows a moment is described by, samples.
const SHORT: usize = 5;
const LONG: usize = 30;
const RESTLESSNESS: usize = 20;
/// The weight of the two slower traits.
const SLOW_TRAIT: f64 = 0.5;
/// How much weight the farthest neighbour loses, and the least that is left.
const FADING: f64 = 0.8;
const FAINTEST: f64 = 0.02;

/// A past moment like the present.
pub(super) struct Neighbour {
    /// Its place among the past moments.
    pub(super) origin: usize,
    /// Its weight by distance, not by age, 0 to 1.
    pub(super) weight: f64,
}

/// The past moments nearest to the present, nearest first: by the last value, the means of 5 and of 30, the mean
/// absolute difference of 20, and the mean distance of the forecasts made then and now.
pub(super) fn neighbours(
    values: &[f64],
    origins: &Origins,
    forecast_distances: &[f64],
) -> Vec<Neighbour> {
    let traits = Traits::new(values, origins.lead());
    let now = traits.at(values.len());
    let mut distances: Vec<(f64, usize)> = origins
        .past()
        .iter()
        .zip(forecast_distances)
        .enumerate()
        .map(|(index, (&origin, said))| {
            let then = traits.at(origin);
            let apart: f64 = then
                .iter()
                .zip(now)
                .map(|(then, now)| (then - now).abs())
                .sum();
            (said + apart, index)
        })
        .collect();
    distances.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let count = ((distances.len() as f64 * SHARE) as usize).max(FEWEST);
    distances.truncate(count);
    let farthest = distances
        .last()
        .map_or(0.0, |last| last.0)
        .max(f64::MIN_POSITIVE);
    distances
        .into_iter()
        .map(|(distance, origin)| Neighbour {
            origin,
            weight: (1.0 - FADING * distance / farthest).max(FAINTEST),
        })
        .collect()
}

/// What describes a moment, from running sums.
struct Traits<'a> {
    values: &'a [f64],
    sums: Vec<f64>,
    changes: Vec<f64>,
    long: usize,
    restlessness: usize,
}

impl<'a> Traits<'a> {
    fn new(values: &'a [f64], lead: usize) -> Self {
        let shift = values[0];
        let mut sums = Vec::with_capacity(values.len() + 1);
        let mut changes = Vec::with_capacity(values.len() + 1);
        let (mut sum, mut change, mut previous) = (0.0, 0.0, shift);
        sums.push(sum);
        changes.push(change);
        for &value in values {
            sum += value - shift;
            change += (value - previous).abs();
            previous = value;
            sums.push(sum);
            changes.push(change);
        }
        Self {
            values,
            sums,
            changes,
            long: LONG.min(lead),
            restlessness: RESTLESSNESS.min(lead),
        }
    }

    fn at(&self, origin: usize) -> [f64; 4] {
        let mean =
            |sums: &[f64], window: usize| (sums[origin] - sums[origin - window]) / window as f64;
        [
            self.values[origin - 1] - self.values[0],
            mean(&self.sums, SHORT),
            SLOW_TRAIT * mean(&self.sums, self.long),
            SLOW_TRAIT * mean(&self.changes, self.restlessness),
        ]
    }
}

/// The moments whose last value and mean of 5 are nearest to the present's, oldest first: at most a sixth of the
/// series, `most` of them evenly taken. Each moment is the index of its last value and has `steps` values after it.
pub(super) fn analogs(values: &[f64], steps: usize, most: usize) -> Vec<usize> {
    const FEWEST_ANALOGS: usize = 60;
    const MEAN_WEIGHT: f64 = 0.2;
    let n = values.len();
    let sums: Vec<f64> = std::iter::once(0.0)
        .chain(values.iter().scan(0.0, |sum, value| {
            *sum += value - values[0];
            Some(*sum)
        }))
        .collect();
    let mean = |index: usize| (sums[index + 1] - sums[index + 1 - SHORT]) / SHORT as f64;
    let (last, last_mean) = (values[n - 1], mean(n - 1));
    let mut near: Vec<(f64, usize)> = (SHORT..n - steps)
        .map(|index| {
            let distance = (values[index] - last).abs();
            (
                distance + MEAN_WEIGHT * (mean(index) - last_mean).abs(),
                index,
            )
        })
        .collect();
    let count = (n / 6).max(FEWEST_ANALOGS).min(near.len());
    if count < near.len() {
        near.select_nth_unstable_by(count, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near.truncate(count);
    }
    near.sort_unstable_by_key(|&(_, index)| index);
    let taken = most.min(count);
    (0..taken)
        .map(|index| near[index * count / taken].1)
        .collect()
}
