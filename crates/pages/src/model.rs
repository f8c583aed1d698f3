//! What the API answers, as far as a page shows it.

use std::collections::BTreeMap;

use domain::{Labels, Span, Timestamp};
use serde::Deserialize;

use crate::State;

/// `/check_json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Check {
    /// The SLA's name.
    pub sla: String,
    /// Its version.
    pub version: u32,
    /// When its newest objective was evaluated.
    pub as_of: Option<Timestamp>,
    /// Whether that is too long ago.
    pub stale: bool,
    /// Whether all objectives are of one time.
    pub complete: bool,
    /// Its objectives on their series.
    pub objectives: Vec<CheckEntry>,
}

/// An objective on a series, or a group of events.
#[derive(Clone, Debug, Deserialize)]
pub struct CheckEntry {
    /// `range` or `events`.
    pub kind: String,
    /// The objective's id.
    pub objective: String,
    /// The metric.
    pub metric: String,
    /// The unit of its values.
    #[serde(default)]
    pub unit: Option<String>,
    /// The series' id; of a range.
    #[serde(default)]
    pub series_id: Option<String>,
    /// The series' labels.
    pub labels: Labels,
    /// The objective's own labels.
    #[serde(default)]
    pub selector: Labels,
    /// The smallest value in range.
    #[serde(default)]
    pub min: Option<f64>,
    /// The greatest value in range.
    #[serde(default)]
    pub max: Option<f64>,
    /// How long it may be out of range, seconds.
    #[serde(default)]
    pub for_seconds: f64,
    /// When it was evaluated.
    pub as_of: Option<Timestamp>,
    /// How it stands.
    pub state: State,
    /// Why there is no data.
    pub reason: Option<String>,
    /// How many series or groups the objective has.
    pub series: u64,
    /// How many of them are firing.
    pub firing: u64,
    /// How many of them have no data.
    pub no_data: u64,
    /// Since when the series is silent.
    #[serde(default)]
    pub silent_since: Option<Timestamp>,
    /// Whether this moment is excluded.
    #[serde(default)]
    pub in_exclusion: bool,
    /// What happened in the last 1h, 3h and 12h.
    #[serde(default)]
    pub windows: Option<BTreeMap<String, Counts>>,
    /// The violations of the last 12 h, newest first.
    #[serde(default)]
    pub episodes: Vec<Episode>,
    /// The burn-rate alerts of events that fire.
    #[serde(default)]
    pub alerts: Vec<BurnAlert>,
}

/// What happened in a window.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Counts {
    /// How many violations.
    pub violations: u64,
    /// How long, seconds.
    pub seconds: f64,
    /// The share of the window that was measured.
    pub coverage: f64,
}

/// A violation.
#[derive(Clone, Debug, Deserialize)]
pub struct Episode {
    /// Its start.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// How long, seconds.
    pub seconds: f64,
    /// The worst value; `None` if that is infinite.
    pub worst: Option<f64>,
    /// `above` or `below`.
    pub side: String,
    /// Whether it goes on.
    pub ongoing: bool,
    /// How much of it is excluded, seconds.
    #[serde(default)]
    pub excluded_seconds: f64,
}

/// A stored violation.
#[derive(Clone, Debug, Deserialize)]
pub struct Violation {
    /// The objective's id.
    pub objective: String,
    /// The metric.
    pub metric: String,
    /// The series' labels.
    pub labels: Labels,
    /// The version that was violated.
    pub version: u32,
    /// What happened.
    #[serde(flatten)]
    pub episode: Episode,
}

/// `/predict_json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Prediction {
    /// Its objectives on their series.
    pub objectives: Vec<PredictionEntry>,
}

/// What is to come of an objective on a series.
#[derive(Clone, Debug, Deserialize)]
pub struct PredictionEntry {
    /// The objective's id.
    pub objective: String,
    /// The series' labels.
    pub labels: Labels,
    /// How likely a violation in the next 10 minutes is.
    pub probability: Option<f64>,
    /// Why that is not known.
    pub reason: Option<String>,
    /// When it would begin.
    #[serde(default)]
    pub first_crossing: Option<Timestamp>,
    /// How long it would be, seconds.
    #[serde(default)]
    pub expected_seconds: Option<f64>,
    /// What the series is forecast to do.
    #[serde(default)]
    pub predicted: Option<Predicted>,
}

/// The extremes and the average of a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Predicted {
    /// The smallest value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The average.
    pub average: f64,
}

/// `/sla/{name}/budget`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Budgets {
    /// Of each objective on each series.
    pub objectives: Vec<Budget>,
    /// Of each objective on all of its series together.
    pub rolled_up: Vec<Budget>,
}

