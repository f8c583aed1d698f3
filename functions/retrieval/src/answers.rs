//! The documents of the lists.

use domain::{
    Finding, Labels, SeriesId, Timestamp, Window,
    forecast::{ConfidenceIntervals, Forecast, Model, PathExtreme, PathPoint, RecentScores},
    message::{
        Autocorrelation, MetadataDocument, PredictionDocument, RunDocument, Seasonality,
        Stationarity,
    },
};
use http_api::Row;
use schemars::JsonSchema;
use serde::Serialize;
use store::read::{MetricRow, SeriesRow};

#[derive(Serialize, JsonSchema)]
pub(crate) struct Series<'a> {
    metric: &'a str,
    labels: &'a Labels,
    id: SeriesId,
    unit: Option<&'a str>,
    first_seen: Timestamp,
    last_seen: Timestamp,
}

impl Row for Series<'_> {
    const LIST: &'static str = "series";
}

impl<'a> Series<'a> {
    pub(crate) fn of(row: &'a SeriesRow) -> Self {
        Self {
            metric: &row.metric,
            labels: &row.labels,
            id: row.id,
            unit: row.unit.as_deref(),
            first_seen: row.first_seen,
            last_seen: row.last_seen,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Metric<'a> {
    metric: &'a str,
    labels: &'a Labels,
    series: SeriesId,
    window: Window,
    as_of: Timestamp,
    start: Timestamp,
    end: Timestamp,
    samples: u64,
    min: Option<f64>,
    max: Option<f64>,
    average: Option<f64>,
    std: Option<f64>,
    coverage: f64,
}

impl Row for Metric<'_> {
    const LIST: &'static str = "metrics";
}

impl<'a> Metric<'a> {
    pub(crate) fn of(row: &'a MetricRow) -> Self {
        let summary = &row.summary;
        Self {
            metric: &row.metric,
            labels: &row.labels,
            series: row.series,
            window: summary.window,
            as_of: row.as_of,
            start: summary.start,
            end: summary.end,
            samples: summary.samples,
            min: summary.min,
            max: summary.max,
            average: summary.average,
            std: summary.std,
            coverage: summary.coverage,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Metadata<'a> {
    metric: &'a str,
    labels: &'a Labels,
    series: SeriesId,
    unit: Option<&'a str>,
    as_of: Timestamp,
    step_seconds: f64,
    samples_used: u64,
    coverage: f64,
    autocorrelation: &'a Finding<Autocorrelation>,
    stationarity: &'a Finding<Stationarity>,
    seasonality: &'a Finding<Seasonality>,
}

impl Row for Metadata<'_> {
    const LIST: &'static str = "metadata";
}

impl<'a> Metadata<'a> {
    pub(crate) fn of(document: &'a MetadataDocument) -> Self {
        Self {
            metric: &document.series.metric,
            labels: &document.series.labels,
            series: document.series.series,
            unit: document.series.unit.as_deref(),
            as_of: document.as_of,
            step_seconds: document.step_seconds,
            samples_used: document.samples_used,
            coverage: document.coverage,
            autocorrelation: &document.autocorrelation,
            stationarity: &document.stationarity,
            seasonality: &document.seasonality,
        }
    }
}

/// A forecast, or nulls and the reason.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Prediction<'a> {
    metric: &'a str,
    labels: &'a Labels,
    series: SeriesId,
    unit: Option<&'a str>,
    as_of: Timestamp,
    horizon_seconds: f64,
    step_seconds: f64,
    min: Option<f64>,
    max: Option<f64>,
    average: Option<f64>,
    intervals: Option<&'a ConfidenceIntervals>,
    path: Option<&'a [PathPoint]>,
    model: Option<&'a Model>,
    /// Whose the point and the bands are, as the scores of late have it.
    told: Option<Told>,
    recent_scores: Option<RecentScores>,
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_extremes: Option<&'a [PathExtreme]>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Origin")]
pub(crate) struct Told {
    point: &'static str,
    bands: &'static str,
}

impl Told {
    fn of(forecast: &Forecast) -> Self {
        let baseline = forecast.baseline.as_ref();
        let last_value = baseline.is_some_and(|baseline| baseline.model_mean.is_some());
        let climatology = baseline.is_some_and(|baseline| baseline.model_bands.is_some());
        Self {
            point: if last_value { "last_value" } else { "model" },
            bands: if climatology { "climatology" } else { "paths" },
        }
    }
}

impl Row for Prediction<'_> {
    const LIST: &'static str = "predictions";
}

impl<'a> Prediction<'a> {
    pub(crate) fn of(document: &'a PredictionDocument) -> Self {
        let forecast: Option<&Forecast> = document.forecast.known();
        Self {
            metric: &document.series.metric,
            labels: &document.series.labels,
            series: document.series.series,
            unit: document.series.unit.as_deref(),
            as_of: document.as_of,
            horizon_seconds: document.horizon_seconds,
            step_seconds: document.step_seconds,
            min: forecast.map(|forecast| forecast.min),
            max: forecast.map(|forecast| forecast.max),
            average: forecast.map(|forecast| forecast.average),
            intervals: forecast.map(|forecast| &forecast.intervals),
            path: forecast.map(|forecast| &*forecast.path),
            model: forecast.map(|forecast| &forecast.model),
            told: forecast.map(Told::of),
            recent_scores: forecast.and_then(|forecast| forecast.recent_scores),
            reason: document.forecast.reason(),
            path_extremes: forecast.and_then(|forecast| forecast.path_extremes.as_deref()),
        }
    }
}

/// A run as it was published.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Run<'a>(pub(crate) &'a RunDocument);

impl Row for Run<'_> {
    const LIST: &'static str = "runs";
}
