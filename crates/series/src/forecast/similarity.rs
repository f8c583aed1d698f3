//! Which past moments were like another one.

use std::ops::Range;

use super::{
    origins::{Origins, Table},
    quantile::places,
};

/// The windows a moment is described by, samples.
const SHORT: usize = 5;
const LONG: usize = 30;
const RESTLESSNESS: usize = 20;
/// What the traits weigh in a distance, the last value 1: what is said of the future, and the three means.
const FUTURE: f64 = 2.0;
const MEAN: f64 = 0.5;
/// About so many steps of what is said are compared.
const COMPARED: usize = 10;
/// What the mean of 5 weighs in the distance of analogs, the last value 1.
const ANALOG_MEAN: f64 = 0.2;

/// A past moment and how far it is from another one.
#[derive(Clone, Copy)]
pub(super) struct Neighbour {
    pub(super) column: usize,
    pub(super) distance: f64,
}

/// What describes each moment: the last value, the means of 5 and of 30 and the mean absolute difference of 20, the means
/// weighted, and what is said of the future.
pub(super) struct Similarity<'a> {
    traits: Vec<[f64; 4]>,
    said: &'a Table,
}

impl<'a> Similarity<'a> {
    pub(super) fn new(values: &[f64], origins: &Origins, said: &'a Table) -> Self {
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
        let long = LONG.min(origins.lead());
        let restlessness = RESTLESSNESS.min(origins.lead());
        let describe = |&origin: &usize| {
            let mean = |sums: &[f64], window: usize| {
                MEAN * (sums[origin] - sums[origin - window]) / window as f64
            };
            [
                values[origin - 1] - shift,
                mean(&sums, SHORT),
                mean(&sums, long),
                mean(&changes, restlessness),
            ]
        };
        let moments = &origins.all[..=origins.present()];
        Self {
            traits: moments.iter().map(describe).collect(),
            said,
        }
    }

    /// The moments nearest to the one in column `now`, so many of the older ones, nearest first.
    pub(super) fn nearest(&self, now: usize, older: Range<usize>, count: usize) -> Vec<Neighbour> {
        let mut distances = vec![0.0; older.len()];
        let steps = self.said.steps();
        let stride = steps.div_ceil(COMPARED);
        let compared = (stride / 2..steps).step_by(stride);
        let weight = FUTURE / compared.clone().count() as f64;
        for step in compared {
            let row = self.said.row(step);
            for (distance, then) in distances.iter_mut().zip(&row[older.clone()]) {
                *distance += weight * (row[now] - then).abs();
            }
        }
        for (distance, then) in distances.iter_mut().zip(&self.traits[older.clone()]) {
            let apart = then.iter().zip(&self.traits[now]);
            *distance += apart.map(|(then, now)| (then - now).abs()).sum::<f64>();
        }
        let mut ranking = least(&distances, count);
        ranking.sort_unstable();
        neighbours(&ranking, &distances, older.start)
    }

    /// The moments nearest by the last value and the mean of 5 alone, so many of the older ones, newest first.
    pub(super) fn analogs(&self, now: usize, older: Range<usize>, count: usize) -> Vec<Neighbour> {
        let [last, short, ..] = self.traits[now];
        let distances = self.traits[older.clone()]
            .iter()
            .map(|then| (then[0] - last).abs() + ANALOG_MEAN / MEAN * (then[1] - short).abs());
        let distances: Vec<f64> = distances.collect();
        let mut near = neighbours(&least(&distances, count), &distances, older.start);
        near.sort_unstable_by_key(|neighbour| neighbour.column);
        near
    }
}

/// The past moments that were like the present by the last value and the mean of 5 alone, so many, in any order.
pub(super) fn like_the_present(values: &[f64], origins: &Origins, count: usize) -> Vec<Neighbour> {
    let describe = |origin: usize| {
        let short = &values[origin - SHORT..origin];
        (values[origin - 1], short.iter().sum::<f64>() / SHORT as f64)
    };
    let (last, mean) = describe(values.len());
    let distance = |&origin: &usize| {
        let (then, mean_then) = describe(origin);
        (then - last).abs() + ANALOG_MEAN * (mean_then - mean).abs()
    };
    let distances: Vec<f64> = origins.past().iter().map(distance).collect();
    neighbours(&least(&distances, count), &distances, 0)
}

/// So many of the least distances, in any order: integers whose last bits are the place among all of them.
///
/// Numbers that are not negative are in the order of their bits, and integers sooner sorted than pairs; the bits that the
/// place takes would only order distances that are all but the same.
fn least(distances: &[f64], count: usize) -> Vec<u64> {
    let places = places(distances);
    let ranks = distances
        .iter()
        .map(|distance| distance.to_bits() & !places);
    let mut ranking: Vec<u64> = ranks.zip(0..).map(|(rank, place)| rank | place).collect();
    if count < ranking.len() {
        ranking.select_nth_unstable(count);
        ranking.truncate(count);
    }
    ranking
}

/// Those of a ranking, in its order; the column of the first distance is `first`.
fn neighbours(ranking: &[u64], distances: &[f64], first: usize) -> Vec<Neighbour> {
    let places = places(distances);
    let places = ranking.iter().map(|rank| (rank & places) as usize);
    places
        .map(|place| Neighbour {
            column: first + place,
            distance: distances[place],
        })
        .collect()
}
