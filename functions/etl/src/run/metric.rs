//! One metric of a run: its series are analysed while they arrive.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use domain::{
    SeriesId, Timestamp,
    evaluation::{self, Span},
    score::NO_SERIES,
};
use futures::{StreamExt, future, stream};
use tokio::sync::mpsc;

use super::Record;
use crate::{
    analysis,
    message::Message,
    metrics_file::Metric,
    objectives::ActiveObjective,
    prometheus::{Availability, FetchError, Fetched, FetchedSeries, Prometheus},
    publish::Publication,
    scoring::{self, Due},
};

/// Hands the series of a metric over as they arrive. Tells how long that took and what Prometheus warned about.
pub(crate) async fn fetch(
    prometheus: Prometheus,
    metric: Arc<Metric>,
    range: Span,
    found: mpsc::Sender<FetchedSeries>,
) -> (Duration, Result<Fetched, FetchError>) {
    let asking = Instant::now();
    let outcome = prometheus.fetch(&metric, range, &found).await;
    (asking.elapsed(), outcome)
}

/// [`fetch`], unless Prometheus is away as far as this run knows.
pub(super) async fn fetch_from(
    availability: Arc<Availability>,
    prometheus: Prometheus,
    metric: Arc<Metric>,
    range: Span,
    found: mpsc::Sender<FetchedSeries>,
) -> (Duration, Result<Fetched, FetchError>) {
    if let Err(away) = availability.check(&prometheus).await {
        return (Duration::ZERO, Err(away));
    }
    let fetched = fetch(prometheus, metric, range, found).await;
    if matches!(fetched.1, Err(FetchError::Unreachable(_))) {
        availability.doubt().await;
    }
    fetched
}

/// What was analysed of one metric.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) arrived: u64,
    pub(super) series: HashSet<SeriesId>,
    pub(super) objectives: HashSet<usize>,
    /// Whether the analysis of a series, nobody knows which, broke off.
    pub(super) broke_off: bool,
}

/// Analyses the series of one metric while they arrive, on as many worker threads as there are processors, and hands
/// what was found to Kafka.
pub(super) async fn analyse(
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

/// Tells what none of the series that arrived was about: forecasts of series that are gone, objectives without a series.
pub(super) async fn conclude(
    metric: &Metric,
    judged: &Judged,
    active: &[ActiveObjective],
    due: &Due,
    record: &mut Record,
    publication: &mut Publication<'_>,
) {
    record.judged.extend(&judged.objectives);
    if judged.broke_off {
        return;
    }
    record.fetched.push(metric.name.clone());
    for forecast in due.unseen(&metric.name, &judged.series) {
        let document = scoring::unscorable(forecast, NO_SERIES, record.document.as_of);
        let message = Message::of_score(&document, &record.document.run_id);
        publication.send(message).await;
    }
    if judged.arrived == 0 {
        record.fail("fetch", Some(&metric.name), None, "no series".to_owned());
    }
    if !record.part.is_whole() {
        return;
    }
    for (position, objective) in active.iter().enumerate() {
        if objective.objective.metric == metric.name && !judged.objectives.contains(&position) {
            let message = analysis::no_series(objective, &record.subject());
            publication.send(message).await;
        }
    }
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
