//! A run whose parts run elsewhere: what is left to do is to say what no part can know, and to tell of the run.

use std::sync::Arc;

use domain::message::{RunDocument, Stage};

use super::{Etl, PartDocument, Record, RunError, Trigger};
use crate::{analysis, objectives::ActiveObjective, request::RunRequest};

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
        let mut record = Record::start(request.as_of, trigger);
        let active = self.active(request, &mut record).await?;
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

    /// Counts a part that came back. What every part tells is told once.
    pub fn add(&mut self, part: &PartDocument) {
        let document = &mut self.record.document;
        document.series += part.series;
        document.samples += part.samples;
        document.bytes += part.bytes;
        document.messages += part.messages;
        for failure in &part.failures {
            if !document.failures.contains(failure) {
                document.failures.push(failure.clone());
            }
        }
        for warning in &part.warnings {
            if !document.warnings.contains(warning) {
                document.warnings.push(warning.clone());
            }
        }
    }

    /// Adds a stage to the run's own.
    pub fn stage(&mut self, stage: Stage) {
        self.stages.push(stage);
    }

    /// Tells of a part that did not come back.
    pub fn lost(&mut self, index: u32, of: u32) {
        let reason = format!("shard {index} of {of} did not come back: its series are missing");
        self.record.fail("shard", None, None, reason);
    }

    /// Publishes the objectives that are `without_series`, or whose metric is unknown, then the run's own record.
    ///
    /// # Errors
    /// As [`Etl::run`].
    pub async fn finish(
        mut self,
        etl: &Etl,
        prometheus_away: bool,
        without_series: impl Fn(&ActiveObjective) -> bool,
    ) -> Result<RunDocument, RunError> {
        let mut publication = etl.publisher.publication();
        let subject = self.record.subject();
        for objective in self.active.iter() {
            if without_series(objective) || !etl.knows(&objective.objective.metric) {
                publication
                    .send(analysis::no_series(objective, &subject))
                    .await;
            }
        }
        self.record.finish_publication(publication).await?;
        let mut document = self.record.finish();
        document.stages.extend(self.stages);
        etl.publish_record(&document).await?;
        if prometheus_away {
            return Err(RunError::PrometheusAway(Box::new(document)));
        }
        Ok(document)
    }
}
