use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Failure, ViolationsDocument};
use crate::{evaluation::Recommendation, sla::Objective, time::Timestamp};

/// What etl answers to a dry run. No message: nothing is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialDocument {
    /// The instant it looked at.
    pub as_of: Timestamp,
    /// The objectives, in the order given.
    pub objectives: Vec<TriedObjective>,
    /// What could not be judged, each with why.
    pub failures: Vec<Failure>,
}

/// An objective and what was found of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TriedObjective {
    /// The objective.
    pub objective: Objective,
    /// How many series match.
    pub series: u64,
    /// On how many of them a violation is going on.
    pub firing: u64,
    /// On how many of them no sample stands, those that have ended left out.
    pub no_data: u64,
    /// How many of them have ended.
    #[serde(default)]
    pub ended: u64,
    /// As in a run's record: what decides which of them have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_until: Option<Timestamp>,
    /// The series one by one, the worst first, at most 100; one that says `no_series` where none matches.
    pub entries: Vec<TriedSeries>,
}

/// An objective judged on one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TriedSeries {
    /// What a run would have published, with the newest 100 episodes and without what is for the history alone.
    pub violations: ViolationsDocument,
    /// How many episodes there are.
    pub episodes_total: u64,
    /// The bounds that what was seen would have kept.
    pub recommended: Recommendation,
}
