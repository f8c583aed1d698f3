use domain::{
    Labels, Timestamp,
    events::{Counting, Minute, SliceCounts},
    message::{EvaluatedObjective, EvaluationOutcome, RunDocument, SlicesDocument},
    sla::{Definition, Events, EventsObjective, SlaName},
};

use super::Documents;
use crate::pipeline::Document;

/// Documents about the events of one objective, by group.
#[derive(Clone, Debug)]
pub struct CountedEvents {
    /// The SLA.
    pub sla: SlaName,
    /// Its version.
    pub version: u32,
    /// The objective.
    pub objective: EventsObjective,
}

impl CountedEvents {
    /// The requests of the SLA `demo`, and those that failed, by these labels.
    ///
    /// # Panics
    /// Never.
    pub fn by(labels: &[&str]) -> Self {
        let events = Events {
            good: None,
            bad: Some("errors_total".to_owned()),
            total: Some("requests_total".to_owned()),
            ..Events::default()
        };
        let by = labels.iter().map(|label| (*label).to_owned()).collect();
        Self {
            sla: "demo".parse().expect("an SLA name"),
            version: 1,
            objective: EventsObjective::new(events, by),
        }
    }

    /// What its slices belong to.
    pub fn definition(&self) -> Definition {
        self.objective.definition()
    }

    /// What the run at `as_of` counted of a group: `count` says it of each minute.
    pub fn document(
        &self,
        group: &Labels,
        as_of: Timestamp,
        count: impl Fn(Minute) -> SliceCounts,
    ) -> Document {
        let slices = Counting::run_slices(as_of);
        let minutes = Minute::ended_by(slices.start).up_to(Minute::ended_by(slices.end));
        Document::Slices(Box::new(SlicesDocument {
            sla: self.sla.clone(),
            version: self.version,
            objective: self.objective.clone(),
            definition: self.definition(),
            group: group.clone(),
            as_of,
            resets: 0,
            slices: minutes.map(count).collect(),
        }))
    }

    /// The record of the run at `as_of`, which published what it counted of so many groups.
    ///
    /// # Panics
    /// Never.
    pub fn record(&self, as_of: Timestamp, groups: u64) -> Document {
        let Document::Run(run) = Documents::about("cpuUsage", "a").run(as_of) else {
            unreachable!("a run's record is one");
        };
        Document::Run(RunDocument {
            evaluated: vec![EvaluatedObjective {
                sla: self.sla.clone(),
                version: self.version,
                objective: self.objective.id.clone(),
                outcome: EvaluationOutcome::Rows(groups),
                ended_until: None,
            }],
            ..run
        })
    }
}
