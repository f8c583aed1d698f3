//! The order of a run's work: first what the newest run did not reach.

use std::collections::VecDeque;

use kafka::Publication;

use super::{
    Etl, Plan, Record, analyse, conclude,
    events::Events,
    fetch::{Fetch, NotFetched, Reading},
    held::publish_held,
    read_range,
};
use crate::{deadline::Deadline, served::Served};

/// Fetches under way at once: one is analysed while the next one arrives.
const FETCHES: usize = 2;

impl Etl {
    /// Fetches and analyses each metric, counts events, and hands what was found to Kafka: first the metrics and events that
    /// the newest run did not reach, as its order begins, then the other metrics, then the other events. Returns whether
    /// Prometheus answered nothing.
    pub(super) async fn work(
        &self,
        plan: &Plan,
        deadline: Deadline,
        record: &mut Record,
        publication: &mut Publication<'_>,
    ) -> bool {
        let as_of = record.document.as_of;
        let reading = self.reading(deadline);
        let (mut events, late, others) = Events::of(plan, as_of);
        let begins_with_events = plan
            .counted
            .iter()
            .any(|active| plan.unreached_place(&active.metric()) == Some(0));
        let first = if begins_with_events { late.len() } else { 0 };
        let (before, after) = late.split_at(first);
        let (late_metrics, metrics) = plan.metrics.split_at(plan.late_metrics());

        let mut unreachable = 0;
        self.count_events(before, &mut events, &reading, record)
            .await;
        unreachable += self
            .fetch_all(late_metrics, plan, &reading, record, publication)
            .await;
        self.count_events(after, &mut events, &reading, record)
            .await;
        unreachable += self
            .fetch_all(metrics, plan, &reading, record, publication)
            .await;
        self.count_events(&others, &mut events, &reading, record)
            .await;
        self.publish_events(events, plan, record, publication).await;
        self.look_at_partial_answers(plan, record).await;
        publish_held(plan, record, publication).await;
        !plan.metrics.is_empty() && unreachable == plan.metrics.len()
    }

    /// Fetches and analyses metrics and hands what was found to Kafka. Returns for how many Prometheus did not answer.
    async fn fetch_all(
        &self,
        metrics: &[Served],
        plan: &Plan,
        reading: &Reading,
        record: &mut Record,
        publication: &mut Publication<'_>,
    ) -> usize {
        let as_of = record.document.as_of;
        let mut waiting = metrics.iter();
        let (mut under_way, mut unreachable) = (VecDeque::new(), 0);
        loop {
            while under_way.len() < FETCHES && !reading.deadline.is_over() {
                let Some(served) = waiting.next() else { break };
                let range = read_range(served.all(), &plan.active, as_of);
                let metric = served.first().clone();
                // Another metric of the same query has other series of this part.
                let fetch = if record.part.is_whole() || served.all().len() > 1 {
                    Fetch::of_metric(metric, range, reading)
                } else {
                    Fetch::of_part(metric, range, record.part, reading)
                };
                under_way.push_back((served, fetch));
            }
            let Some((served, mut fetch)) = under_way.pop_front() else {
                break;
            };
            fetch.becomes_current();
            let mut judged = analyse(served, &mut fetch.series, plan, record, publication).await;
            let ended = fetch.finish().await;
            record.fetch += ended.took;
            match ended.outcome {
                Ok(fetched) => {
                    record.warn(fetched.warnings);
                    for (metric, judged) in served.all().iter().zip(&mut judged) {
                        judged.is_partial = fetched.partial;
                        judged.arrived += fetched.ambiguous.len() as u64;
                        judged.arrived += fetched.left_out.len() as u64;
                        for labels in &fetched.left_out {
                            plan.held.count_unread(&metric.name, labels, &plan.active);
                        }
                        record.ambiguous(&metric.name, &fetched.ambiguous);
                        conclude(metric, judged, plan, record, publication).await;
                    }
                }
                Err(error) => {
                    unreachable += usize::from(error.is_unreachable());
                    for metric in served.all() {
                        record.not_fetched(&metric.name, &error);
                    }
                }
            }
        }
        for metric in waiting.flat_map(Served::all) {
            record.not_fetched(&metric.name, &NotFetched::Deadline);
        }
        unreachable
    }
}
