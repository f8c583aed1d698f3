//! What the objectives of events count: the counters of each selector are fetched once, and are counted while they arrive.

use std::{
    collections::{HashMap, VecDeque},
    thread,
    time::Duration,
};

use config::Bounds;
use domain::{
    Labels, Span,
    events::{CounterSeries, Counting},
    message::{AMBIGUOUS, BOUND},
};
use futures::{StreamExt, stream};
use promql::EventsSum;

use super::{
    Etl,
    fetch::{Fetch, NotFetched, Reading},
    partial::LACKING,
};
use crate::{
    objectives::ActiveEvents,
    prometheus::{FetchedSeries, Selector},
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

/// How much was read of the counters of selectors.
#[derive(Debug, Default)]
pub(super) struct CountersRead {
    counters: u64,
    pub(super) samples: u64,
    pub(super) warnings: Vec<String>,
    /// Whether there are more of them than may be counted.
    are_too_many: bool,
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
    NotFetched(#[from] NotFetched),
    #[error(
        "all objectives of events together select more than {} counters ({} at most where only the query API answers)",
        .0, Bounds::COUNTERS_BY_QUERIES
    )]
    All(u64),
    #[error("{LACKING}")]
    Partial,
    #[error("the answer has several counters with the labels {0}")]
    Ambiguous(Labels),
    #[error("the counting broke off")]
    BrokeOff,
}

impl NotCounted {
    pub(super) fn word(&self) -> Option<&'static str> {
        match self {
            Self::NotFetched(error) => error.word(),
            Self::All(_) => Some(BOUND),
            Self::Ambiguous(_) => Some(AMBIGUOUS),
            Self::Partial | Self::BrokeOff => None,
        }
    }
}

/// Selectors whose counters are fetched at once: those of one are counted while those of the next ones arrive. Most have few
/// counters, so that it is the way to Prometheus that takes the time.
const FETCHES: usize = 4;

impl Etl {
    /// Reads the counters of the objectives in `range`, each selector once. One whose counters cannot be read gets a reason.
    ///
    /// # Errors
    /// The first that `ends` the reading.
    pub(super) async fn count_all(
        &self,
        range: Span,
        reading: &Reading,
        underway: &mut [Underway<'_>],
        ends: impl Fn(&NotCounted) -> bool,
    ) -> Result<(), NotCounted> {
        let mut read = CountersRead::default();
        let selectors = wanted(underway);
        let report = |wanted: &Wanted, underway: &mut [Underway<'_>], counted| match counted {
            Err(error) if ends(&error) => Err(error),
            Err(error) => {
                wanted.fail(underway, &error);
                Ok(())
            }
            Ok(_) => Ok(()),
        };
        self.count_each(&selectors, range, reading, &mut read, underway, report)
            .await
    }

    /// Reads the counters of selectors in `range` and adds them to the objectives that count them. `report` is called for each
    /// that is needed, in their order, with how long its counters took to arrive, or why they were not counted.
    ///
    /// # Errors
    /// The first that `report` returns.
    pub(super) async fn count_each(
        &self,
        selectors: &[Wanted],
        range: Span,
        reading: &Reading,
        read: &mut CountersRead,
        underway: &mut [Underway<'_>],
        mut report: impl FnMut(
            &Wanted,
            &mut [Underway<'_>],
            Result<Duration, NotCounted>,
        ) -> Result<(), NotCounted>,
    ) -> Result<(), NotCounted> {
        let mut waiting = selectors.iter();
        let mut fetches = VecDeque::new();
        loop {
            while fetches.len() < FETCHES && !read.are_too_many && !reading.deadline.is_over() {
                let Some(wanted) = waiting.find(|wanted| wanted.is_needed(underway)) else {
                    break;
                };
                let fetch = Fetch::of_counters(wanted.selector.clone(), range, reading);
                fetches.push_back((wanted, fetch));
            }
            let Some((wanted, fetch)) = fetches.pop_front() else {
                break;
            };
            if wanted.is_needed(underway) {
                let counted = if read.are_too_many {
                    Err(NotCounted::All(self.bounds.counters))
                } else {
                    self.count_counters(wanted, range, fetch, read, underway)
                        .await
                };
                report(wanted, underway, counted)?;
            }
        }
        for wanted in waiting {
            if wanted.is_needed(underway) {
                let error = if read.are_too_many {
                    NotCounted::All(self.bounds.counters)
                } else {
                    NotFetched::Deadline.into()
                };
                report(wanted, underway, Err(error))?;
            }
        }
        Ok(())
    }

    /// Adds the counters of a selector to the objectives that count them, while they arrive. Returns how long that took them.
    async fn count_counters(
        &self,
        wanted: &Wanted,
        range: Span,
        mut fetch: Fetch,
        read: &mut CountersRead,
        underway: &mut [Underway<'_>],
    ) -> Result<Duration, NotCounted> {
        fetch.becomes_current();
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let series = stream::unfold(&mut fetch.series, async |arriving| {
            Some((arriving.recv().await?, arriving))
        });
        let reduced = series.map(|series| {
            tokio::task::spawn_blocking(move || {
                let samples = series.samples.len() as u64;
                let FetchedSeries { labels, ends, .. } = &series;
                (
                    CounterSeries::new(labels.clone(), &series.samples, ends, range),
                    samples,
                )
            })
        });
        let mut reduced = reduced.buffer_unordered(workers).boxed();
        while let Some(reduced) = reduced.next().await {
            let (counter, samples) = reduced.map_err(|_| NotCounted::BrokeOff)?;
            read.counters += 1;
            // Asked where it matters alone. Where it is not known, the higher bound holds.
            let is_query_only = read.counters > self.bounds.counters_of(true)
                && self.prometheus.is_query_only().await.unwrap_or(false);
            if read.counters > self.bounds.counters_of(is_query_only) {
                read.are_too_many = true;
                return Err(NotCounted::All(self.bounds.counters));
            }
            read.samples += samples;
            for (position, place) in &wanted.uses {
                underway[*position].counting.add(*place, &counter);
            }
        }
        drop(reduced);
        let fetched = fetch.finish().await;
        let outcome = fetched.outcome?;
        read.warnings.extend(outcome.warnings);
        if outcome.partial {
            return Err(NotCounted::Partial);
        }
        if let Some(doubled) = outcome.ambiguous.into_iter().next() {
            return Err(NotCounted::Ambiguous(doubled.labels));
        }
        Ok(fetched.took)
    }
}

/// The selectors of the objectives, each once, in the order of the objectives. An objective whose sums cannot be read gets a
/// reason.
pub(super) fn wanted(underway: &mut [Underway<'_>]) -> Vec<Wanted> {
    let mut wanted = Vec::<Wanted>::new();
    let mut places = HashMap::<String, usize>::new();
    for (position, objective) in underway.iter_mut().enumerate() {
        for (place, (name, text)) in objective.active.objective.events.counted().enumerate() {
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
