//! MacKinnon's distribution of the unit-root statistic for one series.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{CriticalValues, Deterministic};

/// One regression's tables.
struct Tables {
    /// Above this the p-value is 1.
    greatest: f64,
    /// Below this the p-value is 0.
    smallest: f64,
    /// Up to this the left tail's polynomial holds.
    turn: f64,
    /// Coefficients of the left tail, constant first (MacKinnon 1994, table 3).
    left: [f64; 3],
    /// Coefficients of the rest (ibid., table 4).
    right: [f64; 4],
    /// Coefficients in 1/T of the 1, 5 and 10 % values (MacKinnon 2010, table 1).
    critical: [[f64; 4]; 3],
}

const CONSTANT: Tables = Tables {
    greatest: 2.74,
    smallest: -18.83,
    turn: -1.61,
    left: [2.1659, 1.4412, 0.038269],
    right: [1.7339, 0.93202, -0.12745, -0.010368],
    critical: [
        [-3.43035, -6.5393, -16.786, -79.433],
        [-2.86154, -2.8903, -4.234, -40.04],
        [-2.56677, -1.5384, -2.809, 0.0],
    ],
};

const TREND: Tables = Tables {
    greatest: 0.7,
    smallest: -16.18,
    turn: -2.89,
    left: [3.2512, 1.6047, 0.049588],
    right: [2.5261, 0.61654, -0.37956, -0.060285],
    critical: [
        [-3.95877, -9.0531, -28.428, -134.155],
        [-3.41049, -4.3904, -9.036, -45.374],
        [-3.12705, -2.5856, -3.925, -22.38],
    ],
};

fn tables(deterministic: Deterministic) -> &'static Tables {
    match deterministic {
        Deterministic::Constant => &CONSTANT,
        Deterministic::Trend => &TREND,
    }
}

/// The approximate asymptotic p-value of a statistic.
pub(super) fn pvalue(statistic: f64, deterministic: Deterministic) -> f64 {
    let tables = tables(deterministic);
    if statistic > tables.greatest {
        1.0
    } else if statistic < tables.smallest {
        0.0
    } else if statistic <= tables.turn {
        Normal::standard().cdf(polynomial(&tables.left, statistic))
    } else {
        Normal::standard().cdf(polynomial(&tables.right, statistic))
    }
}

/// The critical values for a regression with that many observations.
pub(super) fn critical_values(observations: usize, deterministic: Deterministic) -> CriticalValues {
    let inverse = 1.0 / observations as f64;
    let [one, five, ten] = tables(deterministic)
        .critical
        .map(|coefficients| polynomial(&coefficients, inverse));
    CriticalValues {
        one_percent: one,
        five_percent: five,
        ten_percent: ten,
    }
}

/// Horner's rule, the constant first.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients
        .iter()
        .rev()
        .fold(0.0, |sum, coefficient| sum * x + coefficient)
}
