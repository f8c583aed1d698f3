//! One metric of a run: its series are analysed while they arrive.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use domain::{
    SeriesId, Span, Timestamp,
    evaluation::{self, Stood},
    message::{BOUND, Failure},
    score::NO_SERIES,
};
use futures::{StreamExt, future, stream};
use kafka::Publication;
use tokio::sync::mpsc;

use super::{Plan, Record};
use crate::{
    analysis, message::Message, metrics_file::Metric, objectives::ActiveObjective,
    prometheus::FetchedSeries, scoring,
};

/// What was analysed of one metric.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) arrived: u64,
    pub(super) series: HashSet<SeriesId>,
    /// Whether the analysis of a series, nobody knows which, broke off.
    pub(super) broke_off: bool,
}

/// Analyses the series of one metric while they arrive, on as many worker threads as there are processors, and hands
/// what was found to Kafka.
pub(super) async fn analyse(
    metric: &Arc<Metric>,
    arriving: &mut mpsc::Receiver<FetchedSeries>,
    plan: &Plan,
    record: &mut Record,
    publication: &mut Publication<'_>,
) -> Judged {
    let subject = record.subject();
    let (part, arrived) = (record.part, AtomicU64::new(0));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut analyses = stream::unfold(arriving, async |arriving| {
        Some((arriving.recv().await?, arriving))
    })
    .filter(|series| {
        arrived.fetch_add(1, Ordering::Relaxed);
        future::ready(part.owns(&metric.name, &series.labels))
    })
    .map(|series| {
        let (metric, active, due) = (metric.clone(), plan.active.clone(), plan.due.clone());
        let (pairs, subject) = (plan.pairs.clone(), subject.clone());
        let keeps_history = plan.keeps_history;
        tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            let as_of = subject.as_of;
            let mut analysed = analysis::analyse(&metric, series, &active, &due, &pairs, as_of);
            if !keeps_history {
                analysed.history = None;
            }
            let messages = analysed.messages(&subject.run);
            (analysed, messages, started.elapsed())
        })
    })
    .buffer_unordered(workers)
    .boxed();
    let (mut judged, mut cut) = (Judged::default(), 0);
    while let Some(analysed) = analyses.next().await {
        let Ok((analysed, messages, took)) = analysed else {
            tracing::error!(metric = metric.name.as_str(), "an analysis panicked");
            judged.broke_off = true;
            let reason = "the analysis of a series broke off";
            record.tally.fail_metric(&metric.name, reason);
            record.fail(Failure::new("analysis", "the analysis broke off").of_metric(&metric.name));
            continue;
        };
        if !judged.series.insert(analysed.series) {
            for judged in &analysed.judged {
                let reason = "two of its series have the same labels";
                record.tally.fail(judged.position, reason);
            }
            let failure = Failure::new("fetch", "another series has the same labels");
            let failure = failure.of_metric(&metric.name);
            record.fail(failure.of_series(analysed.series.to_string()));
            continue;
        }
        for judged in &analysed.judged {
            record.tally.count(judged.position, &judged.stood);
        }
        for position in &analysed.cut {
            record
                .tally
                .fail(*position, "the bound of judged pairs was reached");
        }
        cut += analysed.cut.len();
        record.document.series += 1;
        record.document.samples += analysed.samples;
        record.analysis += took;
        let sending = Instant::now();
        for message in messages {
            publication.send(message).await;
        }
        record.publish += sending.elapsed();
    }
    drop(analyses);
    judged.arrived = arrived.into_inner();
    if cut > 0 {
        let detail = format!("{cut} pairs were not judged: {}", plan.pairs.cut());
        let failure = Failure::new("evaluation", BOUND).of_metric(&metric.name);
        record.fail(failure.because(detail));
    }
    judged
}

/// Publishes what none of the series that arrived was about: forecasts of series that are gone, objectives without a series.
pub(super) async fn conclude(
    metric: &Metric,
    judged: &Judged,
    plan: &Plan,
    record: &mut Record,
    publication: &mut Publication<'_>,
) {
    if judged.broke_off {
        return;
    }
    record.fetched.push(metric.name.to_string());
    for forecast in plan.due.unseen(&metric.name, &judged.series) {
        let document = scoring::unscorable(forecast, NO_SERIES, record.document.as_of);
        let message = Message::of_score(&document, &record.document.run_id);
        publication.send(message).await;
    }
    if judged.arrived == 0 {
        record.fail(Failure::new("fetch", "no series").of_metric(&metric.name));
    }
    for position in record.tally.of_metric(&metric.name) {
        record.tally.conclude(position);
        if record.part.is_whole() && record.tally.is_without_series(position) {
            publish_no_series(&plan.active[position], position, record, publication).await;
        }
    }
}

/// Publishes that no series matches an objective.
pub(super) async fn publish_no_series(
    objective: &ActiveObjective,
    position: usize,
    record: &mut Record,
    publication: &mut Publication<'_>,
) {
    let message = analysis::no_series(objective, &record.subject());
    record.tally.count(position, &Stood::default());
    publication.send(message).await;
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
