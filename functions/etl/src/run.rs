//! One run: objectives and the forecasts to score, then for each metric fetch, analyse, publish; last the run's own record.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    message::{Failure, RunDocument},
    score::UNKNOWN_METRIC,
};
use futures::{StreamExt, stream};
use tokio::sync::mpsc;

use crate::{
    message::Message,
    metrics_file::Metric,
    objectives::{self, ActiveObjective, Objectives},
    prometheus::{Availability, FetchError, Prometheus},
    publish::{KafkaUnreachable, Publication, Publisher},
    request::RunRequest,
    scoring::{self, Due, Scoring},
    subject::Trigger,
};

mod metric;
mod part;
mod record;
mod split;
mod tally;

pub(crate) use metric::{fetch, read_range};
pub use split::Split;

use metric::{analyse, conclude, fetch_from, publish_no_series};
use record::Record;
use tally::Tally;

/// What a run works with, made once per instance.
#[derive(Debug)]
pub struct Etl {
    /// What there is to ask for.
    pub metrics: Vec<Arc<Metric>>,
    /// Where it is asked.
    pub prometheus: Prometheus,
    /// What is judged.
    pub objectives: Objectives,
    /// What forecasts are due for scoring, and how they did.
    pub scoring: Scoring,
    /// Where it goes.
    pub publisher: Publisher,
    /// How far behind the clock a run looks.
    pub settle: Duration,
}

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The request names an SLA that is not in force.
    #[error("no SLA `{0}` is in force")]
    UnknownSla(String),
    /// Prometheus answered no query; the run and its failures are published.
    #[error("Prometheus cannot be reached")]
    PrometheusAway(Box<RunDocument>),
    /// What was found could not be published.
    #[error(transparent)]
    KafkaAway(#[from] KafkaUnreachable),
}

/// Fetches under way at once: one is analysed while the next one arrives.
const FETCHES: usize = 2;
/// Series of one metric that wait for a worker; a fetch that is faster than the analysis waits for room.
pub(crate) const SERIES_WAITING: usize = 8;

impl Etl {
    /// Runs once.
    ///
    /// # Errors
    /// When the SLA asked for is unknown, or Prometheus or Kafka is away. Anything less is a failure in the document.
    pub async fn run(
        &self,
        request: &RunRequest,
        trigger: Trigger,
    ) -> Result<RunDocument, RunError> {
        let mut record = Record::start(request.as_of, trigger);
        let (active, due) = self.read(request, &mut record).await?;
        let metrics = self.selected(request, &active);
        let mut publication = self.publisher.publication();

        let prometheus_away = self
            .work(&metrics, &active, &due, &mut record, &mut publication)
            .await;
        for (position, objective) in active.iter().enumerate() {
            if !self.knows(&objective.objective.metric) {
                record.tally.conclude(position);
                publish_no_series(objective, position, &mut record, &mut publication).await;
            }
        }
        self.give_up(&due, &record, &mut publication).await;
        record.finish_publication(publication).await?;
        let document = record.finish();
        self.publish_record(&document).await?;
        if prometheus_away {
            return Err(RunError::PrometheusAway(Box::new(document)));
        }
        Ok(document)
    }

