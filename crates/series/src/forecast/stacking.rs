//! The weighted mean of the candidates.

use super::{
    candidates::Candidate,
    origins::{Origins, Table},
};
use crate::products::absolute_differences;

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
    came: &Table,
    origins: &Origins,
) -> Stacked {
    let steps = came.steps();
    let total: f64 = origins.recency.iter().sum();
    let parts = PARTS.min(steps);
    let part_of = |step: usize| step * parts / steps;
    let mut errors = vec![vec![0.0; parts]; candidates.len()];
    for (errors, candidate) in errors.iter_mut().zip(candidates) {
        let newest = NEWEST * newest_error(candidate, values, origins, steps);
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
    for (weights, candidate) in weights.iter().zip(candidates) {
        for step in 0..steps {
            let weight = weights[part_of(step)];
            if weight > 0.0 {
                let row = forecasts.row_mut(step);
                for (value, said) in row.iter_mut().zip(candidate.forecasts.row(step)) {
                    *value += weight * said;
                }
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
    absolute_differences(came.row(step), said, &origins.recency)
}

/// A candidate's weighted mean absolute error at the newest moments, as far as their future is known.
fn newest_error(candidate: &Candidate, values: &[f64], origins: &Origins, steps: usize) -> f64 {
    let n = values.len();
    let (mut sum, mut total) = (0.0, 0.0);
    for (column, origin) in origins.newest() {
        for (step, came) in values[origin..].iter().take(steps).enumerate() {
            let ago = n - 1 - origin - step;
            let weight = 0.5_f64.powf(ago as f64 / NEWEST_HALF_LIFE);
            sum += weight * (candidate.forecasts.row(step)[column] - came).abs();
            total += weight;
        }
    }
    sum / total
}
