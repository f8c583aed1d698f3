//! What the unit-root test and the stationarity test say together.

use std::fmt;

use crate::{
    Reason,
    kpss::{Bandwidth, Kpss, kpss},
    reason::refuse_unusable,
    unit_root::{Deterministic, UnitRoot, adf_both},
};

/// Below this p-value a test rejects its null hypothesis.
const SIGNIFICANCE: f64 = 0.05;

/// What kind of series it is.
///
/// `Display` gives the word that documents carry, such as `unit_root`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It stays around one level.
    Stationary,
    /// It wanders: shocks never fade.
    UnitRoot,
    /// It stays around a straight line.
    TrendStationary,
    /// Both tests reject, around a level and around a line: its variance or level changes.
    Heteroscedastic,
    /// Neither test rejects: there is too little to tell.
    Inconclusive,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Stationary => "stationary",
            Self::UnitRoot => "unit_root",
            Self::TrendStationary => "trend_stationary",
            Self::Heteroscedastic => "heteroscedastic",
            Self::Inconclusive => "inconclusive",
        })
    }
}

/// Two tests with opposite null hypotheses, each around a level and around a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Stationarity {
    /// What they say together.
    pub verdict: Verdict,
    /// Augmented Dickey-Fuller with a constant, lags by AIC.
    pub adf: Result<UnitRoot, Reason>,
    /// The same with a constant and a trend.
    pub adf_trend: Result<UnitRoot, Reason>,
    /// KPSS around a level, automatic bandwidth.
    pub kpss: Result<Kpss, Reason>,
    /// The same around a trend.
    pub kpss_trend: Result<Kpss, Reason>,
}

/// Runs both tests and reads them together.
///
/// Only ADF rejects: stationary. Only KPSS rejects: unit root. Both: stationary around a line if the tests around a
/// line say so, else heteroscedastic. Neither, or a test has no answer: inconclusive.
///
/// # Errors
///
/// [`Reason::TooShort`] below four values, [`Reason::NotFinite`], [`Reason::Constant`].
pub fn stationarity(values: &[f64]) -> Result<Stationarity, Reason> {
    refuse_unusable(values)?;
    let [adf, adf_trend] = adf_both(values);
    let kpss = |deterministic| kpss(values, deterministic, Bandwidth::Automatic);
    let mut found = Stationarity {
        verdict: Verdict::Inconclusive,
        adf,
        adf_trend,
        kpss: kpss(Deterministic::Constant),
        kpss_trend: kpss(Deterministic::Trend),
    };
    let level = rejections(found.adf, found.kpss);
    let trend = rejections(found.adf_trend, found.kpss_trend);
    found.verdict = match (level, trend) {
        (Some((true, false)), _) => Verdict::Stationary,
        (Some((false, true)), _) => Verdict::UnitRoot,
        (Some((true, true)), Some((true, false))) => Verdict::TrendStationary,
        (Some((true, true)), _) => Verdict::Heteroscedastic,
        (Some((false, false)) | None, _) => Verdict::Inconclusive,
    };
    Ok(found)
}

/// Whether ADF rejects a unit root and KPSS rejects stationarity.
fn rejections(adf: Result<UnitRoot, Reason>, kpss: Result<Kpss, Reason>) -> Option<(bool, bool)> {
    Some((
        adf.ok()?.pvalue < SIGNIFICANCE,
        kpss.ok()?.pvalue < SIGNIFICANCE,
    ))
}
