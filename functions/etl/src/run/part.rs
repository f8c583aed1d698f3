//! A run over a part of the series: it analyses and publishes them as the whole run would.

use std::time::Duration;

use super::{Etl, Record, RunError};
use crate::{
    deadline::Deadline,
    part::{PartDocument, PartRequest},
    request::RunRequest,
    subject::Trigger,
};

impl Etl {
    /// Runs a part: fetches everything, analyses and publishes what belongs to the part. Publishes neither objectives
    /// without a series nor the run's record: that takes all parts.
    ///
    /// # Errors
    /// As [`Etl::run`], but that Prometheus is away is said in the document.
    pub async fn run_part(
        &self,
        request: &PartRequest,
        deadline: Deadline,
    ) -> Result<PartDocument, RunError> {
        let left = request.left_ms.map(Duration::from_millis);
        let deadline = left.map_or(deadline, |left| deadline.within(left));
        let run = RunRequest {
            metrics: request.metrics.clone(),
            slas: request.slas.clone(),
            ..RunRequest::everything(request.as_of)
        };
        let mut record = Record::start(&run, Trigger::Invoke);
        record.document.run_id.clone_from(&request.run_id);
        record.part = request.part;
        let plan = self.plan(&run, &mut record).await?;
        let mut publication = self.publisher.publication();
        let prometheus_away = self
            .work(&plan, deadline, &mut record, &mut publication)
            .await;
        for (position, objective) in plan.active.iter().enumerate() {
            if !self.knows(&objective.objective.metric) {
                record.tally.conclude(position);
            }
        }
        self.give_up(&plan.due, &record, &mut publication).await;
        record.finish_publication(publication).await?;
        let evaluated = record.tally.part(request.as_of);
        let document = record.finish();
        Ok(PartDocument {
            series: document.series,
            samples: document.samples,
            bytes: document.bytes,
            messages: document.messages,
            failures: document.failures,
            stages: document.stages,
            warnings: document.warnings,
            evaluated,
            prometheus_away,
        })
    }
}
