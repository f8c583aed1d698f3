//! A run whose parts run elsewhere: what is left to do is to publish what no part can know, and the run's record.

use std::sync::Arc;

use domain::message::{Failure, RunDocument, Stage};

use super::{Etl, Record, RunError, publish_no_series, tally::Tally};
use crate::{
    objectives::ActiveObjective, part::PartDocument, request::RunRequest, subject::Trigger,
};

/// A run in parts, while they are under way.
pub struct Split {
    record: Record,
    active: Arc<[ActiveObjective]>,
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
        let (active, _) = self.active(request, &mut record).await?;
        record.tally = Tally::new(active.clone());
        Ok(Split {
            record,
            active,
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
    pub fn add(&mut self, index: u32, part: &PartDocument) {
        let name = format!("shard {index}");
        self.record.tally.add(&name, &part.evaluated);
        self.record.events.extend(part.events.iter().cloned());
        let document = &mut self.record.document;
        document.series += part.series;
        document.samples += part.samples;
        document.bytes += part.bytes;
        document.messages += part.messages;
        for warning in &part.warnings {
            if !document.warnings.contains(warning) {
                document.warnings.push(warning.clone());
            }
        }
        for failure in &part.failures {
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
    pub fn lost(&mut self, etl: &Etl, index: u32, of: u32) {
        let lost = format!("shard {index} of {of} did not come back");
        for (position, objective) in self.active.iter().enumerate() {
            if objective.has_query() || etl.knows(&objective.objective.metric) {
                self.record.tally.fail(position, &lost);
            } else {
                self.record.tally.conclude(position);
            }
        }
        let reason = format!("{lost}: its series are missing");
        self.record.fail(Failure::new("shard", reason));
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
