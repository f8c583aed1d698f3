//! The fetch of one metric, or of the counters of one selector, under way in a task of its own, and given up in time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    Labels, Part, Span,
    message::{DEADLINE, TIMEOUT},
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{Etl, SERIES_WAITING};
use crate::{
    deadline::Deadline,
    metrics_file::Metric,
    prometheus::{Availability, FetchError, FetchedSeries, Prometheus, Selector},
};

/// A fetch under way. It ends when it is dropped.
pub(super) struct Fetch {
    /// Its series, as they arrive.
    pub(super) series: mpsc::Receiver<FetchedSeries>,
    /// Whether its series are being analysed, or counted.
    is_current: Arc<AtomicBool>,
    task: JoinHandle<Fetched>,
}

/// What fetches of one kind have in common.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) prometheus: Prometheus,
    /// Whether Prometheus is there, as far as is known.
    pub(super) availability: Arc<Availability>,
    pub(super) deadline: Deadline,
}

/// What came of a fetch.
pub(super) struct Fetched {
    pub(super) took: Duration,
    /// What is to say of the series that arrived.
    pub(super) outcome: Result<prometheus::Fetched, NotFetched>,
}

impl Etl {
    /// Whether Prometheus is there is not known yet.
    pub(super) fn reading(&self, deadline: Deadline) -> Reading {
        Reading {
            prometheus: self.prometheus.clone(),
            availability: Arc::default(),
            deadline,
        }
    }
}

/// Why the series did not all arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotFetched {
    /// Prometheus did not answer, or not as it should.
    #[error(transparent)]
    Prometheus(#[from] FetchError),
    /// It took longer than one fetch may.
    #[error("it took longer than {:.0} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The run's time for fetching was over.
    #[error("the run's time was over before all of its series had arrived")]
    Deadline,
    /// It panicked, which is a defect.
    #[error("the fetch broke off")]
    BrokeOff,
}

impl NotFetched {
    /// Whether Prometheus did not answer.
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Prometheus(error) if error.is_unreachable())
    }

    /// The word for it in a run's failures, where there is one.
    pub(super) fn word(&self) -> Option<&'static str> {
        match self {
            Self::Prometheus(error) => error.word(),
            Self::TimedOut(_) => Some(TIMEOUT),
            Self::Deadline => Some(DEADLINE),
            Self::BrokeOff => None,
        }
    }
}

/// How often a fetch is asked whether it waits for Prometheus.
const TICK: Duration = Duration::from_millis(100);

impl Fetch {
    /// Starts to fetch the series of a metric in `range`, unless Prometheus is away as far as is known.
    pub(super) fn of_metric(metric: Arc<Metric>, range: Span, reading: &Reading) -> Self {
        let prometheus = reading.prometheus.clone();
        Self::start(reading, async move |found| {
            prometheus.fetch(&metric, range, &found).await
        })
    }

    /// The same of those that belong to a part; of the others as few as the server allows.
    pub(super) fn of_part(metric: Arc<Metric>, range: Span, part: Part, reading: &Reading) -> Self {
        let prometheus = reading.prometheus.clone();
        Self::start(reading, async move |found| {
            let wanted = |labels: &Labels| part.owns(&metric.name, labels);
            prometheus
                .fetch_wanted(&metric, range, wanted, &found)
                .await
        })
    }

    /// The same of the counters that a selector selects.
    pub(super) fn of_counters(selector: Selector, range: Span, reading: &Reading) -> Self {
        let prometheus = reading.prometheus.clone();
        Self::start(reading, async move |found| {
            prometheus.fetch_counters(&selector, range, &found).await
        })
    }

    fn start<F>(reading: &Reading, fetch: impl FnOnce(mpsc::Sender<FetchedSeries>) -> F) -> Self
    where
        F: Future<Output = Result<prometheus::Fetched, FetchError>> + Send + 'static,
    {
        let (found, series) = mpsc::channel(SERIES_WAITING);
        let is_current = Arc::new(AtomicBool::new(false));
        let limits = Limits {
            deadline: reading.deadline,
            is_current: is_current.clone(),
            series: found.downgrade(),
        };
        let fetch = fetch(found);
        let Reading {
            prometheus,
            availability,
            ..
        } = reading.clone();
        let fetch = async move { availability.wait_for(&prometheus, fetch).await };
        Self {
            series,
            is_current,
            task: tokio::spawn(limits.keep(fetch)),
        }
    }

