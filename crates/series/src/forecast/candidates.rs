//! The simple models whose weighted mean is the point forecast.

use super::{
    autoregression,
    origins::{Origins, Table},
    season::Season,
};
use crate::moments::mean;

/// The order of the autoregressions.
const ORDER: usize = 20;
/// The window of the median, samples.
const MEDIAN: usize = 60;
/// The weights of the newest value in the two exponential means.
const FAST: f64 = 0.3;
const SLOW: f64 = 0.08;

/// A model and what it said at each moment.
pub(super) struct Candidate {
    /// Its name, as the document has it.
    pub(super) name: &'static str,
    /// Its forecasts, in the series' own unit.
    pub(super) forecasts: Table,
}

/// All candidates: the last value; autoregressions of levels and of differences; exponential means (Brown 1959); the
/// median; and, of a seasonal series, the last value with the season and the value one period ago. All but the last
/// value work on the season-adjusted series and add the season again.
pub(super) fn candidates(
    values: &[f64],
    season: &Season,
    origins: &Origins,
    steps: usize,
) -> Vec<Candidate> {
    let moments = &origins.all;
    let adjusted = &season.adjusted;
    let order = ORDER.min(origins.lead() - 2);
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

    let last = Table::of(steps, moments, |_, origin| values[origin - 1]);
    let fast = exponential_means(adjusted, FAST);
    let slow = exponential_means(adjusted, SLOW);
    let window = MEDIAN.min(origins.lead());
    let mut all = vec![
        candidate("last", last),
        candidate("ar", of_levels(season, moments, order, steps)),
        candidate("ar_diff", of_differences(season, moments, order, steps)),
        candidate("ses_fast", flat(&|origin| fast[origin])),
        candidate("ses_slow", flat(&|origin| slow[origin])),
        candidate(
            "median",
            flat(&|origin| median(&adjusted[origin - window..origin])),
        ),
    ];
    if let Some(period) = season.period {
        all.push(candidate(
            "last_season",
            flat(&|origin| adjusted[origin - 1]),
        ));
        let naive = Table::of(steps, moments, |step, origin| {
            let back = period * (step / period + 1);
            match (origin + step).checked_sub(back) {
                Some(same_phase) => values[same_phase],
                None => adjusted[origin - 1] + season.parts[origin + step],
            }
        });
        all.push(candidate("seasonal_naive", naive));
    }
    all
}

fn of_levels(season: &Season, moments: &[usize], order: usize, steps: usize) -> Table {
    let level = mean(&season.adjusted);
    let centred: Vec<f64> = season.adjusted.iter().map(|value| value - level).collect();
    let coefficients = autoregression::fit(&centred, order);
    let mut table = autoregression::forecasts(&centred, &coefficients, moments, steps);
    for step in 0..steps {
        for (value, origin) in table.row_mut(step).iter_mut().zip(moments) {
            *value += level + season.parts[origin + step];
        }
    }
    table
}

fn of_differences(season: &Season, moments: &[usize], order: usize, steps: usize) -> Table {
    let differences: Vec<f64> = season
        .adjusted
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    let coefficients = autoregression::fit(&differences, order);
    let earlier: Vec<usize> = moments.iter().map(|origin| origin - 1).collect();
    let mut table = autoregression::forecasts(&differences, &coefficients, &earlier, steps);
    for step in 1..steps {
        let (before, row) = table.split(step);
        for (value, change) in row.iter_mut().zip(before.row(step - 1)) {
            *value += change;
        }
    }
    for step in 0..steps {
        for (value, origin) in table.row_mut(step).iter_mut().zip(moments) {
            *value += season.adjusted[origin - 1] + season.parts[origin + step];
        }
    }
    table
}

/// The exponential mean before each index, and after the last.
fn exponential_means(values: &[f64], newest: f64) -> Vec<f64> {
    let mut level = values[0];
    let mut means = Vec::with_capacity(values.len() + 1);
    means.push(level);
    for value in values {
        level += newest * (value - level);
        means.push(level);
    }
    means
}

fn median(window: &[f64]) -> f64 {
    let mut sorted = window.to_vec();
    let middle = sorted.len() / 2;
    *sorted.select_nth_unstable_by(middle, f64::total_cmp).1
}
