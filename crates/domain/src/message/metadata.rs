use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SeriesReference;
use crate::{finding::Finding, time::Timestamp};

/// `slacast.metadata.v1`: what kind of series it is, from the last 12 h.
///
/// The statistics run on the longest complete stretch of the series on its grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetadataDocument {
    /// The series.
    #[serde(flatten)]
    pub series: SeriesReference,
    /// When the run looked at it.
    pub as_of: Timestamp,
    /// The step of the grid, seconds.
    pub step_seconds: f64,
    /// How many grid points the longest complete stretch has.
    pub samples_used: u64,
    /// The share of the grid points of the last 12 h that have a value, 0 to 1.
    pub coverage: f64,
    /// How the series follows itself.
    pub autocorrelation: Finding<Autocorrelation>,
    /// Whether it stays around one level.
    pub stationarity: Finding<Stationarity>,
    /// Whether it repeats.
    pub seasonality: Finding<Seasonality>,
}

/// The long arrays of a [`MetadataDocument`]: stored apart from it, kept for an hour, answered only in full.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetadataArrays {
    /// Of the autocorrelation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlogram: Option<Correlogram>,
    /// Of the seasonality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Vec<f64>>,
}

impl MetadataDocument {
    /// A copy of the long arrays; `None` if it has none.
    pub fn arrays(&self) -> Option<MetadataArrays> {
        let correlogram = self.autocorrelation.known().map(|found| &found.correlogram);
        let pattern = self.seasonality.known().map(|found| &found.pattern);
        let arrays = MetadataArrays {
            correlogram: correlogram.cloned().flatten(),
            pattern: pattern.cloned().flatten(),
        };
        (arrays != MetadataArrays::default()).then_some(arrays)
    }

    /// Takes the long arrays out of the document; `None` if it has none.
    pub fn take_arrays(&mut self) -> Option<MetadataArrays> {
        let arrays = MetadataArrays {
            correlogram: self
                .autocorrelation
                .known_mut()
                .and_then(|found| found.correlogram.take()),
            pattern: self
                .seasonality
                .known_mut()
                .and_then(|found| found.pattern.take()),
        };
        (arrays != MetadataArrays::default()).then_some(arrays)
    }

    /// Puts long arrays back to where [`Self::take_arrays`] took them from.
    pub fn put_arrays(&mut self, arrays: MetadataArrays) {
        if let Some(found) = self.autocorrelation.known_mut() {
            found.correlogram = arrays.correlogram;
        }
        if let Some(found) = self.seasonality.known_mut() {
            found.pattern = arrays.pattern;
        }
    }
}

/// The autocorrelation function, in short and, apart from it, in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Autocorrelation {
    /// How many lags were computed.
    pub nlags: u64,
    /// The autocorrelation at lag 1, -1 to 1.
    pub lag_one: Option<f64>,
    /// How many leading lags stay outside their 95 % bounds: how long the series remembers.
    pub memory_lags: u64,
    /// The Ljung-Box test over all lags; `None` where there is no lag.
    pub ljung_box: Option<LjungBox>,
    /// The long arrays; kept for an hour and answered only in full.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub correlogram: Option<Correlogram>,
}

/// The Ljung-Box test that no autocorrelation up to a lag differs from zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LjungBox {
    /// Up to which lag.
    pub lags: u64,
    /// The statistic Q.
    pub q: f64,
    /// Its p-value, 0 to 1.
    pub p: f64,
}

/// Autocorrelation by lag, from lag 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Correlogram {
    /// The autocorrelation.
    pub values: Vec<f64>,
    /// The lower 95 % bound (Bartlett).
    pub lower: Vec<f64>,
    /// The upper 95 % bound (Bartlett).
    pub upper: Vec<f64>,
}

/// Two tests with opposite null hypotheses, and what they say together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stationarity {
    /// What they say.
    pub verdict: Verdict,
    /// Augmented Dickey-Fuller with a constant: a small p speaks for stationarity.
    pub adf: Finding<UnitRootTest>,
    /// KPSS with a constant: a small p speaks against stationarity.
    pub kpss: Finding<Kpss>,
    /// Augmented Dickey-Fuller with a constant and a trend; absent from documents of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adf_ct: Option<Finding<UnitRootTest>>,
    /// KPSS with a constant and a trend; absent from documents of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kpss_ct: Option<Finding<Kpss>>,
}

/// What the tests of stationarity say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The series stays around one level.
    Stationary,
    /// It wanders: shocks never fade.
    UnitRoot,
    /// It stays around a straight line.
    TrendStationary,
    /// Its variance or level changes.
    Heteroscedastic,
    /// The tests decide nothing.
    Inconclusive,
}

/// The augmented Dickey-Fuller test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnitRootTest {
    /// The t statistic of the level.
    pub statistic: f64,
    /// MacKinnon's approximate p-value, 0 to 1.
    pub pvalue: f64,
    /// How many lagged differences the chosen regression has.
    pub lags: u64,
    /// How many observations it uses.
    pub nobs: u64,
    /// MacKinnon's critical values at `1%`, `5%` and `10%`, to six decimals; absent from documents of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical: Option<BTreeMap<String, f64>>,
    /// The information criterion of the chosen number of lags; absent from documents of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icbest: Option<f64>,
}

/// The KPSS test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Kpss {
    /// The statistic.
    pub statistic: f64,
    /// The p-value, interpolated and clipped to 0.01 to 0.1.
    pub pvalue: f64,
    /// Whether the p-value was clipped.
    pub clipped: bool,
    /// How many lags the long-run variance has.
    pub lags: u64,
}

/// The repeating part of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Seasonality {
    /// The period, seconds; `None` when none was found.
    pub period_seconds: Option<f64>,
    /// The autocorrelation at the period, 0 to 1.
    pub score: Option<f64>,
    /// Strength of the trend, 0 to 1 (Hyndman).
    pub trend_strength: Option<f64>,
    /// Strength of the season, 0 to 1 (Hyndman).
    pub season_strength: Option<f64>,
    /// Slope of the trend, units per hour.
    pub slope_per_hour: Option<f64>,
    /// One cycle of the season, in the metric's unit around zero; answered only in full, kept for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Vec<f64>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_before_a_field_was_added_is_read_and_written_as_it_was() {
        let stored = r#"{"verdict":"stationary","adf":{"statistic":-5.5,"pvalue":0.1,"lags":3,"nobs":9},"kpss":{"error":"degenerate"}}"#;
        let read: Stationarity = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), stored);
        assert!(read.adf.known().is_some() && read.adf_ct.is_none());
    }
}
