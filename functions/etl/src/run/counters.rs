//! What the objectives of events count: the counters of each selector are fetched once, and are counted while they arrive.

use std::{collections::HashMap, thread, time::Duration};

use config::Bounds;
use domain::{
    Span,
    events::{CounterSeries, Counting},
    message::{BOUND, DEADLINE, TIMEOUT},
};
use futures::{StreamExt, future, stream};
use promql::EventsSum;
use tokio::{sync::mpsc, time::timeout};

use super::{Etl, SERIES_WAITING};
use crate::{
    deadline::Deadline,
    objectives::ActiveEvents,
    prometheus::{Availability, FetchError, FetchedSeries, Selector},
};

/// An objective while its counters arrive.
pub(super) struct Underway<'a> {
    pub(super) active: &'a ActiveEvents,
    pub(super) counting: Counting,
    /// The first reason why it is not evaluated.
    pub(super) reason: Option<String>,
}

impl<'a> Underway<'a> {
    /// Nothing is counted yet, of what is read of `read`.
    pub(super) fn new(active: &'a ActiveEvents, slices: Span, read: Span) -> Self {
        Self {
            active,
            counting: Counting::new(&active.objective, slices, read),
            reason: None,
        }
    }
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
    pub(super) samples: u64,
    pub(super) warnings: Vec<String>,
}

/// A selector, and what its counters are added to: an objective by its position, and which of its two sums.
pub(super) struct Wanted {
    pub(super) selector: Selector,
    pub(super) uses: Vec<(usize, usize)>,
}

impl Wanted {
    /// Whether an objective that counts it can still be evaluated.
    pub(super) fn is_needed(&self, underway: &[Underway<'_>]) -> bool {
        let mut uses = self.uses.iter();
        uses.any(|(position, _)| underway[*position].reason.is_none())
    }

    /// The objectives that count it cannot be evaluated.
    pub(super) fn fail(&self, underway: &mut [Underway<'_>], error: &NotCounted) {
        for (position, _) in &self.uses {
            let reason = &mut underway[*position].reason;
            reason.get_or_insert_with(|| format!("{}: {error}", self.selector.text));
        }
    }
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
    #[error(
        "all objectives of events together select more than {} counters ({} at most where only the query API answers)",
        .0, Bounds::COUNTERS_BY_QUERIES
    )]
    All(u64),
    #[error("the answer lacks what some stores have")]
    Partial,
    #[error("the counting broke off")]
    BrokeOff,
}

impl NotCounted {
    pub(super) fn word(&self) -> Option<&'static str> {
        match self {
            Self::Fetch(error) => error.word(),
            Self::TimedOut(_) => Some(TIMEOUT),
            Self::Deadline => Some(DEADLINE),
            Self::All(_) => Some(BOUND),
            Self::Partial | Self::BrokeOff => None,
        }
    }
}

impl Etl {
    /// Reads the counters of the objectives, each selector once. One whose counters cannot be read gets a reason.
    ///
    /// # Errors
    /// The first that `ends` the reading.
    pub(super) async fn count_all(
        &self,
        reading: &Reading<'_>,
        underway: &mut [Underway<'_>],
        ends: impl Fn(&NotCounted) -> bool,
    ) -> Result<(), NotCounted> {
        let mut read = CountersRead::default();
        for wanted in wanted(underway) {
            if !wanted.is_needed(underway) {
                continue;
            }
            let counted = self.count_counters(&wanted, reading, &mut read, underway);
            match counted.await {
                Ok(()) => {}
                Err(error) if ends(&error) => return Err(error),
                Err(error) => wanted.fail(underway, &error),
            }
        }
        Ok(())
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
        let (found, mut arriving) = mpsc::channel::<FetchedSeries>(SERIES_WAITING);
        let fetch = async {
            let found = found;
            let fetched = self
                .prometheus
                .fetch_counters(&wanted.selector, read, &found);
            Ok(availability.wait_for(&self.prometheus, fetched).await?)
        };
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let count = async {
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
                so_far.counters += 1;
                // Asked where it matters alone. Where it is not known, the higher bound holds.
                let is_query_only = so_far.counters > self.bounds.counters_of(true)
                    && self.prometheus.is_query_only().await.unwrap_or(false);
                if so_far.counters > self.bounds.counters_of(is_query_only) {
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
        if fetched.partial {
            return Err(NotCounted::Partial);
        }
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
