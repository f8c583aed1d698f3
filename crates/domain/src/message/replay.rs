use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{SeriesReference, ViolationsDocument, group_id};
use crate::{
    events::SliceCounts,
    series::{Bucket, Labels, SeriesId},
    sla::{Definition, EventsObjective, ObjectiveId, SlaName},
    time::{Span, Timestamp},
};

/// `slacast.replay.v1`: what a replay found in a piece of time, or that it is done with it.
///
/// It belongs to no run: it fills slices, violations, gaps and judged time, and the record of what series were like, and
/// nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayDocument {
    /// The piece, `(start, end]`: at most 12 h.
    pub piece: Span,
    /// Whether it replaces what is final or was judged.
    pub replace: bool,
    /// What was found.
    pub found: Replayed,
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replayed {
    /// A version's objective on a series.
    Judged(Box<JudgedPiece>),
    /// The events of all groups of an objective.
    Counted(Box<CountedPiece>),
    /// What the share of bad events of a group was like as a series.
    Described(Box<DescribedPiece>),
    /// That all else of the piece is published.
    Done(Vec<ReplayProgress>),
}

/// What evaluations within a piece say of a version's objective on a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedPiece {
    /// The part of the piece in which the version was in force.
    pub span: Span,
    /// The evaluations, in the order in which they are to be recorded: one at least, all of one objective, version and
    /// series.
    pub evaluations: Vec<ViolationsDocument>,
    /// What the series was like: the buckets of 5 minutes that end in `span`, its start left out, and have a sample, in the
    /// order of time. Of several objectives that are judged on a series one says it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<Bucket>,
}

/// What a series was like that is counted and not judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DescribedPiece {
    /// The series.
    pub series: SeriesReference,
    /// The buckets of 5 minutes that end in the piece and have a sample, in the order of time: one at least.
    pub buckets: Vec<Bucket>,
}

/// The events of all groups of an objective in some minutes of an hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountedPiece {
    /// The SLA's name.
    pub sla: SlaName,
    /// The version in force.
    pub version: u32,
    /// The objective, as that version has it.
    pub objective: EventsObjective,
    /// What is counted: always that of `objective`.
    pub definition: Definition,
    /// The minutes that end in this span, without its start: all of one hour.
    pub minutes: Span,
    /// The groups, and all events together.
    pub groups: Vec<CountedGroup>,
}

/// The events of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountedGroup {
    /// The values of the objective's `by` labels; none for all events together.
    pub group: Labels,
    /// Each minute once, in order.
    pub slices: Vec<SliceCounts>,
}

/// How far a replay came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayProgress {
    /// The replay.
    pub id: u64,
    /// What is left of it ends here.
    pub done_until: Timestamp,
    /// What could not be read of the piece.
    pub failures: Vec<ReplayFailure>,
}

/// What a replay could not read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReplayFailure {
    /// Where the piece begins.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// The objective.
    pub objective: ObjectiveId,
    /// Why.
    pub reason: String,
}

/// The longest piece.
pub const LONGEST_PIECE: Duration = Duration::from_secs(12 * 3_600);
/// How long after its end a replayed minute counts as counted, and a bucket as written: the last run looks then.
const LAST_RUN: Duration = Duration::from_secs(15 * 60);

impl ReplayDocument {
    /// The `as_of` that a bucket of a replay has. Every run that writes it has a greater one, unless what runs wrote is
    /// replaced.
    pub fn as_of(&self, bucket: &Bucket) -> Timestamp {
        if self.replace {
            bucket.end + LAST_RUN
        } else {
            bucket.end
        }
    }
}

impl CountedPiece {
    /// The identity of all events of the objective together, and the key of its messages.
    pub fn id(&self) -> SeriesId {
        group_id(&self.sla, &self.objective.id, &Labels::default())
    }

    /// The `as_of` that the count of a minute has: that of the last run that counts it.
    pub fn as_of(slice: &SliceCounts) -> Timestamp {
        slice.end + LAST_RUN
    }
}
