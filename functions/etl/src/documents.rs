//! The statistics of a series in the words of its messages.
//!
//! What is measured keeps all its digits. What is estimated has those that say something: the others are noise, which nobody
//! reads and everybody stores.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Finding, Timestamp,
    decimals::{Decimals, shares},
    forecast::{
        Baseline, ConfidenceIntervals, Forecast, HORIZON, Interval, Model, PathExtreme, PathPoint,
    },
    message::{
        Autocorrelation, Correlogram, Kpss, LjungBox, MetadataDocument, PredictionDocument,
        Seasonality, SeriesReference, Stationarity, UnitRootTest, Verdict,
    },
};
use series::{analysis::Analysis, forecast, forecast::Estimate, unit_root::CriticalValues};

/// Of autocorrelations and their bounds: what a number below 1 holds.
const OF_CORRELATION: Decimals = Decimals::new(15);
/// The last place of a seasonal pattern, as a share of the pattern's height.
const SHARE_OF_PATTERN: f64 = 1e-9;
/// The last place of a forecast, as a share of its narrowest 95 % band.
const SHARE_OF_BAND: f64 = 1e-3;
/// Weights of a forecast are multiples of one in so many.
const PARTS_OF_WEIGHT: u32 = 10_000;

/// What kind of series it is.
pub fn metadata(series: SeriesReference, found: &Analysis, as_of: Timestamp) -> MetadataDocument {
    MetadataDocument {
        series,
        as_of,
        step_seconds: found.step_seconds,
        samples_used: found.samples_used as u64,
        coverage: found.coverage,
        autocorrelation: Finding::from(found.autocorrelation.as_ref().map(autocorrelation)),
        stationarity: Finding::from(found.stationarity.as_ref().map(stationarity)),
        seasonality: Finding::from(
            found
                .seasonality
                .as_ref()
                .map(|found_season| seasonality(found_season, found)),
        ),
    }
}

/// What it will do, with what that is compared with later.
pub fn prediction(
    series: SeriesReference,
    found: &Analysis,
    baseline: Baseline,
    as_of: Timestamp,
) -> PredictionDocument {
    let step = Duration::from_secs_f64(found.step_seconds);
    PredictionDocument {
        series,
        as_of,
        horizon_seconds: HORIZON.as_secs_f64(),
        step_seconds: found.step_seconds,
        forecast: Finding::from(
            found
                .forecast
                .as_ref()
                .map(|forecast| told(forecast, baseline, as_of, step)),
        ),
    }
}

fn autocorrelation(found: &series::autocorrelation::Autocorrelation) -> Autocorrelation {
    let tests = found.q.last().zip(found.p.last());
    Autocorrelation {
        nlags: found.values.len().saturating_sub(1) as u64,
        lag_one: found.values.get(1).copied(),
        memory_lags: found.memory_lags() as u64,
        ljung_box: tests.map(|(q, p)| LjungBox {
            lags: found.q.len() as u64,
            q: *q,
            p: *p,
        }),
        correlogram: Some(Correlogram {
            values: rounded(&found.values, Some(OF_CORRELATION)),
            lower: rounded(&found.lower, Some(OF_CORRELATION)),
            upper: rounded(&found.upper, Some(OF_CORRELATION)),
        }),
    }
}

fn stationarity(found: &series::stationarity::Stationarity) -> Stationarity {
    let unit_root = |test: &series::unit_root::UnitRoot| UnitRootTest {
        statistic: test.statistic,
        pvalue: test.pvalue,
        lags: test.lags as u64,
        nobs: test.nobs as u64,
        critical: Some(critical(test.critical)),
        icbest: test.icbest,
    };
    let kpss = |test: &series::kpss::Kpss| Kpss {
        statistic: test.statistic,
        pvalue: test.pvalue,
        clipped: test.clipped,
        lags: test.lags as u64,
    };
    Stationarity {
        verdict: verdict(found.verdict),
        adf: Finding::from(found.adf.as_ref().map(unit_root)),
        kpss: Finding::from(found.kpss.as_ref().map(kpss)),
        adf_ct: Some(Finding::from(found.adf_trend.as_ref().map(unit_root))),
        kpss_ct: Some(Finding::from(found.kpss_trend.as_ref().map(kpss))),
    }
}

fn verdict(found: series::stationarity::Verdict) -> Verdict {
    use series::stationarity::Verdict as Found;
    match found {
        Found::Stationary => Verdict::Stationary,
        Found::UnitRoot => Verdict::UnitRoot,
        Found::TrendStationary => Verdict::TrendStationary,
        Found::Heteroscedastic => Verdict::Heteroscedastic,
        Found::Inconclusive => Verdict::Inconclusive,
    }
}

