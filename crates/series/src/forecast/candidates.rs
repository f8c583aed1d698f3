//! The simple models whose weighted mean is the point forecast.

use super::{
    autoregression,
    cycles::Cycles,
    drift,
    origins::{Origins, Table},
    repetition::{self, Repetition},
    season::Season,
};
use crate::moments::mean;

/// The order of the autoregressions, and how many samples there must be for each of their coefficients.
const ORDER: usize = 20;
const SAMPLES: usize = 10;
/// The window of the median, samples.
const MEDIAN: usize = 60;
/// The weights of the newest value in the two exponential means.
const FAST: f64 = 0.3;
const SLOW: f64 = 0.08;
/// The cycles that a seasonal mean is of.
const CYCLES: usize = 3;

/// A model and what it said at each moment.
pub(super) struct Candidate {
    /// Its name, as the document has it.
    pub(super) name: &'static str,
    /// Its forecasts, in the series' own unit.
    pub(super) forecasts: Table,
}

/// All candidates: the last value; autoregressions of levels and, with a drift, of differences; exponential means (Brown
/// 1959); the median; of a seasonal series, the value one period ago and the mean of the last three; of a series that
/// repeats itself, what the repetition says.
pub(super) fn candidates(
    values: &[f64],
    season: &Season,
    repetition: Option<&Repetition>,
    origins: &Origins,
    steps: usize,
) -> Vec<Candidate> {
    let moments = &origins.all;
    let adjusted = &season.adjusted;
    let order = ORDER.min(origins.lead() - 2).min(values.len() / SAMPLES);
    let flat = |level: &dyn Fn(usize) -> f64| {
        let levels: Vec<f64> = moments.iter().map(|&origin| level(origin)).collect();
        let mut table = Table::zeros(steps, moments.len());
        for step in 0..steps {
            for ((value, level), origin) in table.row_mut(step).iter_mut().zip(&levels).zip(moments)
            {
                *value = level + season.parts[origin + step];
            }
        }
        table
    };
    let candidate = |name, forecasts| Candidate { name, forecasts };

    let last = Table::of(steps, moments, |_| |origin| values[origin - 1]);
    let [fast, slow] = exponential_means(adjusted, [FAST, SLOW]);
    let window = MEDIAN.min(origins.lead());
    let mut all = vec![
        candidate("last", last),
        candidate("ar", of_levels(season, moments, order, steps)),
        candidate("ar_drift", drift::forecasts(season, moments, order, steps)),
        candidate("ses_fast", flat(&|origin| fast[origin])),
        candidate("ses_slow", flat(&|origin| slow[origin])),
        candidate(
            "median",
            flat(&|origin| median(&adjusted[origin - window..origin])),
        ),
    ];
    if let Some(period) = season.period {
        let cyclic = |count| {
            let cycles = Cycles::new(values, period, count, steps);
            Table::of(steps, moments, |step| {
                let means = cycles.after(step);
                move |origin| match means[origin] {
                    mean if mean.is_nan() => adjusted[origin - 1] + season.parts[origin + step],
                    mean => mean,
                }
            })
        };
        all.push(candidate("seasonal_naive", cyclic(1)));
        all.push(candidate("seasonal_mean3", cyclic(CYCLES)));
    }
    if let Some(repetition) = repetition.filter(|found| found.is_model(season.period)) {
        let said = repetition::forecasts(values, repetition.lag, moments, order, steps);
        all.push(candidate("lag", said));
    }
    all
}

fn of_levels(season: &Season, moments: &[usize], order: usize, steps: usize) -> Table {
    let level = mean(&season.adjusted);
    let centred: Vec<f64> = season.adjusted.iter().map(|value| value - level).collect();
    let coefficients = autoregression::fit(&centred, order).coefficients;
    let mut table = autoregression::forecasts(&centred, &coefficients, moments, steps);
    for step in 0..steps {
        for (value, origin) in table.row_mut(step).iter_mut().zip(moments) {
            *value += level + season.parts[origin + step];
        }
    }
    table
}

/// The exponential means before each index, and after the last, by the weights of the newest value.
fn exponential_means(values: &[f64], newest: [f64; 2]) -> [Vec<f64>; 2] {
    let mut levels = [values[0]; 2];
    let mut means = levels.map(|level| vec![level; values.len() + 1]);
    for (index, value) in (1..).zip(values) {
        for ((level, newest), means) in levels.iter_mut().zip(newest).zip(&mut means) {
            *level += newest * (value - *level);
            means[index] = *level;
        }
    }
    means
}

fn median(window: &[f64]) -> f64 {
    let mut sorted = window.to_vec();
    let middle = sorted.len() / 2;
    *sorted.select_nth_unstable_by(middle, f64::total_cmp).1
}
