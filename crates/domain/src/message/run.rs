use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    sla::{ObjectiveId, SlaName},
    time::Timestamp,
};

/// The identity of a run: text of at most 64 ASCII characters.
pub type RunId = String;

/// What started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Trigger {
    /// The schedule.
    Schedule,
    /// `POST /ETL`.
    Http,
    /// A direct invocation.
    Invoke,
}

/// A word that names no trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a trigger must be schedule, http or invoke")]
pub struct UnknownTrigger;

impl Trigger {
    /// The word in the run's record: `schedule`, `http` or `invoke`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Http => "http",
            Self::Invoke => "invoke",
        }
    }
}

impl FromStr for Trigger {
    type Err = UnknownTrigger;

    fn from_str(word: &str) -> Result<Self, UnknownTrigger> {
        [Self::Schedule, Self::Http, Self::Invoke]
            .into_iter()
            .find(|trigger| trigger.word() == word)
            .ok_or(UnknownTrigger)
    }
}

/// `slacast.run.v1`: one run of the ETL, published after everything else was acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunDocument {
    /// The run.
    pub run_id: RunId,
    /// The instant it looked at.
    pub as_of: Timestamp,
    /// When it started.
    pub started_at: Timestamp,
    /// What started it.
    pub trigger: Trigger,
    /// How many series it found.
    pub series: u64,
    /// How many samples it read.
    pub samples: u64,
    /// How many bytes of messages it published.
    pub bytes: u64,
    /// How many messages were acknowledged, this one excepted.
    pub messages: u64,
    /// What went wrong, each with where.
    pub failures: Vec<Failure>,
    /// What it took, in the order of the work.
    pub stages: Vec<Stage>,
    /// What Prometheus warned about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Whether it was asked for some metrics or SLAs alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// What became of each objective the run was to evaluate. An objective that is not listed was not evaluated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluated: Vec<EvaluatedObjective>,
}

/// What a run published about one objective of one version of an SLA. The evaluation is complete once as many rows as
/// `rows` says are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluatedObjective {
    /// The SLA's name.
    pub sla: SlaName,
    /// The version that was evaluated.
    pub version: u32,
    /// The objective's id.
    pub objective: ObjectiveId,
    /// How many rows were published, or why none of them counts.
    #[serde(flatten)]
    pub outcome: EvaluationOutcome,
    /// Series that are silent since then, or for longer, have ended, whatever they were; those that were in range have,
    /// whenever they fell silent. Absent where none has: no series stands, or the objective's series never end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_until: Option<Timestamp>,
}

/// How the evaluation of one objective ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationOutcome {
    /// It was evaluated on every series, but for those that a bound cuts; so many messages were published, at least one.
    Rows(u64),
    /// It was not, or not on every series; why, in a sentence.
    Reason(String),
}

/// The reason of a metric that a run did not reach before its deadline.
pub const DEADLINE: &str = "deadline";
/// The reason of a metric whose query found nothing. It has failed only if it ever had a series.
pub const WITHOUT_SERIES: &str = "no series";
/// The reason of series that differ in their metric names alone.
pub const AMBIGUOUS: &str = "ambiguous";
/// The reason of what a bound leaves out.
pub const BOUND: &str = "bound";
/// The reason of a metric that took too long.
pub const TIMEOUT: &str = "timeout";

/// Something a run could not do; the rest went on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// Where: `config`, `fetch`, `analysis`, `evaluation`, `objectives`, `scores` or `publish`.
    pub stage: String,
    /// The metric, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// The series' id, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Why: a word for programs (`deadline`, `timeout`, `busy`, `bound`, `ambiguous`, `native_histogram`) or a sentence,
    /// without secrets.
    pub reason: String,
    /// What there is to say beside a word, in a sentence, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Failure {
    /// A failure of a stage, about no metric or series in particular.
    pub fn new(stage: &str, reason: impl Into<String>) -> Self {
        Self {
            stage: stage.to_owned(),
            metric: None,
            series: None,
            reason: reason.into(),
            detail: None,
        }
    }

    /// The same, about a metric.
    #[must_use]
    pub fn of_metric(self, metric: &str) -> Self {
        Self {
            metric: Some(metric.to_owned()),
            ..self
        }
    }

    /// The same, about the series of this id.
    #[must_use]
    pub fn of_series(self, series: impl Into<String>) -> Self {
        Self {
            series: Some(series.into()),
            ..self
        }
    }

    /// The same, with a sentence beside the reason.
    #[must_use]
    pub fn because(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }
}

/// How long one stage of a run took. Stages overlap: their sum may exceed the run's time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    /// `objectives`, `scores`, `fetch`, `analysis`, `publish` or `total`.
    pub stage: String,
    /// Milliseconds.
    pub milliseconds: f64,
}
