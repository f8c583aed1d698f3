//! Smallest, greatest and mean value of a whole horizon.

use super::{Estimate, Forecast, extremes::extremes, quantile::Quantiles};

/// How far the ends of the average's interval go towards the mean of the band's: the first share, and so much more for
/// each unit of scarcity, up to the last.
const TOWARDS: f64 = 0.25;
const TOWARDS_SCARCE: f64 = 0.6;
const TOWARDS_MOST: f64 = 0.8;
/// The ends of the extremes' intervals that look inwards are stretched about the median by this much for each unit of the
/// root of scarcity.
const STRETCH: f64 = 1.5;

/// The estimates of the smallest, the greatest and the mean value: quantiles over the paths that agree with the bands.
///
/// The smallest value of a horizon is at most that of each step, so neither end of its interval can be above the least of
/// the band's; likewise for the greatest. The mean of the horizon varies less than that of a step, but paths of a short
/// past vary too little. `scarcity` is [`super::origins::Origins::scarcity`].
pub(super) fn estimates(forecast: &Forecast, scarcity: f64) -> [Estimate; 3] {
    let count = forecast.mean.len() as f64;
    let mean_of = |values: &[f64]| values.iter().map(|value| value / count).sum::<f64>();
    let weights: Vec<f64> = forecast.paths.iter().map(|path| path.weight).collect();
    let mut quantiles = Quantiles::of(&weights);
    let mut over_paths = |quantity: &dyn Fn(&[f64]) -> f64| {
        let quantities = forecast.paths.iter().map(|path| quantity(&path.values));
        quantiles.at(&quantities.collect::<Vec<f64>>(), &[0.025, 0.5, 0.975])
    };
    let average = mean_of(&forecast.mean);
    let stretch = 1.0 + STRETCH * scarcity.sqrt();

    let [low, middle, high] = over_paths(&least);
    let inner = high.min(least(&forecast.upper));
    let min = estimate(
        middle.min(average),
        low.min(least(&forecast.lower)),
        middle + stretch * (inner - middle),
    );
    let [low, middle, high] = over_paths(&greatest);
    let inner = low.max(greatest(&forecast.lower));
    let max = estimate(
        middle.max(average),
        middle + stretch * (inner - middle),
        high.max(greatest(&forecast.upper)),
    );
    let [low, _, high] = over_paths(&mean_of);
    let share = (TOWARDS + TOWARDS_SCARCE * scarcity).min(TOWARDS_MOST);
    let average = estimate(
        average,
        low.min(low + share * (mean_of(&forecast.lower) - low)),
        high.max(high + share * (mean_of(&forecast.upper) - high)),
    );
    [min, max, average]
}

fn least(values: &[f64]) -> f64 {
    extremes(values).0
}

fn greatest(values: &[f64]) -> f64 {
    extremes(values).1
}

fn estimate(value: f64, lower: f64, upper: f64) -> Estimate {
    Estimate {
        value,
        lower: lower.min(value),
        upper: upper.max(value),
    }
}
