//! The statistics of a series in the words of its messages.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Finding, Timestamp,
    forecast::{
        Baseline, ConfidenceIntervals, Forecast, HORIZON, Interval, Model, PathExtreme, PathPoint,
    },
    message::{
        Autocorrelation, Correlogram, Kpss, LjungBox, MetadataDocument, PredictionDocument,
        Seasonality, SeriesReference, Stationarity, UnitRootTest, Verdict,
    },
};
use series::{analysis::Analysis, forecast, forecast::Estimate, unit_root::CriticalValues};

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
            values: found.values.clone(),
            lower: found.lower.clone(),
            upper: found.upper.clone(),
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

/// By level, to six decimals: the table they come from has five, and every document pays for more.
fn critical(values: CriticalValues) -> BTreeMap<String, f64> {
    [
        ("1%", values.one_percent),
        ("5%", values.five_percent),
        ("10%", values.ten_percent),
    ]
    .map(|(level, value)| (level.to_owned(), (value * 1e6).round() / 1e6))
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
        pattern: season.pattern.clone(),
    }
}

fn told(
    found: &forecast::Forecast,
    baseline: Baseline,
    as_of: Timestamp,
    step: Duration,
) -> Forecast {
    let interval = |estimate: Estimate| Interval {
        lower: estimate.lower,
        upper: estimate.upper,
    };
    let path = (0..found.mean.len()).map(|position| PathPoint {
        time: as_of + step * (position as u32 + 1),
        mean: found.mean[position],
        lower: found.lower[position],
        lower_80: Some(found.lower_80[position]),
        median: found.median[position],
        upper_80: Some(found.upper_80[position]),
        upper: found.upper[position],
    });
    Forecast {
        min: found.min.value,
        max: found.max.value,
        average: found.average.value,
        intervals: ConfidenceIntervals {
            min: interval(found.min),
            max: interval(found.max),
            average: interval(found.average),
        },
        path: path.collect(),
        model: Model {
            name: found.model.name.to_owned(),
            why: found.model.why(),
            period_seconds: found
                .model
                .period
                .map(|period| period as f64 * step.as_secs_f64()),
            weights: found
                .model
                .weights
                .iter()
                .map(|(name, weight)| ((*name).to_owned(), *weight))
                .collect(),
        },
        baseline: Some(baseline),
        recent_scores: None,
        path_extremes: Some(found.paths.iter().map(extreme).collect()),
    }
}

fn extreme(path: &forecast::Path) -> PathExtreme {
    PathExtreme {
        min: path.values.iter().copied().fold(f64::INFINITY, f64::min),
        max: path
            .values
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max),
        weight: path.weight,
    }
}
