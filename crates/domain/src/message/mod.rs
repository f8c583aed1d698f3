//! What travels over Kafka: CloudEvents 1.0 in binary mode, one [`Kind`] a document type, JSON values.
//!
//! The attributes of an event are record headers ([`Attributes`]), the value is one of the documents of the
//! submodules. A document of the same `as_of`, samples and SLA set is byte-identical each time it is made, the run's
//! own record ([`RunDocument`]) aside.

mod attributes;
mod count;
mod evaluation_row;
mod history;
mod metadata;
mod metrics;
mod packed;
mod prediction;
mod replay;
mod run;
mod score;
mod slices;
mod trial;
mod violations;

/// The most bytes the value of a message may have: more than any of ours has, and less than any server takes at once.
/// Topics are made to take it, storage sets aside what is larger.
pub const LARGEST_MESSAGE: usize = 4 * 1024 * 1024;

pub use attributes::{Attributes, Encoding, InvalidAttributes, Kind, UnknownKind};
pub use count::{CountDocument, CountRequest, ObjectiveCount, SelectorCount, TrialOrCount};
pub use evaluation_row::{EvaluationRow, InvalidEvaluationRow};
pub use history::HistoryDocument;
pub use metadata::{
    Autocorrelation, Correlogram, Kpss, LjungBox, MetadataArrays, MetadataDocument, Seasonality,
    Stationarity, UnitRootTest, Verdict,
};
pub use metrics::{MetricsDocument, WindowSummary};
pub use packed::{About, Packed, PackedMessage, Unreadable};
pub use prediction::{PredictionArrays, PredictionDocument};
pub use replay::{
    CountedGroup, CountedPiece, DescribedPiece, JudgedPiece, LONGEST_PIECE, ReplayDocument,
    ReplayFailure, ReplayProgress, Replayed,
};
pub use run::{
    AMBIGUOUS, BOUND, DEADLINE, EvaluatedObjective, EvaluationOutcome, Failure, RunDocument, RunId,
    Stage, TIMEOUT, Trigger, UnknownTrigger, WITHOUT_SERIES,
};
pub use score::{ObjectiveScore, ScoreDocument};
pub use slices::{SlicesDocument, group_id};
pub use trial::{TrialDocument, TriedAlert, TriedEvents, TriedGroup, TriedObjective, TriedSeries};
pub use violations::ViolationsDocument;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::series::{Labels, MetricName, Series, SeriesId};

/// What every document about a series says of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesReference {
    /// The series' id, as text: 32 hex digits. Always that of `metric` and `labels`.
    pub series: SeriesId,
    /// The metric's name in `metrics.toml`.
    pub metric: MetricName,
    /// The label set.
    pub labels: Labels,
    /// What the values are measured in, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl SeriesReference {
    /// The reference of `series`.
    pub fn new(series: &Series, unit: Option<String>) -> Self {
        Self {
            series: series.id(),
            metric: series.metric.clone(),
            labels: series.labels.clone(),
            unit,
        }
    }
}
