//! The objectives of events of a run: the counters of each selector are fetched once, for all objectives that count them,
//! and are counted while they arrive.

use std::{
    collections::HashMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use domain::{
    Labels, MetricName, Span,
    events::{Counted, CounterSeries, Counting, SLICE},
    message::{
        BOUND, DEADLINE, EvaluatedObjective, EvaluationOutcome, Failure, SlicesDocument, TIMEOUT,
    },
};
use futures::{StreamExt, future, stream};
use kafka::Publication;
use promql::EventsSum;
use tokio::{sync::mpsc, time::timeout};

use super::{Etl, Plan, Record, SERIES_WAITING, analyse, conclude};
use crate::{
    deadline::Deadline,
    message::Message,
    metrics_file::{self, Metric},
    objectives::ActiveEvents,
    prometheus::{Availability, FetchError, FetchedSeries, Selector},
    served::Served,
};

/// An objective while its counters arrive.
pub(super) struct Underway<'a> {
    pub(super) active: &'a ActiveEvents,
    pub(super) counting: Counting,
    /// The first reason why it is not evaluated.
    pub(super) reason: Option<String>,
}

/// What is read of the counters of selectors, and until when.
pub(super) struct Reading<'a> {
    pub(super) availability: &'a Availability,
    pub(super) deadline: Deadline,
    pub(super) range: Span,
}

/// How much was read of the counters of selectors.
#[derive(Debug, Default)]
pub(super) struct CountersRead {
    counters: u64,
    samples: u64,
    warnings: Vec<String>,
}

/// A selector, and what its counters are added to: an objective by its position, and which of its two sums.
pub(super) struct Wanted {
    pub(super) selector: Selector,
    pub(super) uses: Vec<(usize, usize)>,
}

/// Why the counters of a selector were not counted.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotCounted {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("it took longer than {:.0} s", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("the run's time was over before all of its counters had arrived")]
    Deadline,
    #[error("it selects more than {0} counters: give it more labels")]
    Selector(u64),
    #[error("all objectives of events together select more than {0} counters")]
    All(u64),
    #[error("the counting broke off")]
    BrokeOff,
}

impl NotCounted {
    pub(super) fn word(&self) -> Option<&'static str> {
        match self {
            Self::Fetch(error) => error.word(),
            Self::TimedOut(_) => Some(TIMEOUT),
            Self::Deadline => Some(DEADLINE),
            Self::Selector(_) | Self::All(_) => Some(BOUND),
            Self::BrokeOff => None,
        }
    }
}

impl Etl {
    /// Counts the objectives of events and publishes what was counted, and what their bad shares are like as series. One
    /// whose counters were not all read is not evaluated at all.
    pub(super) async fn count_events(
        &self,
        plan: &Plan,
        availability: &Availability,
        deadline: Deadline,
        record: &mut Record,
        publication: &mut Publication<'_>,
    ) {
        let as_of = record.document.as_of;
        let mut underway: Vec<Underway<'_>> = plan
            .counted
            .iter()
            .map(|active| Underway {
                active,
                counting: Counting::new(
                    &active.objective,
                    Counting::described_slices(as_of),
                    Counting::run_range(as_of),
                ),
                reason: None,
            })
            .collect();
        let mut read = CountersRead::default();
        let reading = Reading {
            availability,
            deadline,
            range: Counting::run_range(as_of),
        };
        let mut are_too_many = false;
        for wanted in wanted(&mut underway) {
            let is_needed = |(position, _): &(usize, usize)| underway[*position].reason.is_none();
            if !wanted.uses.iter().any(is_needed) {
                continue;
            }
            let started = Instant::now();
            // Of objectives that are too many, those that were made last are not counted.
            let counted = if are_too_many {
                Err(NotCounted::All(self.bounds.counters))
            } else {
                self.count_counters(&wanted, &reading, &mut read, &mut underway)
                    .await
            };
            are_too_many |= matches!(counted, Err(NotCounted::All(_)));
            record.fetch += started.elapsed();
            if let Err(error) = counted {
                for (position, _) in &wanted.uses {
                    let underway = &mut underway[*position];
                    underway
                        .reason
                        .get_or_insert_with(|| format!("{}: {error}", wanted.selector.text));
                }
                record.not_counted(&wanted, &underway, &error);
            }
        }
        record.document.samples += read.samples;
        record.warn(read.warnings);
        let mut groups_left = self.bounds.groups;
        for objective in underway {
            let Underway {
                active,
                counting,
                reason,
            } = objective;
            let outcome = match reason {
                Some(reason) => {
                    record.tally.fail_metric(&active.metric(), &reason);
                    EvaluationOutcome::Reason(reason)
                }
                None => {
                    let most = groups_left.min(self.bounds.groups_of_objective);
                    let counted = counting.finish(most as usize);
                    let together = usize::from(!active.objective.by.is_empty());
                    groups_left -= (counted.groups.len() - together) as u64;
                    let rows = publish(active, &counted, record, publication).await;
                    describe(active, &counted, plan, record, publication).await;
                    EvaluationOutcome::Rows(rows)
                }
            };
            if record.part.owns(&active.metric(), &Labels::default()) {
                record.events.push(EvaluatedObjective {
                    sla: active.sla.clone(),
                    version: active.version,
                    objective: active.objective.id.clone(),
                    outcome,
                    ended_until: None,
                });
            }
        }
    }

