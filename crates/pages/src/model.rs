//! What the API answers, as far as a page shows it.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Labels, Span, Timestamp,
    budget::{self, Burn, EventsBudget},
    evaluation::{PredictedValues, Windows},
    forecast::{ConfidenceIntervals, Model, PathPoint},
    message::Failure,
    time::duration,
};
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
    pub windows: Option<Windows>,
    /// The violations of the last 12 h, newest first.
    #[serde(default)]
    pub episodes: Vec<Episode>,
    /// The burn-rate alerts of events that fire.
    #[serde(default)]
    pub alerts: Vec<budget::Alert>,
}

impl CheckEntry {
    /// Whether what is known is too old to say how it stands.
    pub fn is_stale(&self) -> bool {
        self.reason.as_deref() == Some(State::Stale.word())
    }
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
    pub predicted: Option<PredictedValues>,
}

/// The error budgets of an SLA.
#[derive(Clone, Debug, Default)]
pub struct Budgets {
    /// Of each objective on each series.
    pub objectives: Vec<Budget>,
    /// Of each objective on all of its series together.
    pub rolled_up: Vec<Budget>,
}

/// An error budget.
#[derive(Clone, Debug)]
pub struct Budget {
    /// The objective's id.
    pub objective: String,
    /// The series' labels.
    pub labels: Labels,
    /// How it stands.
    pub spent: Spent,
}

/// What a budget is spent of.
#[derive(Clone, Debug)]
pub enum Spent {
    /// Of the time.
    Time(budget::Budget),
    /// Of events.
    Events(EventsBudget),
}

/// What both kinds of budgets say.
macro_rules! of_both {
    ($budget:expr, $field:ident) => {
        match &$budget.spent {
            Spent::Time(own) => &own.$field,
            Spent::Events(own) => &own.$field,
        }
    };
}

impl Budget {
    /// The share that should be good.
    pub(crate) fn target(&self) -> Option<f64> {
        *of_both!(self, target)
    }

    /// The time it is about, such as `28d`.
    pub(crate) fn window(&self) -> String {
        of_both!(self, budget_window).to_string()
    }

    /// What is counted: a composite counts minutes.
    pub(crate) fn unit(&self) -> &'static str {
        match &self.spent {
            Spent::Time(_) => "seconds",
            Spent::Events(own) if own.composite.is_some() => "minutes",
            Spent::Events(_) => "events",
        }
    }

    /// The share that was good.
    pub(crate) fn sli(&self) -> Option<f64> {
        *of_both!(self, sli)
    }

    /// What is left, as a share.
    pub(crate) fn left(&self) -> Option<f64> {
        *of_both!(self, remaining_share)
    }

    /// How fast it was spent in the window of that name.
    pub(crate) fn burn(&self, window: &str) -> Option<f64> {
        let Burn(windows) = of_both!(self, burn);
        let own = windows.iter().find(|(name, _)| name == window);
        own.and_then(|(_, burn)| *burn)
    }

    /// How fast it was spent in each window of at least this length, the shortest first.
    pub(crate) fn paces(&self, shortest: Duration) -> Vec<f64> {
        let Burn(windows) = of_both!(self, burn);
        let long = windows
            .iter()
            .filter(|(name, _)| duration::parse(name).is_ok_and(|length| length >= shortest));
        long.filter_map(|(_, burn)| *burn).collect()
    }

    /// The alerts about that.
    pub(crate) fn alerts(&self) -> &[budget::Alert] {
        of_both!(self, alerts)
    }

    /// In how long it is gone, seconds.
    pub(crate) fn exhaustion_seconds(&self) -> Option<f64> {
        *of_both!(self, exhaustion_seconds)
    }

    /// How much of the window is excluded, seconds.
    pub(crate) fn excluded_seconds(&self) -> f64 {
        *of_both!(self, excluded_seconds)
    }

    /// The share of the window that was measured.
    pub(crate) fn coverage(&self) -> f64 {
        *of_both!(self, coverage)
    }
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
    pub intervals: Option<ConfidenceIntervals>,
    /// The path.
    pub path: Option<Vec<PathPoint>>,
    /// The model.
    pub model: Option<Model>,
    /// Why there is none.
    pub reason: Option<String>,
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
    /// The alert.
    pub fingerprint: String,
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
