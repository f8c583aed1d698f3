//! The metrics of one query in a run: their series are analysed while they arrive.

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
    Part, Series, SeriesId, Span, Timestamp,
    evaluation::{self, Stood},
    message::{Failure, WITHOUT_SERIES},
    score::{NO_SERIES, is_within_reach},
};
use futures::{FutureExt, Stream, StreamExt, future, stream};
use kafka::Publication;
use store::score::DueForecast;
use tokio::sync::mpsc;

use super::{Plan, Record, held::Said};
use crate::{
    analysis, message::Message, metrics_file::Metric, objectives::ActiveObjective,
    prometheus::FetchedSeries, scoring, served::Served,
};

/// What was analysed of one metric.
#[derive(Clone, Default)]
pub(super) struct Judged {
    pub(super) arrived: u64,
    pub(super) series: HashSet<SeriesId>,
    /// Whether the analysis of a series, nobody knows which, broke off.
    pub(super) broke_off: bool,
    /// Whether series may be missing that some of Prometheus' stores have.
    pub(super) is_partial: bool,
}

/// Analyses the series of a query while they arrive, each as a series of every metric that it serves. Returns what was analysed
/// of each metric, in their order.
pub(super) async fn analyse(
    served: &Served,
    arriving: &mut mpsc::Receiver<FetchedSeries>,
    plan: &Plan,
    record: &mut Record,
    publication: &mut Publication<'_>,
) -> Vec<Judged> {
    let metrics = served.all();
    let series = stream::unfold(arriving, async |arriving| {
        Some((arriving.recv().await?, arriving))
    });
    let series = series.flat_map(|series| {
        let positions = 0..metrics.len();
        stream::iter(positions.map(move |position| (position, series.clone())))
    });
    analyse_each(metrics, series, plan, record, publication).await
}

/// Analyses series, each as one of the metric at that position, on as many worker threads as there are processors, and hands what
/// was found to Kafka; what was judged is held. Returns what was analysed of each metric, in their order.
pub(super) async fn analyse_each(
    metrics: &[Arc<Metric>],
    series: impl Stream<Item = (usize, FetchedSeries)> + Send,
    plan: &Plan,
    record: &mut Record,
    publication: &mut Publication<'_>,
) -> Vec<Judged> {
    let subject = record.subject();
    let (part, as_of) = (record.part, subject.as_of);
    let arrived: Vec<AtomicU64> = metrics.iter().map(|_| AtomicU64::new(0)).collect();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut analyses = series
        .map(|(position, series)| {
            arrived[position].fetch_add(1, Ordering::Relaxed);
            (position, metrics[position].clone(), series)
        })
        .filter(|(_, metric, series)| future::ready(is_owned(metric, series, part, plan, as_of)))
        .map(|(position, metric, series)| {
            let (active, due) = (plan.active.clone(), plan.due.clone());
            let (held, subject) = (plan.held.clone(), subject.clone());
            let (keeps_history, encoding) = (plan.keeps_history, plan.encoding);
            let analysing = tokio::task::spawn_blocking(move || {
                let started = Instant::now();
                let has_room = |series, position| held.has_room(series, position);
                let mut analysed =
                    analysis::analyse(&metric, series, &active, &due, has_room, as_of);
                if !keeps_history {
                    analysed.history = None;
                }
                let messages = analysed.messages(&subject.run, encoding);
                let judged = analysed.judged.iter();
                let said = judged.map(|judged| (judged.position, Said::of(judged, &subject.run)));
                let said: Vec<_> = said.collect();
                (analysed, messages, said, started.elapsed())
            });
            analysing.map(move |analysed| (position, analysed))
        })
        .buffer_unordered(workers)
        .boxed();
    let mut found = vec![Judged::default(); metrics.len()];
    while let Some((position, analysed)) = analyses.next().await {
        let (metric, judged) = (&metrics[position], &mut found[position]);
        let Ok((analysed, messages, said, took)) = analysed else {
            tracing::error!(metric = metric.name.as_str(), "an analysis panicked");
            judged.broke_off = true;
            let reason = "the analysis of a series broke off";
            record.tally.fail_metric(&metric.name, reason);
            record.fail(Failure::new("analysis", "the analysis broke off").of_metric(&metric.name));
            continue;
        };
        judged.series.insert(analysed.series);
        for (position, said) in said {
            record.tally.found(position);
            plan.held.hold(analysed.series, position, Some(said));
        }
        for position in analysed.cut {
            record.tally.found(position);
            plan.held.cut(position);
        }
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
    for (judged, arrived) in found.iter_mut().zip(arrived) {
        judged.arrived = arrived.into_inner();
    }
    found
}

/// Whether a series belongs to a part. The pairs of one that does not are counted all the same.
fn is_owned(
    metric: &Metric,
    series: &FetchedSeries,
    part: Part,
    plan: &Plan,
    as_of: Timestamp,
) -> bool {
    if part.is_whole() {
        return true;
    }
    let id = Series {
        metric: metric.name.clone(),
        labels: series.labels.clone(),
    }
    .id();
    let is_owned = part.owns_id(id);
    if !is_owned {
        plan.held
            .count(&metric.name, series, id, &plan.active, as_of);
    }
    is_owned
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
    record.fetched.insert(metric.name.to_string());
    let as_of = record.document.as_of;
    // What a partial answer lacks may come as long as a later run can score it.
    let may_come =
        |forecast: &DueForecast| judged.is_partial && is_within_reach(forecast.as_of, as_of);
    let unseen = plan.due.unseen(&metric.name, &judged.series);
    for forecast in unseen.filter(|forecast| !may_come(forecast)) {
        let document = scoring::unscorable(forecast, NO_SERIES, as_of);
        let message = Message::of_score(&document, &record.document.run_id);
        publication.send(message).await;
    }
    let positions = record.tally.of_metric(&metric.name);
    for position in &positions {
        record.tally.conclude(*position);
    }
    if judged.is_partial {
        record.answered_in_part(&metric.name, positions, judged);
        return;
    }
    if judged.arrived == 0 {
        record.fail(Failure::new("fetch", WITHOUT_SERIES).of_metric(&metric.name));
    }
    for position in positions {
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

/// One fetch serves everything that is said of its metrics: 12 h, and before that what their most patient objective needs.
pub(crate) fn read_range(
    metrics: &[Arc<Metric>],
    active: &[ActiveObjective],
    as_of: Timestamp,
) -> Span {
    let is_about = |active: &&ActiveObjective| {
        let mut metrics = metrics.iter();
        metrics.any(|metric| active.objective.metric == metric.name)
    };
    let of_metrics = active.iter().filter(is_about);
    let longest = of_metrics
        .map(|active| active.objective.hold)
        .max()
        .unwrap_or_default();
    evaluation::read_range(longest, as_of)
}
