//! One run: objectives and the forecasts to score, then for each metric fetch, analyse, publish; last the run's own record.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use aws::{Measurement, Unit};
use chrono::Utc;
use config::Bounds;
use domain::{
    MetricName, Timestamp,
    message::{BOUND, Encoding, Failure, RunDocument},
    score::UNKNOWN_METRIC,
};
use kafka::{KafkaUnreachable, Publication, Publisher, Refusal};

use crate::{
    deadline::Deadline,
    message::Message,
    metrics_file::Metric,
    objectives::{self, ActiveEvents, ActiveObjective, Objectives},
    order::{Order, ordered},
    prometheus::Prometheus,
    request::RunRequest,
    scoring::{self, Due, Scoring},
    served::{self, Served},
    subject::Trigger,
};

mod counters;
mod events;
mod fetch;
mod held;
mod metric;
mod part;
mod partial;
mod record;
mod replay;
mod split;
mod tally;
mod tried;
mod work;

pub(crate) use metric::read_range;
pub(crate) use replay::{FoundInPiece, NotReplayed, Piece, ReplayedRange, SHORTEST_PIECE};
pub use split::Split;

use held::Held;
use metric::{analyse, conclude, publish_no_series};
use record::{Record, shorten};
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
    /// What is fetched first.
    pub order: Order,
    /// Where it goes.
    pub publisher: Publisher,
    /// How far behind the clock a run looks.
    pub settle: Duration,
    /// How often the schedule starts a run.
    pub interval: Duration,
    /// How much a run judges, counts and asks at most.
    pub bounds: Bounds,
    /// Whether objectives that are tried out may bring PromQL of their own.
    pub queries_allowed: bool,
    /// Whether it publishes what series were like.
    pub keeps_history: bool,
    /// How it writes messages.
    pub encoding: Encoding,
    /// Where a run's measurements go.
    pub measured: aws::Metrics,
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
    /// Kafka takes the run's record not even without failures.
    #[error("Kafka refuses the run's record")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What a run, or its part, is to do.
#[derive(Debug)]
struct Plan {
    /// What is judged.
    active: Arc<[ActiveObjective]>,
    /// What is counted.
    counted: Vec<ActiveEvents>,
    /// The metrics that are the query of an objective, or the bad share of one of events.
    of_objectives: HashSet<MetricName>,
    /// What is scored.
    due: Arc<Due>,
    /// What is fetched, in this order.
    metrics: Vec<Served>,
    /// The metrics, those of objectives of events among them, that the newest run did not reach, in its order.
    unreached: Vec<String>,
    /// What was judged.
    held: Arc<Held>,
    /// Whether it is published what series were like.
    keeps_history: bool,
    /// How messages are written.
    encoding: Encoding,
}

/// So many failures are left in a record that is too large.
const FEW_FAILURES: usize = 10;
/// Series of one metric that wait for a worker; a fetch that is faster than the analysis waits for room.
pub(crate) const SERIES_WAITING: usize = 8;

impl Plan {
    /// Whether a metric of that name is in the metrics file, is the query of an objective, or the bad share of one of events.
    fn knows(&self, etl: &Etl, name: &str) -> bool {
        etl.knows(name) || self.of_objectives.contains(name)
    }

    /// How many of the first metrics the newest run did not reach.
    fn late_metrics(&self) -> usize {
        let is_late = |metric: &Arc<Metric>| self.unreached_place(&metric.name).is_some();
        self.metrics
            .partition_point(|served| served.all().iter().any(is_late))
    }

    /// The place of a metric among those that the newest run did not reach.
    fn unreached_place(&self, name: &str) -> Option<usize> {
        self.unreached
            .iter()
            .position(|unreached| unreached == name)
    }
}

impl Etl {
    /// Runs once. Nothing is fetched after the deadline.
    ///
    /// # Errors
    /// When the SLA asked for is unknown, or Prometheus or Kafka is away. Anything less is a failure in the document.
    pub async fn run(
        &self,
        request: &RunRequest,
        trigger: Trigger,
        deadline: Deadline,
    ) -> Result<RunDocument, RunError> {
        let mut record = Record::start(request, trigger);
        let plan = self.plan(request, &mut record).await?;
        let mut publication = self.publisher.publication();
        let prometheus_away = self
            .work(&plan, deadline, &mut record, &mut publication)
            .await;
        for (position, objective) in plan.active.iter().enumerate() {
            if !plan.knows(self, &objective.objective.metric) {
                record.tally.conclude(position);
                publish_no_series(objective, position, &mut record, &mut publication).await;
            }
        }
        self.give_up(&plan, &record, &mut publication).await;
        record.finish_publication(publication).await?;
        let document = self.publish_record(record.finish()).await?;
        if prometheus_away {
            return Err(RunError::PrometheusAway(Box::new(document)));
        }
        Ok(document)
    }