/// An error budget.
#[derive(Clone, Debug, Deserialize)]
pub struct Budget {
    /// The objective's id.
    pub objective: String,
    /// The series' labels.
    pub labels: Labels,
    /// The share that should be good.
    pub target: Option<f64>,
    /// The time it is about, such as `28d`.
    pub budget_window: String,
    /// The share that was good.
    pub sli: Option<f64>,
    /// What may be bad, seconds; of a range.
    #[serde(default)]
    pub budget_seconds: Option<f64>,
    /// What was bad, seconds; of a range.
    #[serde(default)]
    pub bad_seconds: Option<f64>,
    /// What is left, seconds; of a range.
    #[serde(default)]
    pub remaining_seconds: Option<f64>,
    /// How many events may be bad; of events.
    #[serde(default)]
    pub budget_events: Option<f64>,
    /// How many were bad; of events.
    #[serde(default)]
    pub bad: Option<f64>,
    /// How many there were; of events.
    #[serde(default)]
    pub total: Option<f64>,
    /// What is left, as a share.
    pub remaining_share: Option<f64>,
    /// How fast it is spent in each window.
    pub burn: BTreeMap<String, Option<f64>>,
    /// The alerts about that.
    pub alerts: Vec<BurnAlert>,
    /// In how long it is gone, seconds.
    pub exhaustion_seconds: Option<f64>,
    /// How much of the window is excluded, seconds.
    pub excluded_seconds: f64,
    /// The share of the window that was measured.
    pub coverage: f64,
}

/// A burn-rate alert.
#[derive(Clone, Debug, Deserialize)]
pub struct BurnAlert {
    /// The long window.
    pub long: String,
    /// The short window.
    pub short: String,
    /// How many times faster than sustainable.
    pub factor: f64,
    /// Whether the budget can burn that fast.
    pub reachable: bool,
    /// Whether it fires.
    pub firing: bool,
    /// Whether too little is measured to say so.
    pub frozen: bool,
    /// `page` or `ticket`.
    pub severity: String,
}

/// What probabilities of one tenth were worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrustBin {
    /// Where the tenth begins.
    pub lower: f64,
    /// Where it ends.
    pub upper: f64,
    /// The mean probability, 0 to 1.
    pub said: f64,
    /// The share of them after which a violation happened.
    pub happened: f64,
    /// How many forecasts.
    pub forecasts: u64,
    /// On how many spans of 10 minutes.
    pub independent: u64,
}

/// What the probabilities of an objective were worth, by tenths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trust(pub Vec<TrustBin>);

impl Trust {
    /// The tenth that holds a probability, if there was a forecast in it.
    pub fn bin(&self, probability: f64) -> Option<&TrustBin> {
        self.0.iter().find(|bin| {
            let is_last = bin.upper >= 1.0;
            probability >= bin.lower && (probability < bin.upper || is_last)
        })
    }
}

/// A series of `/series`.
#[derive(Clone, Debug, Deserialize)]
pub struct Series {
    /// The metric.
    pub metric: String,
    /// The labels.
    pub labels: Labels,
    /// Its id.
    pub id: String,
    /// The unit of its values.
    pub unit: Option<String>,
    /// When it was seen first.
    pub first_seen: Timestamp,
    /// When it was seen last.
    pub last_seen: Timestamp,
}

/// A row of `/metrics`.
#[derive(Clone, Debug, Deserialize)]
pub struct Summary {
    /// The window.
    pub window: String,
    /// When.
    pub as_of: Timestamp,
    /// How many samples.
    pub samples: u64,
    /// The smallest value.
    pub min: Option<f64>,
    /// The greatest value.
    pub max: Option<f64>,
    /// The average.
    pub average: Option<f64>,
    /// The standard deviation.
    pub std: Option<f64>,
    /// The share of the window that was measured.
    pub coverage: f64,
}

/// A row of `/predict`.
#[derive(Clone, Debug, Deserialize)]
pub struct SeriesForecast {
    /// When it was made.
    pub as_of: Timestamp,
    /// The unit of its values.
    pub unit: Option<String>,
    /// The smallest value to come.
    pub min: Option<f64>,
    /// The greatest value to come.
    pub max: Option<f64>,
    /// The average to come.
    pub average: Option<f64>,
    /// 95 % intervals of these.
    pub intervals: Option<Intervals>,
    /// The path.
    pub path: Option<Vec<PathPoint>>,
    /// The model.
    pub model: Option<Model>,
    /// Why there is none.
    pub reason: Option<String>,
}

/// 95 % intervals.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Intervals {
    /// Of the greatest value.
    pub max: Interval,
    /// Of the average.
    pub average: Interval,
}

/// An interval.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
}

/// What made a forecast.
#[derive(Clone, Debug, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Why it was chosen.
    pub why: String,
}

