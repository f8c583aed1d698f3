use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Failure, ViolationsDocument};
use crate::{
    budget::{EventsBudget, Firing},
    evaluation::Recommendation,
    series::Labels,
    sla::{Objective, ObjectiveId, Severity},
    time::Timestamp,
};

/// What etl answers to a dry run. No message: nothing is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialDocument {
    /// The instant it looked at.
    pub as_of: Timestamp,
    /// The objectives of ranges, in the order given.
    pub objectives: Vec<TriedObjective>,
    /// The objectives of events, in the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<TriedEvents>,
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

/// An objective of events and what it would have said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TriedEvents {
    /// The objective's id.
    pub objective: ObjectiveId,
    /// Where the time begins that was counted, exclusive. Later than asked for where time or memory did not suffice: see
    /// `failures`.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// How many groups there are.
    pub series: u64,
    /// All events together, and, where the objective is counted by labels, the groups: those with the least left first, at
    /// most 100.
    pub groups: Vec<TriedGroup>,
}

/// What an objective of events would have said of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TriedGroup {
    /// The group's labels; none of all events together.
    pub labels: Labels,
    /// The budget at the end, from what was counted.
    #[schemars(with = "EventsBudget")]
    pub budget: serde_json::Value,
    /// The greatest target that would have been kept over the time that was counted; null if nothing was judged.
    pub kept_target: Option<f64>,
    /// The alerts, in the order of the pairs, and when each would have fired.
    pub alerts: Vec<TriedAlert>,
}

/// When an alert would have fired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TriedAlert {
    /// The long window.
    pub long: String,
    /// The short window.
    pub short: String,
    /// How many times faster than sustainable the budget has to be spent.
    pub factor: f64,
    /// How urgent it is.
    pub severity: Severity,
    /// How often it would have fired.
    pub count: u64,
    /// From when to when, the newest first, at most 100.
    pub firings: Vec<Firing>,
}
