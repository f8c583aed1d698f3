//! The test of Kwiatkowski, Phillips, Schmidt and Shin: is the series stationary?

use crate::{
    Reason,
    moments::{centred, detrend, rescaled},
    products::{autoproducts, dot},
    reason::refuse_unusable,
    unit_root::Deterministic,
};

/// The p-values at [`LEVEL_CRITICAL`] and [`TREND_CRITICAL`].
const P_VALUES: [f64; 4] = [0.1, 0.05, 0.025, 0.01];
/// Critical values around a level (Kwiatkowski et al. 1992, table 1).
const LEVEL_CRITICAL: [f64; 4] = [0.347, 0.463, 0.574, 0.739];
/// Critical values around a trend (ibid.).
const TREND_CRITICAL: [f64; 4] = [0.119, 0.146, 0.176, 0.216];
/// Residuals this small against the values are rounding, not noise.
const ROUNDING: f64 = 1e-26;

/// How many autocovariances the long-run variance counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bandwidth {
    /// Chosen from the data (Hobijn, Franses and Ooms 1998).
    #[default]
    Automatic,
    /// `12 (n / 100)^(1/4)`, rounded up (Schwert 1989).
    Legacy,
}

/// What the test says. The null hypothesis is stationarity: a small p speaks for a unit root.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kpss {
    /// The statistic, not negative.
    pub statistic: f64,
    /// The p-value, interpolated in the published table and clipped to its ends: 0.01 to 0.1.
    pub pvalue: f64,
    /// Whether the statistic lies outside the table, so that p is only a bound.
    pub clipped: bool,
    /// How many autocovariances the long-run variance counts.
    pub lags: usize,
}

/// Tests a complete series for stationarity around a level or a trend.
///
/// With `e` the residuals of the level or trend and `S_t` their partial sums, the statistic is
/// `sum S_t^2 / (n^2 s^2)`; `s^2` is the long-run variance with Bartlett weights (Newey and West 1987).
///
/// # Errors
///
/// [`Reason::TooShort`] below four values, [`Reason::NotFinite`], [`Reason::Constant`], [`Reason::Degenerate`] if the
/// level or trend explains everything.
pub fn kpss(
    values: &[f64],
    deterministic: Deterministic,
    bandwidth: Bandwidth,
) -> Result<Kpss, Reason> {
    refuse_unusable(values)?;
    let (values, _) = rescaled(values);
    let mut residuals = centred(&values);
    let before = dot(&residuals, &residuals);
    if deterministic == Deterministic::Trend {
        detrend(&mut residuals);
    }
    let n = residuals.len();
    let count = n as f64;
    let first_products = autoproducts(&residuals, count.powf(2.0 / 9.0) as usize);
    if first_products[0] <= ROUNDING * before {
        return Err(Reason::Degenerate);
    }
    let lags = match bandwidth {
        Bandwidth::Automatic => hobijn(&first_products, count),
        Bandwidth::Legacy => (12.0 * (count / 100.0).powf(0.25)).ceil() as usize,
    }
    .min(n - 1);
    let sums = partial_sums(&residuals);
    let variance = long_run_variance(&sums, lags) / count;
    let squares = dot(&sums[1..], &sums[1..]);
    let statistic = squares / (count * count) / variance;
    if !statistic.is_finite() || statistic < 0.0 {
        return Err(Reason::Degenerate);
    }
    let (pvalue, clipped) = tabulated(statistic, deterministic);
    Ok(Kpss {
        statistic,
        pvalue,
        clipped,
        lags,
    })
}

/// The bandwidth of Hobijn, Franses and Ooms (1998) for Bartlett weights, from the autoproducts up to lag n^(2/9).
fn hobijn(products: &[f64], count: f64) -> usize {
    let mut zeroth = products[0] / count;
    let mut first = 0.0;
    for (lag, product) in products.iter().enumerate().skip(1) {
        let product = product / (count / 2.0);
        zeroth += product;
        first += lag as f64 * product;
    }
    let ratio = first / zeroth;
    let third = 1.0 / 3.0;
    // A float that is NaN or too great becomes 0 or the greatest number; the caller bounds it by n - 1.
    (1.1447 * (ratio * ratio).powf(third) * count.powf(third)) as usize
}

/// The sums of the first 0, 1, 2, ... values.
fn partial_sums(values: &[f64]) -> Vec<f64> {
    let mut sums = Vec::with_capacity(values.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for value in values {
        sum += value;
        sums.push(sum);
    }
    sums
}

/// The long-run variance times n: the sum of autoproducts with weights that fall linearly to zero beyond `lags`.
///
/// It is the mean squared sum of so many and one neighbours, zeros before the first value and after the last: in the square of
/// the sum of `w` neighbours there are `w - k` products of two that are `k` apart.
fn long_run_variance(sums: &[f64], lags: usize) -> f64 {
    let width = lags + 1;
    let total = sums[sums.len() - 1];
    let square = |sum: f64| sum * sum;
    let first: f64 = sums[1..width].iter().map(|sum| square(*sum)).sum();
    let whole = sums.iter().zip(&sums[width..]);
    let whole: Vec<f64> = whole.map(|(before, after)| after - before).collect();
    let last = &sums[sums.len() - width..sums.len() - 1];
    let last: f64 = last.iter().map(|sum| square(total - sum)).sum();
    (first + dot(&whole, &whole) + last) / width as f64
}

fn tabulated(statistic: f64, deterministic: Deterministic) -> (f64, bool) {
    let critical = match deterministic {
        Deterministic::Constant => LEVEL_CRITICAL,
        Deterministic::Trend => TREND_CRITICAL,
    };
    if statistic < critical[0] {
        return (P_VALUES[0], true);
    }
    for row in 1..critical.len() {
        if statistic <= critical[row] {
            let share = (statistic - critical[row - 1]) / (critical[row] - critical[row - 1]);
            let pvalue = P_VALUES[row - 1] + share * (P_VALUES[row] - P_VALUES[row - 1]);
            return (pvalue, false);
        }
    }
    (P_VALUES[3], true)
}
