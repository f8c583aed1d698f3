//! A dry run: objectives judged on what Prometheus has, nothing published and nothing kept.

use std::{future, sync::Arc, thread, time::Duration};

use domain::{
    Sample, Series, SeriesId, Timestamp,
    evaluation::{self, ObjectiveState, Recommendation, worst_first},
    message::{
        BOUND, DEADLINE, Failure, SeriesReference, TrialDocument, TriedObjective, TriedSeries,
        ViolationsDocument,
    },
    sla::{Objective, SlaName, Trial},
};
use futures::{StreamExt, stream};
use store::pipeline::StoredEvaluation;
use tokio::{sync::mpsc, time::timeout_at};

use crate::{
    analysis,
    deadline::Deadline,
    metrics_file::Metric,
    objectives::ActiveObjective,
    pairs::Pairs,
    prometheus::{FetchError, FetchedSeries},
    run::{Etl, SERIES_WAITING, read_range},
};

/// Why objectives could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// Prometheus did not answer.
    #[error("Prometheus cannot be reached")]
    PrometheusAway(#[source] FetchError),
}

/// Somebody waits for the answer, and a REST API for 29 s.
const PATIENCE: Duration = Duration::from_secs(29);
/// The version that the documents name.
const VERSION: u32 = 0;
/// How many series of an objective are answered.
const MOST_SERIES: usize = 100;
/// The answer lists no more series once it has so many bytes of them: a Lambda function may answer 6 MB.
const MOST_BYTES: usize = 3_000_000;

impl Etl {
    /// Judges the objectives as of `as_of`. Where Prometheus refuses a query the answer says so.
    ///
    /// # Errors
    /// When Prometheus is away.
    pub async fn try_out(
        &self,
        trial: &Trial,
        as_of: Timestamp,
        deadline: Deadline,
    ) -> Result<TrialDocument, TrialError> {
        let active: Arc<[ActiveObjective]> = trial
            .objectives
            .iter()
            .map(|objective| ActiveObjective {
                sla: SlaName::trial(),
                version: VERSION,
                objective: objective.clone(),
            })
            .collect();
        let asked: Vec<Arc<Metric>> = self
            .metrics
            .iter()
            .filter(|metric| {
                let mut objectives = trial.objectives.iter();
                objectives.any(|objective| objective.metric == metric.name)
            })
            .cloned()
            .collect();
        let deadline = deadline.within(PATIENCE);
        let mut tried: Vec<TriedObjective> = trial.objectives.iter().map(untried).collect();
        let (mut failures, pairs) = (Vec::new(), Arc::new(Pairs::new(self.pairs)));
        for metric in asked {
            let name = metric.name.clone();
            let asked = Asked {
                active: active.clone(),
                pairs: pairs.clone(),
                as_of,
                violations: trial.violations,
            };
            let found = self.try_metric(metric, &asked, &mut tried);
            let Ok(found) = timeout_at(deadline.end, found).await else {
                failures.push(Failure::new("fetch", DEADLINE).of_metric(&name));
                continue;
            };
            match found {
                Ok(0) => {}
                Ok(cut) => {
                    let detail = format!("{cut} pairs were not judged: {}", pairs.cut());
                    let failure = Failure::new("evaluation", BOUND).of_metric(&name);
                    failures.push(failure.because(detail));
                }
                Err(error @ FetchError::Unreachable(_)) => {
                    return Err(TrialError::PrometheusAway(error));
                }
                Err(error) => {
                    let said = error.to_string();
                    let failure = match error.word() {
                        Some(word) => Failure::new("fetch", word).because(said),
                        None => Failure::new("fetch", said),
                    };
                    failures.push(failure.of_metric(&name));
                }
            }
        }
        let mut bytes = 0;
        for (objective, active) in tried.iter_mut().zip(active.iter()) {
            close(objective, active, as_of, &mut bytes);
        }
        Ok(TrialDocument {
            as_of,
            objectives: tried,
            failures,
        })
    }

    /// Judges the series of a metric while they arrive, on as many worker threads as there are processors. Returns how many
    /// pairs of an objective and a series were not judged.
    async fn try_metric(
        &self,
        metric: Arc<Metric>,
        asked: &Asked,
        tried: &mut [TriedObjective],
    ) -> Result<usize, FetchError> {
        let (found, arriving) = mpsc::channel(SERIES_WAITING);
        let range = read_range(&metric, &asked.active, asked.as_of);
        let mut cut = 0;
        let fetching = async {
            let fetched = self.prometheus.fetch(&metric, range, &found).await;
            drop(found);
            fetched
        };
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let judging = stream::unfold(arriving, async |mut arriving| {
            Some((arriving.recv().await?, arriving))
        })
        .map(|series| {
            let (metric, asked) = (metric.clone(), asked.clone());
            tokio::task::spawn_blocking(move || try_series(&metric, series, &asked))
        })
        .buffer_unordered(workers)
        .for_each(|judged| {
            match judged {
                Ok((judged, left_out)) => {
                    cut += left_out;
                    for (position, series) in judged {
                        if let Some(objective) = tried.get_mut(position) {
                            add(objective, series);
                        }
                    }
                }
                Err(_) => tracing::error!(metric = metric.name.as_str(), "an analysis panicked"),
            }
            future::ready(())
        });
        let (outcome, ()) = tokio::join!(fetching, judging);
        outcome.map(|_| cut)
    }
}