    /// From now on its series are taken as they arrive.
    pub(super) fn becomes_current(&self) {
        self.is_current.store(true, Ordering::Relaxed);
    }

    /// What came of it, once there are no more series.
    pub(super) async fn finish(mut self) -> Fetched {
        (&mut self.task).await.unwrap_or(Fetched {
            took: Duration::ZERO,
            outcome: Err(NotFetched::BrokeOff),
        })
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// When a fetch is given up.
struct Limits {
    deadline: Deadline,
    is_current: Arc<AtomicBool>,
    series: mpsc::WeakSender<FetchedSeries>,
}

impl Limits {
    async fn keep(
        self,
        fetch: impl Future<Output = Result<prometheus::Fetched, FetchError>>,
    ) -> Fetched {
        let started = Instant::now();
        let outcome = self.bounded(fetch).await;
        Fetched {
            took: started.elapsed(),
            outcome,
        }
    }

    async fn bounded(
        &self,
        fetch: impl Future<Output = Result<prometheus::Fetched, FetchError>>,
    ) -> Result<prometheus::Fetched, NotFetched> {
        tokio::pin!(fetch);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut last, mut taken) = (Instant::now(), Duration::ZERO);
        loop {
            tokio::select! {
                biased;
                fetched = &mut fetch => return fetched.map_err(NotFetched::from),
                () = sleep_until(self.deadline.end) => return Err(NotFetched::Deadline),
                now = ticks.tick() => {
                    if !self.waits_for_another() {
                        taken += now.saturating_duration_since(last);
                    }
                    last = now;
                    if taken > self.deadline.patience {
                        return Err(NotFetched::TimedOut(self.deadline.patience));
                    }
                }
            }
        }
    }

    /// Whether it cannot go on because the series of another fetch are being taken, which is no fault of its own.
    fn waits_for_another(&self) -> bool {
        let is_full = || {
            let series = self.series.upgrade();
            series.is_some_and(|series| series.capacity() == 0)
        };
        !self.is_current.load(Ordering::Relaxed) && is_full()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, future};

    use super::*;

    fn series() -> FetchedSeries {
        FetchedSeries {
            labels: Labels(BTreeMap::new()),
            samples: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Limits that are reached at once, on a channel with room for one series.
    fn limits(
        left: Duration,
    ) -> (
        Limits,
        mpsc::Sender<FetchedSeries>,
        mpsc::Receiver<FetchedSeries>,
    ) {
        let (found, arriving) = mpsc::channel(1);
        let limits = Limits {
            deadline: Deadline {
                end: Instant::now() + left,
                patience: Duration::ZERO,
            },
            is_current: Arc::default(),
            series: found.downgrade(),
        };
        (limits, found, arriving)
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn a_fetch_that_takes_too_long_is_given_up() {
        let (limits, _found, _arriving) = limits(HOUR);
        let fetched = limits.keep(future::pending()).await;
        assert!(matches!(fetched.outcome, Err(NotFetched::TimedOut(_))));
    }

    #[tokio::test]
    async fn time_in_which_another_metric_is_analysed_does_not_count_but_the_deadline_holds() {
        let (limits, found, _arriving) = limits(3 * TICK);
        found.send(series()).await.unwrap();
        let fetched = limits.keep(future::pending()).await;
        assert!(matches!(fetched.outcome, Err(NotFetched::Deadline)));
    }

    #[tokio::test]
    async fn the_time_of_its_own_analysis_counts() {
        let (limits, found, _arriving) = limits(HOUR);
        found.send(series()).await.unwrap();
        limits.is_current.store(true, Ordering::Relaxed);
        let fetched = limits.keep(future::pending()).await;
        assert!(matches!(fetched.outcome, Err(NotFetched::TimedOut(_))));
    }
}