    /// Reads the counters of a selector and adds them to the objectives that count them.
    pub(super) async fn count_counters(
        &self,
        wanted: &Wanted,
        reading: &Reading<'_>,
        so_far: &mut CountersRead,
        underway: &mut [Underway<'_>],
    ) -> Result<(), NotCounted> {
        let Reading {
            availability,
            deadline,
            range: read,
        } = *reading;
        if deadline.is_over() {
            return Err(NotCounted::Deadline);
        }
        availability.check(&self.prometheus).await?;
        let (found, mut arriving) = mpsc::channel::<FetchedSeries>(SERIES_WAITING);
        let fetch = async {
            let found = found;
            let fetched = self
                .prometheus
                .fetch_counters(&wanted.selector, read, &found)
                .await;
            if matches!(fetched, Err(FetchError::Unreachable(_))) {
                availability.doubt().await;
            }
            Ok(fetched?)
        };
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let count = async {
            let mut of_selector = 0;
            let series = stream::unfold(&mut arriving, async |arriving| {
                Some((arriving.recv().await?, arriving))
            });
            let reduced = series.map(|series| {
                tokio::task::spawn_blocking(move || {
                    let samples = series.samples.len() as u64;
                    let FetchedSeries { labels, ends, .. } = &series;
                    (
                        CounterSeries::new(labels.clone(), &series.samples, ends, read),
                        samples,
                    )
                })
            });
            let mut reduced = reduced.buffer_unordered(workers).boxed();
            while let Some(reduced) = reduced.next().await {
                let (counter, samples) = reduced.map_err(|_| NotCounted::BrokeOff)?;
                of_selector += 1;
                so_far.counters += 1;
                if of_selector > self.bounds.counters_of_selector {
                    return Err(NotCounted::Selector(self.bounds.counters_of_selector));
                }
                if so_far.counters > self.bounds.counters {
                    return Err(NotCounted::All(self.bounds.counters));
                }
                so_far.samples += samples;
                for (position, place) in &wanted.uses {
                    underway[*position].counting.add(*place, &counter);
                }
            }
            Ok(())
        };
        let patience = deadline.left().min(deadline.patience);
        let (fetched, ()) = match timeout(patience, future::try_join(fetch, count)).await {
            Ok(joined) => joined?,
            Err(_) if deadline.is_over() => return Err(NotCounted::Deadline),
            Err(_) => return Err(NotCounted::TimedOut(patience)),
        };
        so_far.warnings.extend(fetched.warnings);
        Ok(())
    }
}

/// The selectors of the objectives, each once, in the order of the objectives. An objective whose sums cannot be read gets a
/// reason.
pub(super) fn wanted(underway: &mut [Underway<'_>]) -> Vec<Wanted> {
    let mut wanted = Vec::<Wanted>::new();
    let mut places = HashMap::<String, usize>::new();
    for (position, objective) in underway.iter_mut().enumerate() {
        for (place, (name, text)) in objective.active.objective.events.sums().enumerate() {
            match EventsSum::parse(text) {
                Ok(sum) => {
                    for selector in sum.selectors {
                        let same = places.entry(selector.text.clone());
                        let same = *same.or_insert_with(|| {
                            wanted.push(Wanted {
                                selector,
                                uses: Vec::new(),
                            });
                            wanted.len() - 1
                        });
                        wanted[same].uses.push((position, place));
                    }
                }
                Err(error) => {
                    objective
                        .reason
                        .get_or_insert_with(|| format!("{name} {error}"));
                }
            }
        }
    }
    wanted
}

/// Publishes the slices of each group, if the objective belongs to the record's part. Returns how many messages that takes.
async fn publish(
    active: &ActiveEvents,
    counted: &Counted,
    record: &mut Record,
    publication: &mut Publication<'_>,
) -> u64 {
    let metric = active.metric();
    let rows = counted.groups.len() as u64;
    if !record.part.owns(&metric, &Labels::default()) {
        return rows;
    }
    if counted.cut > 0 {
        record.warn(vec![format!(
            "{metric}: {} groups beyond the first {} by label values count in the sum over all groups alone",
            counted.cut,
            counted.groups.len() - 1
        )]);
    }
    let as_of = record.document.as_of;
    let stored = Counting::run_slices(as_of);
    for group in &counted.groups {
        let document = SlicesDocument {
            sla: active.sla.clone(),
            version: active.version,
            objective: active.objective.clone(),
            definition: active.objective.definition(),
            group: group.group.clone(),
            as_of,
            resets: counted.resets,
            slices: group.since(stored.start).to_vec(),
        };
        let message = Message::of_slices(&document, &record.document.run_id);
        publication.send(message).await;
    }
    rows
}

/// Analyses the bad share of each group as a series, called `SLA/OBJECTIVE`, as those of metrics are.
async fn describe(
    active: &ActiveEvents,
    counted: &Counted,
    plan: &Plan,
    record: &mut Record,
    publication: &mut Publication<'_>,
) {
    let Some(given) = active.objective.events.given() else {
        return;
    };
    let metric = Arc::new(Metric {
        name: active.metric(),
        query: String::new(),
        unit: Some("ratio".to_owned()),
        reading: metrics_file::Reading::Sampled {
            step: SLICE,
            has_names: false,
            unparsed: None,
        },
    });
    let (found, mut arriving) = mpsc::channel(counted.groups.len().max(1));
    for group in &counted.groups {
        let mut labels = group.group.clone();
        labels.0.insert(
            DEFINITION.to_owned(),
            active.objective.definition().to_string(),
        );
        let samples = group.bad_shares(given);
        if !samples.is_empty() {
            let ends = Vec::new();
            // There is room for all of them.
            let _ = found.try_send(FetchedSeries {
                labels,
                samples,
                ends,
            });
        }
    }
    drop(found);
    let served = Served::alone(metric.clone());
    let judged = analyse(&served, &mut arriving, plan, record, publication).await;
    for judged in &judged {
        conclude(&metric, judged, plan, record, publication).await;
    }
}

/// The label that says what was counted.
const DEFINITION: &str = "definition";

impl Record {
    /// The counters of a selector were not all read.
    fn not_counted(&mut self, wanted: &Wanted, underway: &[Underway<'_>], error: &NotCounted) {
        let selector = &wanted.selector.text;
        tracing::warn!(event = "events_not_counted", selector, %error, "counters cannot be counted");
        let said = format!("{selector}: {error}");
        let failure = match error.word() {
            Some(word) => Failure::new("fetch", word).because(said),
            None => Failure::new("fetch", said),
        };
        let first = wanted.uses.first();
        let metric: Option<MetricName> =
            first.map(|(position, _)| underway[*position].active.metric());
        self.fail(match metric {
            Some(metric) => failure.of_metric(&metric),
            None => failure,
        });
    }
}
