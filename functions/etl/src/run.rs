//! One run: objectives and the forecasts to score, then for each metric fetch, analyse, publish; last the run's own record.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use chrono::Utc;
use domain::{
    SeriesId, Timestamp,
    evaluation::{self, Span},
    message::{Failure, RunDocument, Stage},
    score::{NO_SERIES, UNKNOWN_METRIC},
};
use futures::{StreamExt, future, stream};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    analysis::{self, Subject},
    message::Message,
    metrics_file::Metric,
    objectives::{self, ActiveObjective, Objectives},
    prometheus::{FetchError, FetchedSeries, Prometheus},
    publish::{KafkaUnreachable, Publication, Publisher},
    request::RunRequest,
    scoring::{self, Due, Scoring},
};

mod part;
mod split;
pub use part::{Part, PartDocument, PartRequest};
pub use split::Split;

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

/// What started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The schedule.
    Schedule,
    /// `POST /ETL`.
    Http,
    /// A direct invocation.
    Invoke,
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
/// What is told of failures at most; a run of 10,000 broken series needs no 10,000 sentences.
const MOST_FAILURES: usize = 100;

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
        for objective in active
            .iter()
            .filter(|active| !self.knows(&active.objective.metric))
        {
            publication
                .send(analysis::no_series(objective, &record.subject()))
                .await;
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
        let mut fetches = stream::iter(metrics.iter().cloned())
            .map(|metric| {
                let (found, series) = mpsc::channel(SERIES_WAITING);
                let range = read_range(&metric, active, as_of);
                let fetch =
                    tokio::spawn(fetch(self.prometheus.clone(), metric.clone(), range, found));
                async move { (metric, series, fetch) }
            })
            .buffered(FETCHES);
        let mut unreachable = 0;
        while let Some((metric, series, fetch)) = fetches.next().await {
            let judged = analyse(&metric, series, active, due, record, publication).await;
            let Ok((took, outcome)) = fetch.await else {
                record.fail(
                    "fetch",
                    Some(&metric.name),
                    None,
                    "the fetch broke off".to_owned(),
                );
                continue;
            };
            record.fetch += took;
            match outcome {
                Ok(warnings) => {
                    record.document.warnings.extend(warnings);
                    record.fetched.push(metric.name.clone());
                    record.judged.extend(&judged.objectives);
                    if !judged.broke_off {
                        for forecast in due.unseen(&metric.name, &judged.series) {
                            let document = scoring::unscorable(forecast, NO_SERIES, as_of);
                            let message = Message::of_score(&document, &record.document.run_id);
                            publication.send(message).await;
                        }
                    }
                    if judged.arrived == 0 {
                        record.fail("fetch", Some(&metric.name), None, "no series".to_owned());
                    }
                    for (position, objective) in active.iter().enumerate() {
                        if record.part.is_whole()
                            && objective.objective.metric == metric.name
                            && !judged.objectives.contains(&position)
                        {
                            publication
                                .send(analysis::no_series(objective, &record.subject()))
                                .await;
                        }
                    }
                }
                Err(error) => {
                    unreachable += usize::from(matches!(error, FetchError::Unreachable(_)));
                    tracing::warn!(metric = metric.name, %error, "a metric cannot be fetched");
                    record.fail("fetch", Some(&metric.name), None, error.to_string());
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

    /// Tells that forecasts of metrics that are gone are never scored.
    async fn give_up(&self, due: &Due, record: &Record, publication: &mut Publication<'_>) {
        for forecast in due.of_unknown_metrics(|metric| self.knows(metric)) {
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

pub(crate) async fn fetch(
    prometheus: Prometheus,
    metric: Arc<Metric>,
    range: Span,
    found: mpsc::Sender<FetchedSeries>,
) -> (Duration, Result<Vec<String>, FetchError>) {
    let asking = Instant::now();
    let outcome = prometheus.fetch(&metric, range, &found).await;
    (asking.elapsed(), outcome)
}

/// What was analysed of one metric.
#[derive(Default)]
struct Judged {
    arrived: u64,
    series: HashSet<SeriesId>,
    objectives: HashSet<usize>,
    /// Whether the analysis of a series, nobody knows which, broke off.
    broke_off: bool,
}

/// Analyses the series of one metric while they arrive, on as many worker threads as there are processors, and hands
/// what was found to Kafka.
async fn analyse(
    metric: &Arc<Metric>,
    arriving: mpsc::Receiver<FetchedSeries>,
    active: &Arc<[ActiveObjective]>,
    due: &Arc<Due>,
    record: &mut Record,
    publication: &mut Publication<'_>,
) -> Judged {
    let subject = record.subject();
    let (part, arrived) = (record.part, AtomicU64::new(0));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut analyses = stream::unfold(arriving, async |mut arriving| {
        Some((arriving.recv().await?, arriving))
    })
    .filter(|series| {
        arrived.fetch_add(1, Ordering::Relaxed);
        future::ready(part.owns(&metric.name, &series.labels))
    })
    .map(|series| {
        let (metric, active, due) = (metric.clone(), active.clone(), due.clone());
        let subject = subject.clone();
        tokio::task::spawn_blocking(move || {
            analysis::analyse(&metric, series, &active, &due, &subject)
        })
    })
    .buffer_unordered(workers)
    .boxed();
    let mut judged = Judged::default();
    while let Some(analysed) = analyses.next().await {
        let Ok(analysed) = analysed else {
            tracing::error!(metric = metric.name, "an analysis panicked");
            judged.broke_off = true;
            record.fail(
                "analysis",
                Some(&metric.name),
                None,
                "the analysis broke off".to_owned(),
            );
            continue;
        };
        if !judged.series.insert(analysed.series) {
            let series = Some(analysed.series.to_string());
            record.fail(
                "fetch",
                Some(&metric.name),
                series,
                "another series has the same labels".to_owned(),
            );
            continue;
        }
        judged.objectives.extend(analysed.objectives);
        record.document.series += 1;
        record.document.samples += analysed.samples;
        record.analysis += analysed.took;
        let sending = Instant::now();
        for message in analysed.messages {
            publication.send(message).await;
        }
        record.publish += sending.elapsed();
    }
    drop(analyses);
    judged.arrived = arrived.into_inner();
    judged
}

/// One fetch serves everything that is said of a metric: 12 h, and before that what its most patient objective needs.
pub(crate) fn read_range(metric: &Metric, active: &[ActiveObjective], as_of: Timestamp) -> Span {
    let of_metric = active
        .iter()
        .filter(|active| active.objective.metric == metric.name);
    let longest = of_metric
        .map(|active| active.objective.hold)
        .max()
        .unwrap_or_default();
    evaluation::read_range(longest, as_of)
}

/// A run's record while it is being made.
struct Record {
    document: RunDocument,
    part: Part,
    /// The metrics whose series all arrived.
    fetched: Vec<String>,
    /// The positions of the objectives that some series was judged by.
    judged: HashSet<usize>,
    started: Instant,
    objectives: Duration,
    scores: Duration,
    fetch: Duration,
    analysis: Duration,
    publish: Duration,
}

impl Record {
    fn start(as_of: Timestamp, trigger: Trigger) -> Self {
        let trigger = match trigger {
            Trigger::Schedule => "schedule",
            Trigger::Http => "http",
            Trigger::Invoke => "invoke",
        };
        Self {
            document: RunDocument {
                run_id: Uuid::new_v4().to_string(),
                as_of,
                started_at: Utc::now().into(),
                trigger: trigger.to_owned(),
                series: 0,
                samples: 0,
                bytes: 0,
                messages: 0,
                failures: Vec::new(),
                stages: Vec::new(),
                warnings: Vec::new(),
            },
            part: Part::WHOLE,
            fetched: Vec::new(),
            judged: HashSet::new(),
            started: Instant::now(),
            objectives: Duration::ZERO,
            scores: Duration::ZERO,
            fetch: Duration::ZERO,
            analysis: Duration::ZERO,
            publish: Duration::ZERO,
        }
    }

    fn subject(&self) -> Subject {
        Subject {
            run: self.document.run_id.clone(),
            as_of: self.document.as_of,
        }
    }

    fn fail(&mut self, stage: &str, metric: Option<&str>, series: Option<String>, reason: String) {
        if self.document.failures.len() < MOST_FAILURES {
            self.document.failures.push(Failure {
                stage: stage.to_owned(),
                metric: metric.map(str::to_owned),
                series,
                reason,
            });
        }
    }

    /// Waits for what was published and counts it.
    async fn finish_publication(
        &mut self,
        publication: Publication<'_>,
    ) -> Result<(), KafkaUnreachable> {
        let waiting = Instant::now();
        let published = publication.finish().await?;
        self.publish += waiting.elapsed();
        self.document.messages += published.messages;
        self.document.bytes += published.bytes;
        for refusal in published.refused {
            let reason = refusal.reason.to_string();
            self.fail("publish", None, Some(refusal.key), reason);
        }
        Ok(())
    }

    fn finish(mut self) -> RunDocument {
        let stages = [
            ("objectives", self.objectives),
            ("scores", self.scores),
            ("fetch", self.fetch),
            ("analysis", self.analysis),
            ("publish", self.publish),
            ("total", self.started.elapsed()),
        ];
        self.document.stages = stages
            .map(|(stage, took)| Stage {
                stage: stage.to_owned(),
                milliseconds: took.as_secs_f64() * 1000.0,
            })
            .into();
        self.document
    }
}
