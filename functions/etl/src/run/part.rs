//! A run over a part of the series: it analyses and publishes them as the whole run would.

use super::{Etl, Record, RunError};
use crate::{
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
    pub async fn run_part(&self, request: &PartRequest) -> Result<PartDocument, RunError> {
        let run = RunRequest {
            metrics: request.metrics.clone(),
            sla: request.sla.clone(),
            ..RunRequest::everything(request.as_of)
        };
        let mut record = Record::start(request.as_of, Trigger::Invoke);
        record.document.run_id.clone_from(&request.run_id);
        record.part = request.part;
        let (active, due) = self.read(&run, &mut record).await?;
        let metrics = self.selected(&run, &active);
        let mut publication = self.publisher.publication();
        let prometheus_away = self
            .work(&metrics, &active, &due, &mut record, &mut publication)
            .await;
        for (position, objective) in active.iter().enumerate() {
            if !self.knows(&objective.objective.metric) {
                record.tally.conclude(position);
            }
        }
        self.give_up(&due, &record, &mut publication).await;
        record.finish_publication(publication).await?;
        let document = record.finish();
        Ok(PartDocument {
            series: document.series,
            samples: document.samples,
            bytes: document.bytes,
            messages: document.messages,
            failures: document.failures,
            stages: document.stages,
            warnings: document.warnings,
            evaluated: document.evaluated,
            prometheus_away,
        })
    }
}
