//! The forecast itself: candidates, their weighted mean, paths, bands.

use super::{
    Estimate, Forecast, Known, Model, Path,
    candidates::candidates,
    origins::{Origins, Table},
    paths::{Pools, WeightedPath},
    quantile::weighted_quantiles,
    season::Season,
    stacking::stack,
};

/// The bands, not the probabilities, are this much wider about the median than the paths.
const WIDENING: f64 = 1.05;
const LEVELS: [f64; 5] = [0.025, 0.1, 0.5, 0.9, 0.975];

/// Forecasts a series that is not constant; `None` if it is too short for this.
pub(super) fn forecast(values: &[f64], steps: usize, known: Known) -> Option<Forecast> {
    let origins = Origins::spread(values.len(), steps)?;
    let season = Season::of(values, known.period, steps);
    let candidates = candidates(values, &season, &origins, steps);
    let came = Table::of(steps, origins.past(), |step, origin| values[origin + step]);
    let stacked = stack(&candidates, &came, &origins);
    let pools = Pools::gather(values, &season, &origins, &came, &stacked.forecasts);
    let present = origins.past().len();
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
    Some(from_paths(&said, pools.bands, pools.events, model))
}

/// Puts a forecast together: the point is the mean of what was said and the median of the band paths; bands come
/// from the band paths, quantities of the whole horizon from the event paths.
pub(super) fn from_paths(
    said: &[f64],
    bands: Vec<WeightedPath>,
    events: Vec<Path>,
    model: Model,
) -> Forecast {
    let steps = said.len();
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
        paths: events,
        model,
    };
    let mut pairs = Vec::with_capacity(bands.len());
    for (step, said) in said.iter().enumerate() {
        pairs.clear();
        pairs.extend(bands.iter().map(|path| (path.values[step], path.weight)));
        let [low, low_80, median, high_80, high] = weighted_quantiles(&mut pairs, &LEVELS);
        let mean = 0.5 * (said + median);
        forecast.mean.push(mean);
        let below = |low: f64| (median - WIDENING * (median - low).max(0.0)).min(mean);
        let above = |high: f64| (median + WIDENING * (high - median).max(0.0)).max(mean);
        forecast.lower.push(below(low));
        forecast.lower_80.push(below(low_80));
        forecast.median.push(median);
        forecast.upper_80.push(above(high_80));
        forecast.upper.push(above(high));
    }
    forecast.estimate_horizon();
    forecast
}
