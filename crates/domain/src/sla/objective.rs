use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BudgetWindow, Missing, ObjectiveId, SeriesEnd, SlaName, Terms};
use crate::{
    digest::digest,
    series::{Labels, MetricName},
    time::duration,
};

/// A range that the series of one metric which carry given labels should keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Objective {
    /// Unique in its SLA: given by the user, or 16 hex digits of SHA-256 over metric, labels, min, max and `for`.
    pub id: ObjectiveId,
    /// The metric's name.
    pub metric: MetricName,
    /// Exact matches, a subset of the series' labels.
    pub labels: Labels,
    /// The smallest value in range, inclusive; `None`: no lower bound.
    pub min: Option<f64>,
    /// The greatest value in range, inclusive; `None`: no upper bound.
    pub max: Option<f64>,
    /// How long a value must be out of range to violate, 0 to 1 h; default 0.
    #[serde(rename = "for", with = "written_duration")]
    #[schemars(with = "String")]
    pub hold: Duration,
    /// The share of the time that should be good, 0 to 1, both exclusive; `None`: there is no budget.
    #[serde(default)]
    pub target: Option<f64>,
    /// The time the target is about; default 30d.
    #[serde(default)]
    pub budget_window: BudgetWindow,
    /// What the time without a sample is for the budget; default `excluded`.
    #[serde(default)]
    pub missing: Missing,
    /// How long a series that fell silent out of range keeps its state while another series of the objective stands,
    /// 0 to 12 h; default 15m.
    #[serde(
        rename = "hold",
        default = "default_silence",
        with = "written_duration"
    )]
    #[schemars(with = "String")]
    pub silence: Duration,
    /// What a series is that falls silent while another one stands; default `ended`.
    #[serde(default)]
    pub series_end: SeriesEnd,
}

/// The `hold` of an objective that was given none.
pub(super) const DEFAULT_SILENCE: Duration = Duration::from_secs(15 * 60);

fn default_silence() -> Duration {
    DEFAULT_SILENCE
}

/// A version of an SLA as etl evaluates it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sla {
    /// Its name.
    pub name: SlaName,
    /// The version, from 1; versions of a name never restart.
    pub version: u32,
    /// The objectives, in the order given.
    pub objectives: Vec<Objective>,
}

impl Objective {
    /// A range without a target, its id the default one.
    pub fn new(
        metric: MetricName,
        labels: Labels,
        (min, max): (Option<f64>, Option<f64>),
        hold: Duration,
    ) -> Self {
        Self {
            id: default_id(&metric, &labels, (min, max), hold),
            metric,
            labels,
            min,
            max,
            hold,
            target: None,
            budget_window: BudgetWindow::default(),
            missing: Missing::default(),
            silence: DEFAULT_SILENCE,
            series_end: SeriesEnd::default(),
        }
    }

    /// What its budget is.
    pub fn terms(&self) -> Terms {
        Terms {
            target: self.target,
            window: self.budget_window,
            missing: self.missing,
            ending: self.ending(),
        }
    }

    /// For how long a series that fell silent out of range keeps its state before it has ended; `None` where no series
    /// ever ends.
    pub fn ending(&self) -> Option<Duration> {
        (self.series_end == SeriesEnd::Ended).then_some(self.silence)
    }
}

/// The id of an objective that was given none: 16 hex digits of SHA-256 over metric, labels, min, max and `for`, each
/// length-prefixed (64 bit, big endian), the labels preceded by their number.
fn default_id(
    metric: &MetricName,
    Labels(labels): &Labels,
    (min, max): (Option<f64>, Option<f64>),
    hold: Duration,
) -> ObjectiveId {
    let bound =
        |bound: Option<f64>| bound.map_or(String::new(), |bound| format!("{:?}", bound + 0.0));
    let pairs = labels.iter().flat_map(|(name, value)| [name, value]);
    let texts = [metric.to_string(), labels.len().to_string()]
        .into_iter()
        .chain(pairs.cloned())
        .chain([bound(min), bound(max), duration::format(hold)]);
    ObjectiveId::of_digest(digest(texts))
}

mod written_duration {
    use serde::{Deserializer, Serializer, de::Error as _};

    use super::*;

    pub(super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&duration::format(*duration))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        duration::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