/// What is tried.
#[derive(Clone)]
struct Asked {
    active: Arc<[ActiveObjective]>,
    pairs: Arc<Pairs>,
    as_of: Timestamp,
    /// How many violations in 12 h recommended bounds may leave.
    violations: u64,
}

fn try_series(
    metric: &Metric,
    fetched: FetchedSeries,
    asked: &Asked,
) -> (Vec<(usize, TriedSeries)>, usize) {
    let Asked {
        active,
        pairs,
        as_of,
        violations,
    } = asked;
    let samples = evaluation::clean(fetched.samples);
    let series = Series {
        metric: metric.name.clone(),
        labels: fetched.labels,
    };
    let reference = SeriesReference::new(&series, metric.unit.clone());
    let matched = active.iter().any(|active| {
        active.objective.metric == series.metric && series.labels.matches(&active.objective.labels)
    });
    if !matched {
        return (Vec::new(), 0);
    }
    let found = analysis::statistics(metric, &samples, *as_of);
    let judged = analysis::judge(metric, &reference, &samples, &found, active, pairs, *as_of);
    let tried = judged.violations.into_iter().map(|(position, document)| {
        let tried = tried(&document, metric, &samples, *violations);
        (position, tried)
    });
    (tried.collect(), judged.cut.len())
}

fn tried(
    document: &ViolationsDocument,
    metric: &Metric,
    samples: &[Sample],
    violations: u64,
) -> TriedSeries {
    let recommended = evaluation::recommend(
        &document.objective,
        samples,
        metric.reading.staleness(),
        document.as_of,
        violations,
    );
    let StoredEvaluation {
        document,
        episodes_total,
    } = document.into();
    TriedSeries {
        violations: document,
        episodes_total,
        recommended,
    }
}

fn untried(objective: &Objective) -> TriedObjective {
    TriedObjective {
        objective: objective.clone(),
        series: 0,
        firing: 0,
        no_data: 0,
        entries: Vec::new(),
    }
}

/// Counts a series, and keeps it if it is among the worst.
fn add(objective: &mut TriedObjective, series: TriedSeries) {
    let state = series.violations.state;
    objective.series += 1;
    objective.firing += u64::from(state == ObjectiveState::Firing);
    objective.no_data += u64::from(state == ObjectiveState::NoData);
    objective.entries.push(series);
    if objective.entries.len() > 2 * MOST_SERIES {
        keep_the_worst(&mut objective.entries);
    }
}

fn keep_the_worst(entries: &mut Vec<TriedSeries>) {
    entries.sort_by(|one, other| {
        worst_first(badness(one), badness(other)).then_with(|| id(one).cmp(&id(other)))
    });
    entries.truncate(MOST_SERIES);
}

fn badness(series: &TriedSeries) -> (ObjectiveState, f64) {
    let windows = series.violations.windows;
    let seconds = windows.map_or(0.0, |windows| windows.twelve_hours.seconds);
    (series.violations.state, seconds)
}

fn id(series: &TriedSeries) -> Option<SeriesId> {
    let reference = series.violations.series.as_ref();
    reference.map(|reference| reference.series)
}

/// The worst of the series, as many as the answer has room for, at least one; or that there is none.
fn close(
    objective: &mut TriedObjective,
    active: &ActiveObjective,
    as_of: Timestamp,
    bytes: &mut usize,
) {
    keep_the_worst(&mut objective.entries);
    let fitting = objective.entries.iter().take_while(|series| {
        *bytes += size(series);
        *bytes <= MOST_BYTES
    });
    let fitting = fitting.count().max(1);
    objective.entries.truncate(fitting);
    if objective.entries.is_empty() {
        let ActiveObjective {
            sla,
            version,
            objective: tried,
        } = active;
        objective.entries.push(TriedSeries {
            violations: ViolationsDocument::without_series(sla, *version, tried, as_of),
            episodes_total: 0,
            recommended: Recommendation::default(),
        });
    }
}

/// About how many bytes a series has as JSON.
fn size(series: &TriedSeries) -> usize {
    let labels = series.violations.series.as_ref().map_or(0, |reference| {
        let labels = reference.labels.0.iter();
        labels.map(|(name, value)| name.len() + value.len()).sum()
    });
    2_500 + 2 * labels + 250 * series.violations.episodes.len()
}