/// By level.
fn critical(values: CriticalValues) -> BTreeMap<String, f64> {
    [
        ("1%", values.one_percent),
        ("5%", values.five_percent),
        ("10%", values.ten_percent),
    ]
    .map(|(level, value)| (level.to_owned(), value))
    .into()
}

fn seasonality(season: &series::seasonality::Seasonality, found: &Analysis) -> Seasonality {
    Seasonality {
        period_seconds: season
            .period
            .map(|period| period.samples as f64 * found.step_seconds),
        score: season.period.map(|period| period.score),
        trend_strength: season.strengths.map(|strengths| strengths.trend),
        season_strength: season.strengths.map(|strengths| strengths.season),
        slope_per_hour: Some(season.slope_per_hour),
        pattern: season.pattern.as_deref().map(|pattern| {
            let height = height(pattern.iter().copied());
            rounded(
                pattern,
                Decimals::no_coarser_than(SHARE_OF_PATTERN * height),
            )
        }),
    }
}

/// From the smallest to the greatest; infinite without values.
fn height(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    (values.fold(f64::NEG_INFINITY, f64::max) - least).abs()
}

/// The values with so many places, or as they are.
fn rounded(values: &[f64], decimals: Option<Decimals>) -> Vec<f64> {
    let round = |value: &f64| decimals.map_or(*value, |decimals| decimals.round(*value));
    values.iter().map(round).collect()
}

/// All values with the same places, so that none leaves its band and no interval its forecast.
fn told(
    found: &forecast::Forecast,
    baseline: Baseline,
    as_of: Timestamp,
    step: Duration,
) -> Forecast {
    let widths = found
        .upper
        .iter()
        .zip(&found.lower)
        .map(|(upper, lower)| upper - lower);
    // A band without width is of a series that stands still: all its numbers are its own.
    let narrowest = widths
        .filter(|width| *width > 0.0)
        .fold(f64::INFINITY, f64::min);
    let decimals = Decimals::no_coarser_than(SHARE_OF_BAND * narrowest);
    let round = |value: f64| decimals.map_or(value, |decimals| decimals.round(value));
    let interval = |estimate: Estimate| Interval {
        lower: round(estimate.lower),
        upper: round(estimate.upper),
    };
    let path = (0..found.mean.len()).map(|position| PathPoint {
        time: as_of + step * (position as u32 + 1),
        mean: round(found.mean[position]),
        lower: round(found.lower[position]),
        lower_80: Some(round(found.lower_80[position])),
        median: round(found.median[position]),
        upper_80: Some(round(found.upper_80[position])),
        upper: round(found.upper[position]),
    });
    Forecast {
        min: round(found.min.value),
        max: round(found.max.value),
        average: round(found.average.value),
        intervals: ConfidenceIntervals {
            min: interval(found.min),
            max: interval(found.max),
            average: interval(found.average),
        },
        path: path.collect(),
        model: model(&found.model, step),
        baseline: Some(baseline),
        recent_scores: None,
        path_extremes: Some(extremes(&found.paths, round)),
    }
}

fn model(found: &forecast::Model, step: Duration) -> Model {
    let (names, weights): (Vec<_>, Vec<_>) = found.weights.iter().copied().unzip();
    let names = names.into_iter().map(str::to_owned);
    Model {
        name: found.name.to_owned(),
        why: found.why(),
        period_seconds: found
            .period
            .map(|period| period as f64 * step.as_secs_f64()),
        weights: names.zip(shares(&weights, PARTS_OF_WEIGHT)).collect(),
    }
}

/// The lowest path first: their order says nothing, and neighbours are alike.
fn extremes(paths: &[forecast::Path], round: impl Fn(f64) -> f64) -> Vec<PathExtreme> {
    let weights: Vec<f64> = paths.iter().map(|path| path.weight).collect();
    let of = |path: &forecast::Path, from: f64, nearer: fn(f64, f64) -> f64| {
        round(path.values.iter().copied().fold(from, nearer))
    };
    let mut extremes: Vec<PathExtreme> = paths
        .iter()
        .zip(shares(&weights, PARTS_OF_WEIGHT))
        .map(|(path, weight)| PathExtreme {
            min: of(path, f64::INFINITY, f64::min),
            max: of(path, f64::NEG_INFINITY, f64::max),
            weight,
        })
        .collect();
    extremes.sort_by(|a, b| a.min.total_cmp(&b.min).then(a.max.total_cmp(&b.max)));
    extremes
}

#[cfg(test)]
mod tests;
