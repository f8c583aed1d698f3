//! The objectives of events of a run: what is counted of each is published, and what its bad share is like as a series.

use std::{sync::Arc, time::Instant};

use domain::{
    Labels, MetricName,
    events::{Counted, Counting, SLICE},
    message::{EvaluatedObjective, EvaluationOutcome, Failure, SlicesDocument},
};
use kafka::Publication;
use tokio::sync::mpsc;

use super::{
    Etl, Plan, Record, analyse, conclude,
    counters::{CountersRead, NotCounted, Reading, Underway, Wanted, wanted},
};
use crate::{
    deadline::Deadline,
    message::Message,
    metrics_file::{self, Metric},
    objectives::ActiveEvents,
    prometheus::{Availability, FetchedSeries},
    served::Served,
};

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
            .map(|active| {
                Underway::new(
                    active,
                    Counting::described_slices(as_of),
                    Counting::run_range(as_of),
                )
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
            if !wanted.is_needed(&underway) {
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
                wanted.fail(&mut underway, &error);
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