/// A point of a forecast's path.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct PathPoint {
    /// When.
    pub time: Timestamp,
    /// The point forecast.
    pub mean: f64,
    /// Where 95 of 100 paths begin.
    pub lower: f64,
    /// Where they end.
    pub upper: f64,
    /// Where 80 of 100 paths begin.
    #[serde(default)]
    pub lower_80: Option<f64>,
    /// Where they end.
    #[serde(default)]
    pub upper_80: Option<f64>,
}

/// What a series did in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct HistoryPoint {
    /// Where it begins.
    pub start: Timestamp,
    /// The smallest value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The average.
    pub average: f64,
    /// How many samples.
    pub samples: u64,
}

/// An exclusion of `/sla/{name}/exclusions`.
#[derive(Clone, Debug, Deserialize)]
pub struct Exclusion {
    /// Its id.
    pub id: u64,
    /// Its start.
    pub from: Timestamp,
    /// Its end; none of a rule that goes on.
    pub to: Option<Timestamp>,
    /// Of one that recurs: the rule.
    #[serde(default)]
    pub rrule: Option<String>,
    /// Of one that recurs: when.
    #[serde(default)]
    pub occurrences: Vec<Occurrence>,
    /// Why.
    pub reason: String,
    /// Of this objective alone.
    #[serde(default)]
    pub objective: Option<String>,
    /// When it was taken back.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
}

/// An occurrence of an exclusion that recurs.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Occurrence {
    /// Its start.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

impl Exclusion {
    /// The time that it takes out.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let occurrences = self.occurrences.iter();
        let occurrences = occurrences.map(|own| Span {
            start: own.from,
            end: own.to,
        });
        let once = self.to.filter(|_| self.rrule.is_none());
        let once = once.map(|end| Span {
            start: self.from,
            end,
        });
        once.into_iter().chain(occurrences).collect()
    }
}

/// A run of `/runs`.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// Its id.
    pub run_id: String,
    /// What it is about.
    pub as_of: Timestamp,
    /// When it began.
    pub started_at: Timestamp,
    /// What asked for it.
    pub trigger: String,
    /// How many series.
    pub series: u64,
    /// How many samples.
    pub samples: u64,
    /// How many messages.
    pub messages: u64,
    /// What failed.
    #[serde(default)]
    pub failures: Vec<Failure>,
    /// What it took, in the order of the work.
    #[serde(default)]
    pub stages: Vec<Stage>,
}

/// A part of a run's work.
#[derive(Clone, Debug, Deserialize)]
pub struct Stage {
    /// Its name; `total` is the whole run.
    pub stage: String,
    /// How long it took, milliseconds.
    pub milliseconds: f64,
}

impl Run {
    /// How long its work took, milliseconds.
    pub(crate) fn took(&self) -> Option<f64> {
        let total = self.stages.iter().find(|stage| stage.stage == "total");
        total.map(|total| total.milliseconds)
    }
}

/// What failed in a run.
#[derive(Clone, Debug, Deserialize)]
pub struct Failure {
    /// The metric.
    #[serde(default)]
    pub metric: Option<String>,
    /// Where.
    #[serde(default)]
    pub stage: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// An alert of `/alerts`.
#[derive(Clone, Debug, Deserialize)]
pub struct Alert {
    /// Of its labels.
    pub fingerprint: String,
    /// Its identity.
    pub labels: BTreeMap<String, String>,
    /// What people read.
    pub annotations: BTreeMap<String, String>,
    /// `firing` or `resolved`.
    pub state: String,
    /// Whether nothing says so now.
    pub frozen: bool,
    /// Since when.
    pub since: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// A delivery of `/alerts/deliveries`.
#[derive(Clone, Debug, Deserialize)]
pub struct Delivery {
    /// Its number.
    pub id: u64,
    /// The receiver's name.
    pub receiver: String,
    /// What it is about.
    pub r#type: String,
    /// How it stands.
    pub state: String,
    /// How many attempts there were.
    pub attempts: u32,
    /// When it is due.
    pub next_attempt: Option<Timestamp>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

/// `/sla/try`.
#[derive(Clone, Debug, Deserialize)]
pub struct Tried {
    /// The moment it is about.
    pub as_of: Timestamp,
    /// What would be reported.
    pub check_json: Check,
    /// What would be expected.
    pub predict_json: Prediction,
    /// The bounds that would have been kept.
    pub recommended: Vec<Recommended>,
    /// What could not be read.
    #[serde(default)]
    pub failures: Vec<Failure>,
}

/// Bounds that would have been kept.
#[derive(Clone, Debug, Deserialize)]
pub struct Recommended {
    /// The objective's id.
    pub objective: String,
    /// The series' labels.
    pub labels: Labels,
    /// The smallest value.
    pub min: Option<f64>,
    /// The greatest value.
    pub max: Option<f64>,
}
