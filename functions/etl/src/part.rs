//! What one invocation asks another to do, and what it gets back: a run over some of the series.

use domain::{
    Part, Timestamp,
    evaluation::Stood,
    message::{EvaluatedObjective, Failure, RunId, Stage},
};
use serde::{Deserialize, Serialize};

/// What one invocation asks another to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartRequest {
    /// Which series.
    pub part: Part,
    /// The run that it is a part of.
    pub run_id: RunId,
    /// The run's.
    pub as_of: Timestamp,
    /// The run's.
    pub metrics: Option<Vec<String>>,
    /// The run's.
    pub slas: Option<Vec<String>>,
    /// In how many milliseconds the part has to be back. `None`: as long as its own invocation may take.
    #[serde(default)]
    pub left_ms: Option<u64>,
}

/// What became of a part. The run's own record adds all of them up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartDocument {
    /// As in the run's record.
    pub series: u64,
    /// As in the run's record.
    pub samples: u64,
    /// As in the run's record.
    pub bytes: u64,
    /// As in the run's record.
    pub messages: u64,
    /// As in the run's record.
    pub failures: Vec<Failure>,
    /// As in the run's record.
    pub stages: Vec<Stage>,
    /// As in the run's record.
    pub warnings: Vec<String>,
    /// What became of each objective on the series of this part. `rows` is 0 where it was evaluated and none of the series
    /// is of this part.
    #[serde(default)]
    pub evaluated: Vec<EvaluatedPart>,
    /// Whether Prometheus answered nothing.
    pub prometheus_away: bool,
}

/// What became of an objective on the series of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluatedPart {
    /// As in the run's record, but for the series of the part alone.
    #[serde(flatten)]
    pub evaluated: EvaluatedObjective,
    /// When any of the part's series stood: which series have ended takes all parts.
    #[serde(default)]
    pub stood: Stood,
}
