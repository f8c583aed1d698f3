//! What a forecast was worth, and the means over many.

use series::{
    Reason,
    forecast::{Estimate, Forecast},
};

/// The scores of one forecast.
pub(crate) struct Scored {
    /// Whose it is.
    pub(crate) series: usize,
    /// Mean absolute error of the point and of the last value, by the mean absolute difference of the window.
    error: f64,
    last_value_error: f64,
    /// Interval score of the 95 % band (Gneiting and Raftery 2007) and of the last value +- 1.96 s sqrt(k), by the same.
    interval: f64,
    last_value_interval: f64,
    /// The share of steps inside the band, and whether smallest, greatest and mean value were in their intervals.
    inside: [f64; 4],
    /// Probability and outcome of "leaves the 2 to 98 % band of the window" and of "rises above its 95 % quantile", both
    /// moved outwards by 2 % of that band.
    events: [(f64, bool); 2],
}

impl Scored {
    pub(crate) fn new(
        series: usize,
        window: &[f64],
        future: &[f64],
        found: &Forecast,
    ) -> Result<Self, Reason> {
        let count = future.len() as f64;
        let changes = || window.windows(2).map(|pair| pair[1] - pair[0]);
        let changed = window.len() as f64 - 1.0;
        let scale = changes().map(f64::abs).sum::<f64>() / changed;
        let spread = (changes().map(|change| change * change).sum::<f64>() / changed).sqrt();
        let last = window[window.len() - 1];
        let mut scored = Self {
            series,
            error: 0.0,
            last_value_error: 0.0,
            interval: 0.0,
            last_value_interval: 0.0,
            inside: [0.0; 4],
            events: events(window, future, found)?,
        };
        for (step, &came) in future.iter().enumerate() {
            let (lower, upper) = (found.lower[step], found.upper[step]);
            let half = 1.96 * spread * (step as f64 + 1.0).sqrt();
            let share = 1.0 / (scale * count);
            scored.error += share * (found.mean[step] - came).abs();
            scored.last_value_error += share * (last - came).abs();
            scored.interval += share * interval_score(lower, upper, came);
            scored.last_value_interval += share * interval_score(last - half, last + half, came);
            scored.inside[0] += f64::from((lower..=upper).contains(&came)) / count;
        }
        let least = future.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = future.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let average = future.iter().sum::<f64>() / count;
        let held =
            |estimate: Estimate, came| f64::from((estimate.lower..=estimate.upper).contains(&came));
        scored.inside[1] = held(found.min, least);
        scored.inside[2] = held(found.max, greatest);
        scored.inside[3] = held(found.average, average);
        Ok(scored)
    }
}

fn interval_score(lower: f64, upper: f64, came: f64) -> f64 {
    (upper - lower) + 40.0 * ((lower - came).max(0.0) + (came - upper).max(0.0))
}

fn events(window: &[f64], future: &[f64], found: &Forecast) -> Result<[(f64, bool); 2], Reason> {
    let mut sorted = window.to_vec();
    sorted.sort_by(f64::total_cmp);
    let outermost = window.len() / 50;
    let (low, high) = (sorted[outermost], sorted[window.len() - 1 - outermost]);
    let margin = 0.02 * (high - low) + 1e-9 * high.abs();
    let (low, high) = (low - margin, high + margin);
    let often = sorted[(0.95 * (window.len() - 1) as f64) as usize] + margin;
    Ok([
        (
            found.probability(Some(low), Some(high))?,
            future.iter().any(|value| !(low..=high).contains(value)),
        ),
        (
            found.probability(None, Some(often))?,
            future.iter().any(|value| *value > often),
        ),
    ])
}

/// What the columns of [`line`] are.
pub(crate) fn heading() -> String {
    format!(
        "{:32} {:>4} {:>6} {:>6} {:>6} | {:>6} {:>6} {:>6} {:>6} {:>6} | {:>5} {:>5} {:>5} {:>5}",
        "",
        "n",
        "MASE",
        "rel",
        "relIS",
        "leave",
        "above",
        "ECE",
        "ECE",
        "ECE",
        "band",
        "min",
        "max",
        "mean",
    )
}

/// The means over the forecasts chosen: MASE; MASE and interval score relative to the last value's, geometric means over
/// series of (score + .1) / (last value's + .1); Brier scores of both events; calibration errors of the first, of the
/// second and of both; coverages.
pub(crate) fn line(name: &str, scored: &[Scored], chosen: impl Fn(&Scored) -> bool) -> String {
    let chosen: Vec<&Scored> = scored.iter().filter(|one| chosen(one)).collect();
    let mean = |of: &dyn Fn(&Scored) -> f64| {
        chosen.iter().map(|one| of(one)).sum::<f64>() / chosen.len() as f64
    };
    let brier =
        |event: usize| mean(&|one| (one.events[event].0 - f64::from(one.events[event].1)).powi(2));
    let pairs = |event: usize| chosen.iter().map(move |one| one.events[event]);
    let inside = |place: usize| mean(&|one| one.inside[place]);
    format!(
        "{name:32} {:4} {:6.3} {:6.3} {:6.3} | {:6.4} {:6.4} {:6.3} {:6.3} {:6.3} | {:5.3} {:5.3} {:5.3} {:5.3}",
        chosen.len(),
        mean(&|one| one.error),
        relative(&chosen, |one| (one.error, one.last_value_error)),
        relative(&chosen, |one| (one.interval, one.last_value_interval)),
        brier(0),
        brier(1),
        calibration_error(pairs(0)),
        calibration_error(pairs(1)),
        calibration_error(pairs(0).chain(pairs(1))),
        inside(0),
        inside(1),
        inside(2),
        inside(3),
    )
}

fn relative(chosen: &[&Scored], scores: impl Fn(&Scored) -> (f64, f64)) -> f64 {
    let mut logarithms = Vec::new();
    for series in chosen.chunk_by(|a, b| a.series == b.series) {
        let (mut ours, mut theirs) = (0.0, 0.0);
        for one in series {
            let (our, their) = scores(one);
            ours += our / series.len() as f64;
            theirs += their / series.len() as f64;
        }
        logarithms.push(((ours + 0.1) / (theirs + 0.1)).ln());
    }
    (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp()
}

/// The expected calibration error over ten bins of probability.
fn calibration_error(pairs: impl Iterator<Item = (f64, bool)>) -> f64 {
    let mut bins = [0.0; 10];
    let mut count = 0.0;
    for (probability, happened) in pairs {
        bins[((10.0 * probability) as usize).min(9)] += probability - f64::from(happened);
        count += 1.0;
    }
    bins.iter().map(|bin| bin.abs()).sum::<f64>() / count
}
