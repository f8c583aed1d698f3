//! The objectives of events of a run: what is counted of each is published, and what its bad share is like as a series.

use std::sync::Arc;

use domain::{
    Labels, MetricName, Series, Timestamp,
    events::{Counted, Counting, SLICE},
    message::{BOUND, EvaluationOutcome, Failure, SeriesReference, SlicesDocument},
};
use futures::stream;
use kafka::Publication;

use super::{
    Etl, Plan, Record, conclude,
    counters::{CountersRead, NotCounted, Underway, Wanted, wanted},
    fetch::Reading,
    metric::analyse_each,
};
use crate::{
    message::Message,
    metrics_file::{self, Metric},
    objectives::ActiveEvents,
    prometheus::FetchedSeries,
};

/// The objectives of events of a run while their counters arrive.
pub(super) struct Events<'a> {
    underway: Vec<Underway<'a>>,
    read: CountersRead,
}

impl<'a> Events<'a> {
    /// Nothing is counted yet. Also returns the selectors to count: those that the newest run did not reach, in its order,
    /// and all others.
    pub(super) fn of(plan: &'a Plan, as_of: Timestamp) -> (Self, Vec<Wanted>, Vec<Wanted>) {
        let counted = plan.counted.iter();
        let mut underway: Vec<Underway<'_>> = counted
            .map(|active| {
                Underway::new(
                    active,
                    Counting::described_slices(as_of),
                    Counting::run_range(as_of),
                )
            })
            .collect();
        let places: Vec<_> = underway
            .iter()
            .map(|objective| plan.unreached_place(&objective.active.metric()))
            .collect();
        let mut wanted = wanted(&mut underway);
        let place = |wanted: &Wanted| {
            let uses = wanted.uses.iter();
            uses.filter_map(|(position, _)| places[*position]).min()
        };
        let others = wanted.extract_if(.., |wanted| place(wanted).is_none());
        let others = others.collect();
        wanted.sort_by_key(place);
        let events = Self {
            underway,
            read: CountersRead::default(),
        };
        (events, wanted, others)
    }
}

impl Etl {
    /// Counts the counters of selectors. Of objectives that are too many, those that were made last are not counted.
    pub(super) async fn count_events(
        &self,
        selectors: &[Wanted],
        events: &mut Events<'_>,
        reading: &Reading,
        record: &mut Record,
    ) {
        let Events { underway, read } = events;
        let range = Counting::run_range(record.document.as_of);
        let report = |wanted: &Wanted, underway: &mut [Underway<'_>], counted| {
            match counted {
                Ok(took) => record.fetch += took,
                Err(error) => {
                    record.not_counted(wanted, underway, &error);
                    wanted.fail(underway, &error);
                }
            }
            Ok(())
        };
        let counting = self.count_each(selectors, range, reading, read, underway, report);
        // What cannot be counted is said of each, and ends nothing.
        let _: Result<(), NotCounted> = counting.await;
    }

    /// Publishes what was counted, and what the bad shares are like as series. An objective whose counters were not all read
    /// is not evaluated at all.
    pub(super) async fn publish_events(
        &self,
        events: Events<'_>,
        plan: &Plan,
        record: &mut Record,
        publication: &mut Publication<'_>,
    ) {
        let Events { underway, read } = events;
        record.document.samples += read.samples;
        record.warn(read.warnings);
        let mut groups_left = self.bounds.groups;
        let mut shares = BadShares::default();
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
                    let own = (counted.groups.len() - together) as u64;
                    groups_left = groups_left.saturating_sub(own);
                    let rows = publish(active, &counted, record, publication).await;
                    shares.add(active, &counted);
                    EvaluationOutcome::Rows(rows)
                }
            };
            if record.part.owns(&active.metric(), &Labels::default()) {
                record.events.push(active.evaluated(outcome));
            }
        }
        shares.describe(plan, record, publication).await;
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
        let detail = format!(
            "{} groups beyond the first {} by label values count in the sum over all groups alone",
            counted.cut,
            counted.groups.len() - 1
        );
        record.fail(
            Failure::new("evaluation", BOUND)
                .of_metric(&metric)
                .because(detail),
        );
    }
    if counted.goes_back_often() {
        record.warn(vec![format!(
            "{metric}: its counters went back at {} of {} samples, each of which counts as a reset: are they counters?",
            counted.resets, counted.samples
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

/// The bad shares of objectives, each group's a series of the metric `SLA/OBJECTIVE`.
#[derive(Default)]
struct BadShares {
    metrics: Vec<Arc<Metric>>,
    /// Each series with the position of its metric.
    series: Vec<(usize, FetchedSeries)>,
}

impl BadShares {
    /// Adds those of the groups of an objective.
    fn add(&mut self, active: &ActiveEvents, counted: &Counted) {
        let Some(given) = active.objective.events.given() else {
            return;
        };
        let position = self.metrics.len();
        self.metrics.push(Arc::new(Metric {
            name: active.metric(),
            query: String::new(),
            unit: Some(UNIT.to_owned()),
            reading: metrics_file::Reading::Sampled {
                step: SLICE,
                has_names: false,
                unparsed: None,
            },
        }));
        for group in &counted.groups {
            let samples = group.bad_shares(given);
            if !samples.is_empty() {
                let series = FetchedSeries {
                    labels: labels_of(active, &group.group),
                    samples,
                    ends: Vec::new(),
                };
                self.series.push((position, series));
            }
        }
    }

    /// Analyses them as the series of metrics are, those of all objectives side by side.
    async fn describe(self, plan: &Plan, record: &mut Record, publication: &mut Publication<'_>) {
        let Self { metrics, series } = self;
        let judged = analyse_each(&metrics, stream::iter(series), plan, record, publication).await;
        for (metric, judged) in metrics.iter().zip(&judged) {
            conclude(metric, judged, plan, record, publication).await;
        }
    }
}

/// The labels of the series that the bad share of a group is.
fn labels_of(active: &ActiveEvents, group: &Labels) -> Labels {
    let mut labels = group.clone();
    labels.0.insert(
        DEFINITION.to_owned(),
        active.objective.definition().to_string(),
    );
    labels
}

/// The series that the bad share of a group is.
pub(super) fn bad_share_of(active: &ActiveEvents, group: &Labels) -> SeriesReference {
    let series = Series {
        metric: active.metric(),
        labels: labels_of(active, group),
    };
    SeriesReference::new(&series, Some(UNIT.to_owned()))
}

/// The unit of a share.
const UNIT: &str = "ratio";
/// The label that says what was counted.
const DEFINITION: &str = "definition";

impl Record {
    /// The counters of a selector were not all read: a failure of each objective that counts them.
    fn not_counted(&mut self, wanted: &Wanted, underway: &[Underway<'_>], error: &NotCounted) {
        let selector = &wanted.selector.text;
        tracing::warn!(event = "events_not_counted", selector, %error, "counters cannot be counted");
        let said = format!("{selector}: {error}");
        let failure = match error.word() {
            Some(word) => Failure::new("fetch", word).because(said),
            None => Failure::new("fetch", said),
        };
        // One that is not evaluated already has said why.
        let uses = wanted.uses.iter().map(|(position, _)| &underway[*position]);
        let mut named: Vec<MetricName> = Vec::new();
        for objective in uses.filter(|objective| objective.reason.is_none()) {
            let metric = objective.active.metric();
            // The uses of one objective follow each other.
            if named.last() != Some(&metric) {
                self.fail(failure.clone().of_metric(&metric));
                named.push(metric);
            }
        }
    }
}
