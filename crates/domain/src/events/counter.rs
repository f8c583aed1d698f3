use std::time::Duration;

use super::slice::Minute;
use crate::{
    evaluation::STALENESS,
    series::{Labels, Sample},
    time::{Span, Timestamp},
};

/// How far back the predecessor of a sample may lie.
pub const LOOKBACK: Duration = Duration::from_secs(12 * 3_600);

/// Samples that are closer together than this are one: replicas that scrape the same target.
const ONE_SCRAPE: Duration = Duration::from_secs(1);

/// What one counter did: its increments by slice. Several objectives may count it.
#[derive(Clone, Debug, PartialEq)]
pub struct CounterSeries {
    /// With `__name__`.
    pub labels: Labels,
    /// What it counted, by slice, in order.
    pub(super) increases: Vec<Increase>,
    /// Samples without a predecessor: whether their value counts depends on other counters of the target.
    pub(super) first: Vec<Sample>,
    /// The times of all other samples, in order, milliseconds after the start of what was read.
    pub(super) others: Vec<u32>,
    /// The slices at whose end a sample stands: from the first one to the last one, in order.
    pub(super) standing: Vec<(Minute, Minute)>,
    /// How often it went back.
    pub resets: u64,
}

/// What a counter counted in one slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Increase {
    pub(super) slice: Minute,
    pub(super) sum: f64,
    /// The earliest predecessor of the slice's samples.
    pub(super) reach: Timestamp,
}

/// Samples that are one.
#[derive(Clone, Copy)]
struct Scrape {
    first: Timestamp,
    slice: Minute,
    slice_end: Timestamp,
    newest: Timestamp,
    greatest: f64,
}

impl CounterSeries {
    /// What the counter with these `labels` did. `samples`: those in `(read.start, read.end]` in order of time, `ends`:
    /// its stale markers in order. Values that are not finite are left out.
    pub fn new(labels: Labels, samples: &[Sample], ends: &[Timestamp], read: Span) -> Self {
        let mut counter = Self {
            labels,
            increases: Vec::new(),
            first: Vec::new(),
            others: Vec::with_capacity(samples.len()),
            standing: Vec::new(),
            resets: 0,
        };
        let (mut scrape, mut before) = (None::<Scrape>, None::<Sample>);
        let (mut ends, as_of) = (ends, read.end);
        for sample in samples.iter().filter(|sample| sample.value.is_finite()) {
            match &mut scrape {
                Some(scrape) if scrape.takes(sample.time) => {
                    scrape.newest = sample.time;
                    scrape.greatest = scrape.greatest.max(sample.value);
                }
                _ => {
                    let next = Scrape::of(sample, scrape.as_ref());
                    if let Some(ended) = scrape.replace(next) {
                        before = Some(counter.add(&ended, before, read.start));
                        counter.stand(ended.newest, Some(sample.time), &mut ends, as_of);
                    }
                }
            }
        }
        if let Some(last) = scrape {
            counter.add(&last, before, read.start);
            counter.stand(last.newest, None, &mut ends, as_of);
        }
        counter
    }

    /// Counts the samples of one scrape; returns what is the predecessor of the next one.
    fn add(&mut self, scrape: &Scrape, before: Option<Sample>, read_from: Timestamp) -> Sample {
        let sample = Sample {
            time: scrape.newest,
            value: scrape.greatest,
        };
        let Some(before) = before.filter(|before| sample.time.since(before.time) <= LOOKBACK)
        else {
            self.first.push(sample);
            return sample;
        };
        let increment = if sample.value < before.value {
            self.resets += 1;
            sample.value.max(0.0)
        } else {
            sample.value - before.value
        };
        let offset = sample.time.since(read_from).as_millis();
        self.others.push(u32::try_from(offset).unwrap_or(u32::MAX));
        match self.increases.last_mut() {
            Some(last) if last.slice == scrape.slice => {
                last.sum += increment;
                last.reach = last.reach.min(before.time);
            }
            _ => self.increases.push(Increase {
                slice: scrape.slice,
                sum: increment,
                reach: before.time,
            }),
        }
        sample
    }

    /// Notes the slices at whose end a sample stands. A stale marker ends its standing if no sample follows within the
    /// staleness, once that time has passed.
    fn stand(
        &mut self,
        time: Timestamp,
        next: Option<Timestamp>,
        markers: &mut &[Timestamp],
        as_of: Timestamp,
    ) {
        let longest = time + STALENESS;
        let follows = next.is_some_and(|next| next <= longest);
        let until = if follows {
            next.unwrap_or(longest)
        } else {
            let passed = markers.partition_point(|marker| *marker <= time);
            *markers = &markers[passed..];
            let marker = markers.first().filter(|_| longest <= as_of);
            marker.map_or(longest, |marker| longest.min(*marker))
        };
        // The slice that ends at or after the sample, and the last one that ends before it stops standing.
        let first = Minute::holding(time);
        let last = Minute::ended_by(until - Duration::from_millis(1));
        if last < first {
            return;
        }
        match self.standing.last_mut() {
            Some((_, newest)) if first.after(*newest).is_none_or(|distance| distance == 1) => {
                *newest = (*newest).max(last);
            }
            _ => self.standing.push((first, last)),
        }
    }

    /// Who was scraped: the labels `job` and `instance`, neither of them empty.
    pub(super) fn target(&self) -> Option<(&str, &str)> {
        let label = |name| self.labels.0.get(name).filter(|value| !value.is_empty());
        Some((label("job")?, label("instance")?))
    }
}

impl Scrape {
    /// The scrape that begins with a sample; `before`: the one before it.
    fn of(sample: &Sample, before: Option<&Self>) -> Self {
        let (slice, slice_end) = match before {
            Some(before) if sample.time <= before.slice_end => (before.slice, before.slice_end),
            _ => {
                let slice = Minute::holding(sample.time);
                (slice, slice.end())
            }
        };
        Self {
            first: sample.time,
            slice,
            slice_end,
            newest: sample.time,
            greatest: sample.value,
        }
    }

    /// Whether a later sample belongs to it.
    fn takes(&self, time: Timestamp) -> bool {
        time <= self.slice_end && time.since(self.first) < ONE_SCRAPE
    }
}