    /// Fetches and analyses each metric and hands what was found to Kafka. Tells whether Prometheus answered nothing.
    async fn work(
        &self,
        metrics: &[Arc<Metric>],
        active: &Arc<[ActiveObjective]>,
        due: &Arc<Due>,
        record: &mut Record,
        publication: &mut Publication<'_>,
    ) -> bool {
        let as_of = record.document.as_of;
        let availability = Arc::new(Availability::default());
        let mut fetches = stream::iter(metrics.iter().cloned())
            .map(|metric| {
                let (found, series) = mpsc::channel(SERIES_WAITING);
                let range = read_range(&metric, active, as_of);
                let fetch = fetch_from(
                    availability.clone(),
                    self.prometheus.clone(),
                    metric.clone(),
                    range,
                    found,
                );
                let fetch = tokio::spawn(fetch);
                async move { (metric, series, fetch) }
            })
            .buffered(FETCHES);
        let mut unreachable = 0;
        while let Some((metric, series, fetch)) = fetches.next().await {
            let judged = analyse(&metric, series, active, due, record, publication).await;
            let Ok((took, outcome)) = fetch.await else {
                let reason = "the fetch broke off";
                record.tally.fail_metric(&metric.name, reason);
                record.fail(Failure::new("fetch", reason).of_metric(&metric.name));
                continue;
            };
            record.fetch += took;
            match outcome {
                Ok(fetched) => {
                    record.warn(fetched.warnings);
                    record.ambiguous(&metric.name, fetched.ambiguous);
                    conclude(&metric, &judged, active, due, record, publication).await;
                }
                Err(error) => {
                    unreachable += usize::from(matches!(error, FetchError::Unreachable(_)));
                    tracing::warn!(metric = metric.name, %error, "a metric cannot be fetched");
                    let reason = "its metric could not be fetched";
                    record.tally.fail_metric(&metric.name, reason);
                    record.fail(Failure::new("fetch", error.to_string()).of_metric(&metric.name));
                }
            }
        }
        !metrics.is_empty() && unreachable == metrics.len()
    }

    /// What a run, or its part, judges and scores.
    async fn read(
        &self,
        request: &RunRequest,
        record: &mut Record,
    ) -> Result<(Arc<[ActiveObjective]>, Arc<Due>), RunError> {
        let part = record.part;
        let (read, active) = tokio::join!(
            self.scoring.read(request.as_of),
            self.active(request, record),
        );
        let active = active?;
        record.scores = read.took;
        record.document.failures.extend(read.failures);
        record.tally = Tally::new(active.clone());
        Ok((active, Arc::new(read.forecasts.of_part(part))))
    }

    async fn active(
        &self,
        request: &RunRequest,
        record: &mut Record,
    ) -> Result<Arc<[ActiveObjective]>, RunError> {
        let reading = Instant::now();
        let (mut slas, failure) = self.objectives.current().await;
        record.objectives = reading.elapsed();
        let certain = failure.is_none();
        record.document.failures.extend(failure);
        if let Some(name) = &request.sla {
            slas.retain(|sla| sla.name == *name);
            if slas.is_empty() && certain {
                return Err(RunError::UnknownSla(name.clone()));
            }
        }
        let mut active = objectives::flatten(slas);
        if let Some(names) = &request.metrics {
            active.retain(|active| names.contains(&active.objective.metric));
        }
        Ok(active.into())
    }

    fn selected(&self, request: &RunRequest, active: &[ActiveObjective]) -> Vec<Arc<Metric>> {
        let wanted = |name: &String| match (&request.metrics, &request.sla) {
            (Some(names), _) => names.contains(name),
            (None, Some(_)) => active.iter().any(|active| active.objective.metric == *name),
            (None, None) => true,
        };
        self.metrics
            .iter()
            .filter(|metric| wanted(&metric.name))
            .cloned()
            .collect()
    }

    /// Whether a metric of that name is in the metrics file.
    pub fn knows(&self, name: &str) -> bool {
        self.metrics.iter().any(|metric| metric.name == name)
    }

    /// Tells which forecasts are never scored: those of metrics that are gone, and those that no later run reaches though
    /// this one did not get their metric.
    async fn give_up(&self, due: &Due, record: &Record, publication: &mut Publication<'_>) {
        let is_fetched = |metric: &str| record.fetched.iter().any(|fetched| fetched == metric);
        let lost = due.lost(
            record.document.as_of,
            |metric| self.knows(metric),
            is_fetched,
        );
        for forecast in lost {
            let document = scoring::unscorable(forecast, UNKNOWN_METRIC, record.document.as_of);
            let message = Message::of_score(&document, &record.document.run_id);
            publication.send(message).await;
        }
    }

    async fn publish_record(&self, document: &RunDocument) -> Result<(), KafkaUnreachable> {
        let mut publication = self.publisher.publication();
        publication.send(Message::of_run(document)).await;
        publication.finish().await?;
        // The alarm for missing runs counts these lines.
        tracing::info!(
            run = document.run_id,
            series = document.series,
            messages = document.messages,
            failures = document.failures.len(),
            "a run is published"
        );
        Ok(())
    }
}
