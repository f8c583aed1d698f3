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
    /// Whether the forecasts are of the series without its season.
    pub(super) adjusted: bool,
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
    let raw = |name, forecasts| Candidate {
        name,
        adjusted: false,
        forecasts,
    };
    let adjusted_of = |name, forecasts| Candidate {
        name,
        adjusted: true,
        forecasts,
    };

    let last = moments.iter().map(|origin| values[origin - 1]).collect();
    let means = exponential_means(adjusted, [FAST, SLOW]);
    let [fast, slow] = means.map(|means| moments.iter().map(|origin| means[*origin]).collect());
    let window = MEDIAN.min(origins.lead());
    let middle = medians(adjusted, moments, window);
    let mut all = vec![
        raw("last", Table::flat(steps, last)),
        adjusted_of("ar", of_levels(adjusted, moments, order, steps)),
        adjusted_of(
            "ar_drift",
            drift::forecasts(adjusted, moments, order, steps),
        ),
        adjusted_of("ses_fast", Table::flat(steps, fast)),
        adjusted_of("ses_slow", Table::flat(steps, slow)),
        adjusted_of("median", Table::flat(steps, middle)),
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
        all.push(raw("seasonal_naive", cyclic(1)));
        all.push(raw("seasonal_mean3", cyclic(CYCLES)));
    }
    if let Some(repetition) = repetition.filter(|found| found.is_model(season.period)) {
        let said = repetition::forecasts(values, repetition.lag, moments, order, steps);
        all.push(raw("lag", said));
    }
    all
}

fn of_levels(adjusted: &[f64], moments: &[usize], order: usize, steps: usize) -> Table {
    let level = mean(adjusted);
    let centred: Vec<f64> = adjusted.iter().map(|value| value - level).collect();
    let fitted = autoregression::fit(&centred, order);
    let finish = |_, _: &[usize], said: &mut [f64; autoregression::LANES]| {
        *said = said.map(|distance| level + distance);
    };
    autoregression::forecasts(&centred, &fitted, moments, steps, finish)
}

/// The exponential means before each index, and after the last, by the weights of the newest value.
fn exponential_means(values: &[f64], newest: [f64; 2]) -> [Vec<f64>; 2] {
    let mut levels = [values[0]; 2];
    let mut means = levels.map(|level| {
        let mut means = Vec::with_capacity(values.len() + 1);
        means.push(level);
        means
    });
    for value in values {
        for ((level, newest), means) in levels.iter_mut().zip(newest).zip(&mut means) {
            *level += newest * (value - *level);
            means.push(*level);
        }
    }
    means
}

/// The medians of the window before each moment, in about the time of one.
///
/// The moments go back through the series, mostly by less than a window: what the windows have in common stays sorted.
fn medians(values: &[f64], moments: &[usize], window: usize) -> Vec<f64> {
    let mut sorted: Vec<f64> = Vec::with_capacity(window);
    let mut start = usize::MAX;
    let medians = moments.iter().map(|&moment| {
        let next = moment - window;
        if next <= start && start - next < window / 2 && !sorted.is_empty() {
            for (new, old) in (next..start).zip(next + window..) {
                replace(&mut sorted, values[old], values[new]);
            }
        } else {
            sorted.clear();
            sorted.extend(&values[next..moment]);
            sorted.sort_unstable_by(f64::total_cmp);
        }
        start = next;
        sorted[window / 2]
    });
    medians.collect()
}

/// Takes one value of a sorted list out and puts another one in.
fn replace(sorted: &mut [f64], old: f64, new: f64) {
    let place_of = |value: f64| sorted.partition_point(|other| *other < value);
    let (from, to) = (place_of(old), place_of(new));
    if from < to {
        sorted.copy_within(from + 1..to, from);
        sorted[to - 1] = new;
    } else {
        sorted.copy_within(to..from, to + 1);
        sorted[to] = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_of_its_window() {
        let values: Vec<f64> = (0..300).map(|t| f64::from(t * 7919 % 31)).collect();
        let moments: Vec<usize> = (60..250).rev().step_by(7).chain([300, 299, 295]).collect();
        for window in [1, 5, 60] {
            let plain = moments.iter().map(|moment| {
                let mut sorted = values[moment - window..*moment].to_vec();
                sorted.sort_by(f64::total_cmp);
                sorted[window / 2]
            });
            assert!(medians(&values, &moments, window).into_iter().eq(plain));
        }
    }
}
