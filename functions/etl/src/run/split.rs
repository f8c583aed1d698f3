//! A run whose parts run elsewhere: what is left to do is to publish what no part can know, and the run's record.

use std::sync::Arc;

use domain::{
    Labels, Part,
    message::{EvaluationOutcome, Failure, RunDocument, Stage},
};

use super::{Etl, Record, RunError, publish_no_series, tally::Tally};
use crate::{
    objectives::{self, ActiveEvents, ActiveObjective},
    part::PartDocument,
    request::RunRequest,
    subject::Trigger,
};

/// A run in parts, while they are under way.
pub struct Split {
    record: Record,
    active: Arc<[ActiveObjective]>,
    counted: Vec<ActiveEvents>,
    stages: Vec<Stage>,
}

impl std::fmt::Debug for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Split")
            .field("document", &self.record.document)
            .finish_non_exhaustive()
    }
}

impl Etl {
    /// Starts a run whose parts run elsewhere.
    ///
    /// # Errors
    /// When the SLA asked for is unknown.
    pub async fn split(&self, request: &RunRequest, trigger: Trigger) -> Result<Split, RunError> {
        let mut record = Record::start(request, trigger);
        let (active, counted) = self.active(request, &mut record).await?;
        record.tally = Tally::new(active.clone());
        Ok(Split {
            record,
            active,
            counted,
            stages: Vec::new(),
        })
    }
}

impl Split {
    /// The run.
    pub fn run_id(&self) -> &str {
        &self.record.document.run_id
    }

    /// Counts a part that came back. What every part says is said once.
    pub fn add(&mut self, part: Part, found: &PartDocument) {
        let name = format!("shard {}", part.index);
        self.record.tally.add(&name, &found.evaluated);
        self.record.events.extend(found.events.iter().cloned());
        self.not_counted(part, &format!("{name} did not evaluate it"));
        let document = &mut self.record.document;
        document.series += found.series;
        document.samples += found.samples;
        document.bytes += found.bytes;
        document.messages += found.messages;
        for warning in &found.warnings {
            if !document.warnings.contains(warning) {
                document.warnings.push(warning.clone());
            }
        }
        for failure in &found.failures {
            if !self.record.document.failures.contains(failure) {
                self.record.fail(failure.clone());
            }
        }
    }

    /// Adds a stage to the run's own.
    pub fn stage(&mut self, stage: Stage) {
        self.stages.push(stage);
    }

    /// A part did not come back. Its series may belong to any objective, but those whose metric is unknown.
    pub fn lost(&mut self, etl: &Etl, part: Part) {
        let lost = format!("shard {} of {} did not come back", part.index, part.of);
        let of_objectives = objectives::metrics_of(&self.active, &self.counted);
        for (position, objective) in self.active.iter().enumerate() {
            let metric = &objective.objective.metric;
            if etl.knows(metric) || of_objectives.contains(metric) {
                self.record.tally.fail(position, &lost);
            } else {
                self.record.tally.conclude(position);
            }
        }
        self.not_counted(part, &lost);
        let reason = format!("{lost}: its series are missing");
        self.record.fail(Failure::new("shard", reason));
    }

    /// Each objective of events that belongs to the part, and of which the part said nothing, was not evaluated.
    fn not_counted(&mut self, part: Part, reason: &str) {
        let events = &mut self.record.events;
        for active in &self.counted {
            let is_said = events.iter().any(|found| {
                (&found.sla, found.version, &found.objective)
                    == (&active.sla, active.version, &active.objective.id)
            });
            if !is_said && part.owns(&active.metric(), &Labels::default()) {
                events.push(active.evaluated(EvaluationOutcome::Reason(reason.to_owned())));
            }
        }
    }

    /// Publishes the objectives that are without a series, then the run's own record.
    ///
    /// # Errors
    /// As [`Etl::run`].
    pub async fn finish(
        mut self,
        etl: &Etl,
        prometheus_away: bool,
    ) -> Result<RunDocument, RunError> {
        let mut publication = etl.publisher.publication();
        for (position, objective) in self.active.iter().enumerate() {
            if self.record.tally.is_without_series(position) {
                publish_no_series(objective, position, &mut self.record, &mut publication).await;
            }
        }
        self.record.finish_publication(publication).await?;
        let mut document = self.record.finish();
        document.stages.extend(self.stages);
        let document = etl.publish_record(document).await?;
        if prometheus_away {
            return Err(RunError::PrometheusAway(Box::new(document)));
        }
        Ok(document)
    }
}
