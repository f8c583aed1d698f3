//! What is read of the routes' answers.

use std::collections::BTreeMap;

use serde::Deserialize;

/// An entry of `GET /series`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Series {
    pub(super) metric: String,
    pub(super) labels: Labels,
    pub(super) unit: Option<String>,
}

pub(super) type Labels = BTreeMap<String, String>;

/// An entry of `GET /metrics`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Summary {
    pub(super) metric: String,
    pub(super) labels: Labels,
    pub(super) window: String,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) average: Option<f64>,
    pub(super) std: Option<f64>,
    pub(super) coverage: f64,
}

impl Summary {
    pub(super) fn is_of(&self, series: &Series) -> bool {
        self.metric == series.metric && self.labels == series.labels
    }
}

/// An entry of `GET /metadata`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) metric: String,
    pub(super) labels: Labels,
    #[serde(default)]
    pub(super) stationarity: Stationarity,
    #[serde(default)]
    pub(super) seasonality: Seasonality,
}

/// Whether it stays around one level, or why that is unknown.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Stationarity {
    pub(super) verdict: Option<String>,
    pub(super) error: Option<String>,
}

/// Whether it repeats.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Seasonality {
    pub(super) period_seconds: Option<f64>,
    pub(super) season_strength: Option<f64>,
    pub(super) pattern: Option<Vec<f64>>,
}

/// An entry of `GET /predict`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Prediction {
    pub(super) metric: String,
    pub(super) labels: Labels,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) average: Option<f64>,
    #[serde(default)]
    pub(super) path: Option<Vec<PathPoint>>,
    #[serde(default, alias = "reason")]
    pub(super) error: Option<String>,
}

/// One step of a forecast.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PathPoint {
    pub(super) mean: f64,
}

/// `GET /check_json`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Check {
    pub(super) objectives: Vec<CheckedObjective>,
}

/// One objective on one series, so far.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct CheckedObjective {
    /// `range` or `events`.
    pub(super) kind: String,
    pub(super) objective: String,
    pub(super) metric: String,
    pub(super) labels: Labels,
    #[serde(default)]
    pub(super) selector: Labels,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) windows: Option<BTreeMap<String, Counts>>,
}

/// The violations of a window.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Counts {
    pub(super) violations: u64,
    pub(super) seconds: f64,
}

/// `GET /sla/{name}/budget`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Budgets {
    pub(super) objectives: Vec<BudgetEntry>,
}

/// The budget of one objective on one series or group.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct BudgetEntry {
    pub(super) objective: String,
    pub(super) labels: Labels,
    pub(super) sli: Option<f64>,
    pub(super) remaining_share: Option<f64>,
    /// Of events.
    pub(super) total: Option<f64>,
}

/// `GET /predict_json`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Outlook {
    pub(super) objectives: Vec<ExpectedObjective>,
}

/// One objective on one series, to come.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ExpectedObjective {
    pub(super) objective: String,
    pub(super) labels: Labels,
    pub(super) probability: Option<f64>,
    pub(super) reason: Option<String>,
}
