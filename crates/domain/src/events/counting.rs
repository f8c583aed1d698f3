use std::time::Duration;

use super::{
    composite,
    counted::Counted,
    counter::{CounterSeries, LOOKBACK},
    pair::Pair,
};
use crate::{
    sla::{Composite, EventsObjective},
    time::{Span, Timestamp, Window},
};

/// Puts the counters of one objective together, by group and slice.
#[derive(Debug)]
pub struct Counting {
    /// Its two sums; of a composite those of each part.
    pairs: Vec<Pair>,
    composite: Option<Composite>,
}

/// How many slices a run stores: those that end in the 15 minutes before it.
const RUN_SLICES: Duration = Duration::from_secs(15 * 60);
/// How far back a run reads beyond the [`LOOKBACK`].
const RUN_MARGIN: Duration = Duration::from_secs(20 * 60);

impl Counting {
    /// The slices that a run at `as_of` counts: those that end in `(as_of - 15m, as_of]`.
    pub fn run_slices(as_of: Timestamp) -> Span {
        Span {
            start: as_of - RUN_SLICES,
            end: as_of,
        }
    }

    /// The slices whose bad share a run at `as_of` describes: those that end in the 12 h before it.
    pub fn described_slices(as_of: Timestamp) -> Span {
        Span {
            start: as_of - Window::TwelveHours.length(),
            end: as_of,
        }
    }

    /// What a run at `as_of` reads of counters: `(as_of - 12h - 20m, as_of]`.
    pub fn run_range(as_of: Timestamp) -> Span {
        Span {
            start: as_of - LOOKBACK - RUN_MARGIN,
            end: as_of,
        }
    }

    /// What has to be read so that every slice that ends in `(slices.start, slices.end]` is counted right.
    pub fn read_range(slices: Span) -> Span {
        Span {
            start: slices.start - LOOKBACK - super::SLICE,
            end: slices.end,
        }
    }

    /// Counts for an objective the slices that end in `(slices.start, slices.end]` from what lies in
    /// `(read.start, read.end]`, at least [`read_range`](Self::read_range).
    pub fn new(objective: &EventsObjective, slices: Span, read: Span) -> Self {
        let composite = objective.events.composite.as_deref();
        let pairs = match composite {
            Some(composite) => composite
                .parts
                .iter()
                .map(|part| Pair::new(&part.events, &[], slices, read))
                .collect(),
            None => vec![Pair::new(&objective.events, &objective.by, slices, read)],
        };
        Self {
            pairs,
            composite: composite.cloned(),
        }
    }

    /// Adds a counter of the sum at `place` among those that the objective counts
    /// ([`Events::counted`](crate::sla::Events::counted)). One that several terms select is added once for each.
    pub fn add(&mut self, place: usize, counter: &CounterSeries) {
        if let Some(pair) = self.pairs.get_mut(place / 2) {
            pair.add(place % 2, counter);
        }
    }

    /// Adds the first samples that count, and ends the counting. Of its groups `most_groups` have slices of their own, the
    /// first by label values. Without `by` there is the sum over all counters alone, which is never cut.
    pub fn finish(self, most_groups: usize) -> Counted {
        let mut counted = self.pairs.into_iter().map(|pair| pair.finish(most_groups));
        match self.composite {
            Some(composite) => composite::combined(&composite, counted.collect()),
            None => counted.next().unwrap_or_default(),
        }
    }
}
