//! A dry run: objectives judged on what Prometheus has, nothing published and nothing kept.

use std::{collections::BTreeMap, future, sync::Arc, thread, time::Duration};

use domain::{
    Sample, Series, SeriesId, Timestamp,
    evaluation::{self, ObjectiveState, Recommendation, Silence, Stood, Validity, worst_first},
    message::{
        BOUND, DEADLINE, Failure, SeriesReference, TrialDocument, TriedObjective, TriedSeries,
        ViolationsDocument,
    },
    sla::{SlaName, Trial},
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
    served,
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
/// So long after the start nothing more is counted of events: what was counted is still to be judged.
const COUNTING: Duration = Duration::from_secs(22);
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
            .ranges()
            .map(|objective| ActiveObjective {
                sla: SlaName::trial(),
                version: VERSION,
                objective: objective.clone(),
            })
            .collect();
        let of_file = self
            .metrics
            .iter()
            .filter(|metric| {
                let mut objectives = active.iter();
                objectives.any(|active| active.objective.metric == metric.name)
            })
            .cloned();
        let of_objectives = served::of_objectives(&active);
        let asked: Vec<Arc<Metric>> = of_file.chain(of_objectives).collect();
        let counting = deadline.within(COUNTING);
        let deadline = deadline.within(PATIENCE);
        let mut found = vec![Found::default(); active.len()];
        let (mut failures, pairs) = (Vec::new(), Arc::new(Pairs::new(self.bounds.judged_pairs)));
        for metric in asked {
            let name = metric.name.clone();
            let asked = Asked {
                active: active.clone(),
                pairs: pairs.clone(),
                as_of,
                violations: trial.violations,
            };
            let judging = self.try_metric(metric, &asked, &mut found);
            let Ok(outcome) = timeout_at(deadline.end, judging).await else {
                failures.push(Failure::new("fetch", DEADLINE).of_metric(&name));
                continue;
            };
            match outcome {
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
        let events = self
            .try_events(trial, as_of, counting, &mut failures)
            .await
            .map_err(TrialError::PrometheusAway)?;
        let mut bytes = 0;
        let objectives = found.into_iter().zip(active.iter());
        Ok(TrialDocument {
            as_of,
            objectives: objectives
                .map(|(found, active)| found.close(active, as_of, &mut bytes))
                .collect(),
            events,
            failures,
        })
    }

    /// Judges the series of a metric while they arrive, on as many worker threads as there are processors. Returns how many
    /// pairs of an objective and a series were not judged.
    async fn try_metric(
        &self,
        metric: Arc<Metric>,
        asked: &Asked,
        tried: &mut [Found],
    ) -> Result<usize, FetchError> {
        let (found, arriving) = mpsc::channel(SERIES_WAITING);
        let metrics = std::slice::from_ref(&metric);
        let range = read_range(metrics, &asked.active, asked.as_of);
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
                    for (position, series, stood) in judged {
                        if let Some(found) = tried.get_mut(position) {
                            found.add(series, &stood);
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
) -> (Vec<(usize, TriedSeries, Stood)>, usize) {
    let Asked {
        active,
        pairs,
        as_of,
        violations,
    } = asked;
    let samples = evaluation::clean(fetched.samples);
    let validity = Validity {
        staleness: metric.reading.staleness(),
        markers: &fetched.ends,
    };
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
    let has_room = |_, _| pairs.take();
    let judged = analysis::judge(
        &reference, &samples, validity, &found, active, has_room, *as_of,
    );
    let tried = judged.objectives.into_iter().map(|judged| {
        let tried = tried(&judged.document, metric, &samples, *violations);
        (judged.position, tried, judged.stood)
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

/// What was found of an objective so far.
#[derive(Clone, Default)]
struct Found {
    /// On how many series a sample stands, by state.
    standing: BTreeMap<ObjectiveState, u64>,
    /// The worst of these.
    worst: Vec<TriedSeries>,
    /// The series that fell silent.
    silences: Vec<Silence>,
    /// The worst of these.
    worst_silent: Vec<TriedSeries>,
    /// When any series stood.
    stood: Stood,
}

impl Found {
    /// Counts a series, and keeps it if it is among the worst.
    fn add(&mut self, series: TriedSeries, stood: &Stood) {
        self.stood.join(stood);
        let entries = match series.violations.silence {
            Some(silence) => {
                self.silences.push(silence);
                &mut self.worst_silent
            }
            None => {
                *self.standing.entry(series.violations.state).or_default() += 1;
                &mut self.worst
            }
        };
        entries.push(series);
        if entries.len() > 2 * MOST_SERIES {
            keep_the_worst(entries, |silence| silence.state);
        }
    }

    /// The worst of the series, as many as the answer has room for, at least one; or that there is none.
    fn close(
        self,
        active: &ActiveObjective,
        as_of: Timestamp,
        bytes: &mut usize,
    ) -> TriedObjective {
        let ActiveObjective {
            sla,
            version,
            objective,
        } = active;
        let ended_until = self.stood.ended_until(objective, as_of);
        let mut states = self.standing;
        for silence in &self.silences {
            *states.entry(silence.state(ended_until)).or_default() += 1;
        }
        let count = |state| states.get(&state).copied().unwrap_or_default();
        let mut entries = self.worst;
        entries.extend(self.worst_silent);
        keep_the_worst(&mut entries, |silence| silence.state(ended_until));
        let fitting = entries.iter().take_while(|series| {
            *bytes += size(series);
            *bytes <= MOST_BYTES
        });
        let fitting = fitting.count().max(1);
        entries.truncate(fitting);
        if entries.is_empty() {
            entries.push(TriedSeries {
                violations: ViolationsDocument::without_series(sla, *version, objective, as_of),
                episodes_total: 0,
                recommended: Recommendation::default(),
            });
        }
        TriedObjective {
            objective: objective.clone(),
            series: states.values().sum(),
            firing: count(ObjectiveState::Firing),
            no_data: count(ObjectiveState::NoData),
            ended: count(ObjectiveState::Ended),
            ended_until,
            entries,
        }
    }
}

/// Keeps the worst of the series, of which those that fell silent are in the state that `state` says.
fn keep_the_worst(entries: &mut Vec<TriedSeries>, state: impl Fn(&Silence) -> ObjectiveState) {
    let badness = |series: &TriedSeries| {
        let document = &series.violations;
        let windows = document.windows;
        let seconds = windows.map_or(0.0, |windows| windows.twelve_hours.seconds);
        let state = document.silence.as_ref().map_or(document.state, &state);
        (state, seconds)
    };
    entries.sort_by(|one, other| {
        worst_first(badness(one), badness(other)).then_with(|| id(one).cmp(&id(other)))
    });
    entries.truncate(MOST_SERIES);
}

fn id(series: &TriedSeries) -> Option<SeriesId> {
    let reference = series.violations.series.as_ref();
    reference.map(|reference| reference.series)
}

/// About how many bytes a series has as JSON.
fn size(series: &TriedSeries) -> usize {
    let labels = series.violations.series.as_ref().map_or(0, |reference| {
        let labels = reference.labels.0.iter();
        labels.map(|(name, value)| name.len() + value.len()).sum()
    });
    2_500 + 2 * labels + 250 * series.violations.episodes.len()
}
