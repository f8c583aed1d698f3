//! The forecast itself: candidates, their weighted mean, paths, bands.

use super::{
    Estimate, Forecast, Known, Model,
    candidates::candidates,
    continuations::{Bands, Continuations, Past},
    horizon::estimates,
    origins::{Origins, Table},
    quantile::Quantiles,
    repetition::Repetition,
    season::Season,
    stacking::stack,
};

/// The share of what the stack says in the point; the rest is the median of the band paths.
const STACKED: f64 = 0.7;
/// The bands, not the probabilities, are wider about the point than the paths: by this much for each unit of scarcity to
/// this power, and by so many parts of the number of samples, but at most three times as wide.
const WIDENING: f64 = 1.1;
const WIDENING_POWER: f64 = 0.8;
const WIDENING_SHORT: f64 = 20.0;
const WIDEST: f64 = 3.0;
const LEVELS: [f64; 5] = [0.025, 0.1, 0.5, 0.9, 0.975];

/// Forecasts a series that is not constant; `None` if it is too short for this.
pub(super) fn forecast(values: &[f64], steps: usize, known: Known) -> Option<Forecast> {
    let origins = Origins::spread(values.len(), steps)?;
    let season = Season::of(values, known.period, steps);
    let repetition = Repetition::of(values);
    let candidates = candidates(values, &season, repetition.as_ref(), &origins, steps);
    let came = Table::of(steps, origins.past(), |step| {
        move |origin| values[origin + step]
    });
    let stacked = stack(&candidates, values, &season, &came, &origins);
    let past = Past {
        values,
        season: &season,
        repetition: repetition.as_ref(),
        origins: &origins,
        came: &came,
        said: &stacked.forecasts,
    };
    let continuations = past.continuations();
    let present = origins.present();
    let said: Vec<f64> = (0..steps)
        .map(|step| stacked.forecasts.row(step)[present])
        .collect();
    let model = Model {
        name: Model::STACK,
        weights: stacked.weights,
        period: season.period,
        verdict: known.verdict,
        origins: present,
    };
    let extent = Extent {
        samples: values.len(),
        scarcity: origins.scarcity(steps),
        positive: values.iter().all(|value| *value >= 0.0),
    };
    Some(from_paths(&said, continuations, &extent, model))
}

/// How much of the past the paths are from.
pub(super) struct Extent {
    pub(super) samples: usize,
    /// [`Origins::scarcity`].
    pub(super) scarcity: f64,
    /// Whether the series was never below zero.
    pub(super) positive: bool,
}

/// Puts a forecast together: the point is the weighted mean of what was said and the median of the band paths; bands come
/// from the band paths, quantities of the whole horizon from the event paths. Nothing is below zero if the series never was.
pub(super) fn from_paths(
    said: &[f64],
    continuations: Continuations,
    past: &Extent,
    model: Model,
) -> Forecast {
    let steps = said.len();
    let floor = if past.positive {
        0.0
    } else {
        f64::NEG_INFINITY
    };
    let mut forecast = Forecast {
        mean: Vec::with_capacity(steps),
        lower: Vec::with_capacity(steps),
        lower_80: Vec::with_capacity(steps),
        median: Vec::with_capacity(steps),
        upper_80: Vec::with_capacity(steps),
        upper: Vec::with_capacity(steps),
        min: Estimate::default(),
        max: Estimate::default(),
        average: Estimate::default(),
        paths: continuations.events,
        model,
    };
    let wider =
        WIDENING * past.scarcity.powf(WIDENING_POWER) + WIDENING_SHORT / past.samples as f64;
    let wider = (1.0 + wider).min(WIDEST);
    let Bands { values, weights } = continuations.bands;
    let mut quantiles = Quantiles::of(&weights);
    let mut of_step = vec![0.0; weights.len()];
    for (step, said) in said.iter().enumerate() {
        for (value, path) in of_step.iter_mut().zip(values.chunks_exact(steps)) {
            *value = path[step];
        }
        let [low, low_80, median, high_80, high] = quantiles.at(&of_step, &LEVELS);
        let mean = STACKED * said + (1.0 - STACKED) * median;
        let below = |low: f64| (mean - wider * (mean - low).max(0.0)).min(median);
        let above = |high: f64| (mean + wider * (high - mean).max(0.0)).max(median);
        forecast.mean.push(mean);
        forecast.lower.push(below(low));
        forecast.lower_80.push(below(low_80));
        forecast.median.push(median);
        forecast.upper_80.push(above(high_80));
        forecast.upper.push(above(high));
    }
    let paths = forecast.paths.iter_mut().map(|path| &mut path.values);
    let all = [
        &mut forecast.mean,
        &mut forecast.lower,
        &mut forecast.lower_80,
        &mut forecast.median,
        &mut forecast.upper_80,
        &mut forecast.upper,
    ];
    for value in paths.chain(all).flatten() {
        *value = value.max(floor);
    }
    let found = estimates(&forecast, past.scarcity).map(|found| Estimate {
        value: found.value.max(floor),
        lower: found.lower.max(floor),
        upper: found.upper.max(floor),
    });
    [forecast.min, forecast.max, forecast.average] = found;
    forecast
}
