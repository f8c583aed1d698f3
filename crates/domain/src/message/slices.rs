use serde::{Deserialize, Serialize};

use crate::{
    events::SliceCounts,
    series::{Labels, MetricName, Series, SeriesId},
    sla::{Definition, EventsObjective, ObjectiveId, SlaName},
    time::Timestamp,
};

/// `slacast.slices.v1`: the events of one objective and group, counted by one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlicesDocument {
    /// The SLA's name.
    pub sla: SlaName,
    /// The version that was counted.
    pub version: u32,
    /// The objective, as that version has it.
    pub objective: EventsObjective,
    /// What is counted: always that of `objective`.
    pub definition: Definition,
    /// The values of the objective's `by` labels; none for all events together.
    pub group: Labels,
    /// When the run looked.
    pub as_of: Timestamp,
    /// How often counters of the objective, in all of its groups, went back in what the run read.
    pub resets: u64,
    /// The slices that end in `(as_of - 15m, as_of]`, each once, in order.
    pub slices: Vec<SliceCounts>,
}

impl SlicesDocument {
    /// The identity of the group, and the key of its messages.
    pub fn group_id(&self) -> SeriesId {
        group_id(&self.sla, &self.objective.id, &self.group)
    }
}

/// The identity of a group of an objective: that of a series whose metric is `SLA/OBJECTIVE`.
pub fn group_id(sla: &SlaName, objective: &ObjectiveId, group: &Labels) -> SeriesId {
    let series = Series {
        metric: MetricName::of_objective(sla, objective),
        labels: group.clone(),
    };
    series.id()
}