    /// What a run, or its part, is to do. The objectives are read before everything else.
    async fn plan(&self, request: &RunRequest, record: &mut Record) -> Result<Plan, RunError> {
        let (active, counted) = self.active(request, record).await?;
        record.tally = Tally::new(active.clone());
        let unreached = self.order.unreached().await;
        let read = self.scoring.read(request.as_of, record.part).await;
        record.scores = read.took;
        record.document.failures.extend(read.failures);
        let mut metrics = self.selected(request, &active);
        metrics.extend(served::of_objectives(&active));
        let is_shared = |metric: &Metric| !self.knows(&metric.name);
        let metrics = ordered(metrics, &unreached);
        let (metrics, beyond) = served::together(metrics, self.bounds.queries, is_shared);
        for metric in beyond {
            let most = self.bounds.queries;
            let reason = format!("all SLAs together have more than {most} different queries");
            record.tally.fail_metric(&metric.name, &reason);
            let failure = Failure::new("fetch", BOUND).of_metric(&metric.name);
            record.fail(failure.because(reason));
        }
        Ok(Plan {
            metrics,
            of_objectives: objectives::metrics_of(&active, &counted),
            unreached,
            due: Arc::new(read.forecasts),
            held: Arc::new(Held::new(self.bounds.judged_pairs)),
            active,
            counted,
            keeps_history: self.keeps_history,
            encoding: self.encoding,
        })
    }

    /// The objectives that a run is about: those of ranges, and those of events.
    async fn active(
        &self,
        request: &RunRequest,
        record: &mut Record,
    ) -> Result<(Arc<[ActiveObjective]>, Vec<ActiveEvents>), RunError> {
        let reading = Instant::now();
        let (mut slas, failure) = self.objectives.current().await;
        record.objectives = reading.elapsed();
        let certain = failure.is_none();
        record.document.failures.extend(failure);
        if let Some(names) = &request.slas {
            slas.retain(|sla| names.iter().any(|name| sla.name == name.as_str()));
            if slas.is_empty() && certain {
                return Err(RunError::UnknownSla(names.join(", ")));
            }
        }
        let (mut active, mut counted) = objectives::flatten(slas);
        if let Some(names) = &request.metrics {
            active.retain(|active| is_among(&active.objective.metric, names));
            counted.retain(|active| is_among(&active.metric(), names));
        }
        Ok((active.into(), counted))
    }

    fn selected(&self, request: &RunRequest, active: &[ActiveObjective]) -> Vec<Arc<Metric>> {
        let wanted = |name: &MetricName| match (&request.metrics, &request.slas) {
            (Some(names), _) => is_among(name, names),
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

    /// Publishes which forecasts are never scored: those of metrics that are gone, and those that no later run reaches though
    /// this one did not get their metric.
    async fn give_up(&self, plan: &Plan, record: &Record, publication: &mut Publication<'_>) {
        let lost = plan.due.lost(
            record.document.as_of,
            |metric| plan.knows(self, metric),
            |metric| record.fetched.contains(metric),
        );
        for forecast in lost {
            let document = scoring::unscorable(forecast, UNKNOWN_METRIC, record.document.as_of);
            let message = Message::of_score(&document, &record.document.run_id);
            publication.send(message).await;
        }
    }

    /// Publishes the run's record, the last of its messages. One that is too large is sent again with fewer failures.
    async fn publish_record(&self, mut document: RunDocument) -> Result<RunDocument, RunError> {
        let mut refused = self.send_record(&document).await?;
        // The next run needs to know what was not reached, so that goes last.
        for (most, keeps_unreached) in [(FEW_FAILURES, true), (0, true), (0, false)] {
            if refused.is_some() {
                tracing::warn!(run = document.run_id, most, "the run's record is too large");
                shorten(&mut document, most, keeps_unreached);
                refused = self.send_record(&document).await?;
            }
        }
        if let Some(refusal) = refused {
            return Err(RunError::Refused(refusal.reason.into()));
        }
        self.measure(&document);
        // Alarms count these lines.
        tracing::info!(
            event = "run_published",
            run = document.run_id,
            as_of = %document.as_of,
            series = document.series,
            messages = document.messages,
            failures = document.failures.len(),
            "a run is published"
        );
        Ok(document)
    }

    async fn send_record(&self, document: &RunDocument) -> Result<Option<Refusal>, RunError> {
        let mut publication = self.publisher.publication();
        publication.send(Message::of_run(document)).await;
        Ok(publication.finish().await?.refused.pop())
    }

    fn measure(&self, document: &RunDocument) {
        let now = Timestamp::from(Utc::now());
        let duration = now.since(document.started_at);
        let lag = now.since(document.as_of);
        let measured = |name, unit, value| Measurement { name, unit, value };
        let milliseconds = duration.as_secs_f64() * 1000.0;
        let failures = document.failures.len() as f64;
        self.measured.write(&[
            measured("RunDuration", Unit::Milliseconds, milliseconds),
            measured("RunSeries", Unit::Count, document.series as f64),
            measured("RunFailures", Unit::Count, failures),
            measured("RunLag", Unit::Seconds, lag.as_secs_f64()),
        ]);
    }
}

fn is_among(metric: &MetricName, names: &[String]) -> bool {
    names.iter().any(|name| *metric == name.as_str())
}
