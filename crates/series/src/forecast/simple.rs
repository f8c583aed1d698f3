//! Forecasts for series the stack cannot be tried on.

use super::{
    Estimate, Forecast, Known, MAX_PATHS, Model, Path,
    continuations::{Bands, Continuations},
    stack::{Extent, from_paths},
};

/// The scarcity of a short past, for each horizon that it is long: paths that go on like the changes of the past spread
/// more than continuations do.
const SCARCITY: f64 = 0.3;

/// A series that never changed does not.
pub(super) fn constant(value: f64, steps: usize) -> Forecast {
    let all = vec![value; steps];
    let certain = Estimate {
        value,
        lower: value,
        upper: value,
    };
    Forecast {
        mean: all.clone(),
        lower: all.clone(),
        lower_80: all.clone(),
        median: all.clone(),
        upper_80: all.clone(),
        upper: all.clone(),
        min: certain,
        max: certain,
        average: certain,
        paths: vec![Path {
            values: all,
            weight: 1.0,
        }],
        model: Model {
            name: Model::CONSTANT,
            weights: vec![("last", 1.0)],
            period: None,
            verdict: None,
            origins: 0,
        },
    }
}

/// The last value, and around it the changes of the past in both directions: each path starts at another change and
/// goes round, so that even a series shorter than the horizon has paths.
pub(super) fn last_value(values: &[f64], steps: usize, known: Known) -> Forecast {
    let last = values[values.len() - 1];
    let changes: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let starts = (0..changes.len()).step_by((2 * changes.len()).div_ceil(MAX_PATHS));
    let paths: Vec<Vec<f64>> = starts
        .flat_map(|start| [(start, 1.0), (start, -1.0)])
        .map(|(start, direction)| {
            let around = changes.iter().cycle().skip(start).take(steps);
            around
                .scan(last, |value, change| {
                    *value += direction * change;
                    Some(*value)
                })
                .collect()
        })
        .collect();
    let weight = 1.0 / paths.len() as f64;
    let bands = Bands {
        values: paths.concat(),
        weights: vec![weight; paths.len()],
    };
    let events = paths
        .into_iter()
        .map(|values| Path { values, weight })
        .collect();
    let model = Model {
        name: Model::LAST_VALUE,
        weights: vec![("last", 1.0)],
        period: None,
        verdict: known.verdict,
        origins: 0,
    };
    let extent = Extent {
        samples: values.len(),
        scarcity: SCARCITY * steps as f64 / values.len() as f64,
        positive: values.iter().all(|value| *value >= 0.0),
    };
    let continuations = Continuations { bands, events };
    from_paths(&vec![last; steps], continuations, &extent, model)
}
