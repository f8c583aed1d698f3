//! The weighted mean of the candidates.

use super::{
    candidates::Candidate,
    origins::{Origins, Table},
    season::Season,
};
use crate::products::{weighted_distance, weighted_sum};

/// The weight of a candidate is its error against the best one's to the power of minus this.
const SHARPNESS: i32 = 20;
/// The horizon is cut into this many parts with weights of their own, if it has as many steps.
const PARTS: usize = 8;
/// A candidate that weighs less than this share of the best one has no say.
const NEGLIGIBLE: f64 = 1e-4;
/// The error at the newest moments counts this much beside that at all past ones; so many samples ago half.
const NEWEST: f64 = 0.1;
const NEWEST_HALF_LIFE: f64 = 15.0;

/// The weighted mean of the candidates at each moment.
pub(super) struct Stacked {
    /// What it said, in the last column what it says now.
    pub(super) forecasts: Table,
    /// The share of each candidate, mean over the horizon, greatest first; they sum to 1.
    pub(super) weights: Vec<(&'static str, f64)>,
}

/// Weighs the candidates by their mean absolute error at the past moments, the newer ones counting more.
pub(super) fn stack(
    candidates: &[Candidate],
    values: &[f64],
    season: &Season,
    came: &Table,
    origins: &Origins,
) -> Stacked {
    let steps = came.steps();
    let total: f64 = origins.recency.iter().sum();
    let parts = PARTS.min(steps);
    let part_of = |step: usize| step * parts / steps;
    // What a candidate is compared with: the series itself, or without its season.
    let adjusted = season.period.map(|_| {
        let came = Table::of(steps, origins.past(), |step| {
            move |origin| season.adjusted[origin + step]
        });
        (came, Newest::of(&season.adjusted, origins, steps))
    });
    let newest = Newest::of(values, origins, steps);
    let mut errors = vec![vec![0.0; parts]; candidates.len()];
    for (errors, candidate) in errors.iter_mut().zip(candidates) {
        let (came, newest) = match &adjusted {
            Some((came, newest)) if candidate.adjusted => (came, newest),
            _ => (came, &newest),
        };
        let newest = NEWEST * newest.error(candidate);
        for step in 0..steps {
            errors[part_of(step)] += error(candidate, came, origins, step) / total + newest;
        }
    }
    let mut weights = vec![vec![0.0; parts]; candidates.len()];
    for part in 0..parts {
        let best = errors
            .iter()
            .map(|errors| errors[part])
            .fold(f64::INFINITY, f64::min)
            .max(f64::MIN_POSITIVE);
        let raw: Vec<f64> = errors
            .iter()
            .map(|errors| (best / errors[part].max(f64::MIN_POSITIVE)).powi(SHARPNESS))
            .map(|weight| if weight > NEGLIGIBLE { weight } else { 0.0 })
            .collect();
        let total: f64 = raw.iter().sum();
        for (weights, raw) in weights.iter_mut().zip(raw) {
            weights[part] = raw / total;
        }
    }
    let mut forecasts = Table::zeros(steps, origins.all.len());
    for step in 0..steps {
        let part = part_of(step);
        let weighed = candidates.iter().zip(&weights);
        let weighed = weighed.map(|(candidate, weights)| (candidate, weights[part]));
        let said: Vec<(f64, &[f64])> = weighed
            .clone()
            .filter(|(_, weight)| *weight > 0.0)
            .map(|(candidate, weight)| (weight, candidate.forecasts.row(step)))
            .collect();
        let row = forecasts.row_mut(step);
        weighted_sum(&said, row);
        if season.period.is_some() {
            let adjusted = weighed.filter(|(candidate, _)| candidate.adjusted);
            let share: f64 = adjusted.map(|(_, weight)| weight).sum();
            let parts = &season.parts[step..];
            for (value, origin) in row.iter_mut().zip(&origins.all) {
                *value += share * parts[*origin];
            }
        }
    }
    let mut shares: Vec<(&'static str, f64)> = candidates
        .iter()
        .zip(&weights)
        .map(|(candidate, weights)| {
            let share = (0..steps).map(|step| weights[part_of(step)]).sum::<f64>() / steps as f64;
            (candidate.name, share)
        })
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    Stacked {
        forecasts,
        weights: shares,
    }
}

/// The sum of a candidate's weighted absolute errors at one step.
fn error(candidate: &Candidate, came: &Table, origins: &Origins, step: usize) -> f64 {
    let said = &candidate.forecasts.row(step)[..origins.past().len()];
    weighted_distance(came.row(step), said, &origins.recency)
}

/// What came after the newest moments, as far as it is known.
struct Newest {
    /// By step, column and value.
    came: Vec<(usize, usize, f64)>,
    /// The newer, the more, in the same order.
    weights: Vec<f64>,
    total: f64,
}

impl Newest {
    fn of(values: &[f64], origins: &Origins, steps: usize) -> Self {
        let n = values.len();
        let by_age: Vec<f64> = (0..origins.oldest_of_newest())
            .map(|ago| 0.5_f64.powf(ago as f64 / NEWEST_HALF_LIFE))
            .collect();
        let mut came = Vec::new();
        let mut weights = Vec::new();
        for (column, origin) in origins.newest() {
            for (step, value) in values[origin..].iter().take(steps).enumerate() {
                came.push((step, column, *value));
                weights.push(by_age[n - 1 - origin - step]);
            }
        }
        let total = weights.iter().fold(0.0, |total, weight| total + weight);
        Self {
            came,
            weights,
            total,
        }
    }

    /// A candidate's weighted mean absolute error there.
    fn error(&self, candidate: &Candidate) -> f64 {
        let mut sum = 0.0;
        for ((step, column, came), weight) in self.came.iter().zip(&self.weights) {
            sum += weight * (candidate.forecasts.row(*step)[*column] - came).abs();
        }
        sum / self.total
    }
}
