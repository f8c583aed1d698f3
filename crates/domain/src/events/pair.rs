use std::collections::{BTreeMap, HashMap};

use super::{
    counted::{Counted, GroupSlices},
    counter::{CounterSeries, LOOKBACK},
    exact_sum::ExactSum,
    slice::{Minute, SliceCounts},
};
use crate::{
    series::{Labels, Sample},
    sla::{Events, Given, group_of},
    time::{Span, Timestamp},
};

/// Puts the counters of two sums together, by group and slice.
#[derive(Debug)]
pub(super) struct Pair {
    by: Vec<String>,
    /// Whether a counter of the first sum, of the second one, says that a slice is measured.
    measuring: [bool; 2],
    read_from: Timestamp,
    /// The slices that are asked for: those after the first one up to the second.
    slices: (Minute, Minute),
    groups: BTreeMap<Labels, Group>,
    first: Vec<FirstSample>,
    /// When each target had samples that are no first ones, milliseconds after the start of what was read.
    targets: HashMap<(String, String), Vec<u32>>,
    resets: u64,
    samples: u64,
}

/// A sample without a predecessor: its value counts if its target was scraped before and kept that series.
#[derive(Debug)]
struct FirstSample {
    target: (String, String),
    group: Labels,
    place: usize,
    sample: Sample,
}

#[derive(Clone, Debug)]
struct Group(Vec<Cell>);

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    sums: [ExactSum; 2],
    measured: bool,
    /// Whether a predecessor of one of its samples may lie before what was read.
    uncertain: bool,
    reach: Option<Timestamp>,
}

impl Pair {
    /// Counts the slices that end in `(slices.start, slices.end]`, by the labels `by`, from what lies in
    /// `(read.start, read.end]`.
    pub(super) fn new(events: &Events, by: &[String], slices: Span, read: Span) -> Self {
        let measuring = match events.given() {
            Some(Given::GoodTotal | Given::BadTotal) => [false, true],
            Some(Given::GoodBad) | None => [true, true],
        };
        Self {
            by: by.to_vec(),
            measuring,
            read_from: read.start,
            slices: (Minute::ended_by(slices.start), Minute::ended_by(slices.end)),
            groups: BTreeMap::new(),
            first: Vec::new(),
            targets: HashMap::new(),
            resets: 0,
            samples: 0,
        }
    }

    /// Adds a counter of the sum at `place`: 0 or 1, in the order `good`, `bad`, `total`. One that several terms select
    /// is added once for each.
    pub(super) fn add(&mut self, place: usize, counter: &CounterSeries) {
        let group = group_of(&self.by, &counter.labels);
        let (from, to) = self.slices;
        let count = to.after(from).unwrap_or(0);
        self.resets += counter.resets;
        self.samples += counter.others.len() as u64;
        if let Some((job, instance)) = counter.target() {
            let target = (job.to_owned(), instance.to_owned());
            for sample in &counter.first {
                self.first.push(FirstSample {
                    target: target.clone(),
                    group: group.clone(),
                    place,
                    sample: *sample,
                });
            }
            let times = self.targets.entry(target).or_default();
            if *times != counter.others {
                times.extend(&counter.others);
                times.sort_unstable();
                times.dedup();
            }
        }
        let cells = &mut self
            .groups
            .entry(group)
            .or_insert_with(|| Group(vec![Cell::default(); count]))
            .0;
        let known_from = self.read_from + LOOKBACK;
        for first in counter.first.iter().filter(|first| first.time < known_from) {
            if let Some(cell) = cell_of(cells, from, Minute::holding(first.time)) {
                cell.uncertain = true;
            }
        }
        for increase in &counter.increases {
            if let Some(cell) = cell_of(cells, from, increase.slice) {
                cell.sums[place] += ExactSum::from(increase.sum);
                let earlier = cell
                    .reach
                    .map_or(increase.reach, |reach| reach.min(increase.reach));
                cell.reach = Some(earlier);
            }
        }
        if self.measuring[place] {
            for (first, last) in &counter.standing {
                let begin = first.after(from).map_or(0, |count| count - 1);
                let end = last.after(from).unwrap_or(0).min(count);
                if let Some(cells) = cells.get_mut(begin..end) {
                    cells.iter_mut().for_each(|cell| cell.measured = true);
                }
            }
        }
    }

    /// Adds the first samples that count, and ends the counting. Of its groups `most_groups` have slices of their own, the
    /// first by label values. Without `by` there is the sum over all counters alone, which is never cut.
    pub(super) fn finish(mut self, most_groups: usize) -> Counted {
        let (from, to) = self.slices;
        let count = to.after(from).unwrap_or(0);
        if self.by.is_empty() {
            // Without a counter there is still something to say.
            self.groups
                .entry(Labels::default())
                .or_insert_with(|| Group(vec![Cell::default(); count]));
        }
        for first in &self.first {
            let offset = first.sample.time.since(self.read_from).as_millis();
            let was_scraped_before = u32::try_from(offset).is_ok_and(|offset| {
                let times = self.targets.get(&first.target);
                times.is_some_and(|times| times.binary_search(&offset).is_ok())
            });
            if !was_scraped_before {
                continue;
            }
            let cells = self.groups.get_mut(&first.group).map(|group| &mut group.0);
            let slice = Minute::holding(first.sample.time);
            if let Some(cell) = cells.and_then(|cells| cell_of(cells, from, slice)) {
                cell.sums[first.place] += ExactSum::from(first.sample.value.max(0.0));
            }
        }
        let together = (!self.by.is_empty()).then(|| {
            let mut cells = vec![Cell::default(); count];
            for Group(group) in self.groups.values() {
                for (cell, other) in cells.iter_mut().zip(group) {
                    cell.add(other);
                }
            }
            cells
        });
        let most_groups = if self.by.is_empty() { 1 } else { most_groups };
        let cut = self.groups.len().saturating_sub(most_groups);
        let own = self.groups.into_iter().take(most_groups);
        let own = own.map(|(labels, Group(cells))| (labels, cells));
        let groups = own.chain(together.map(|cells| (Labels::default(), cells)));
        let listed = groups.map(|(group, cells)| GroupSlices {
            group,
            uncertain: cells.iter().map(|cell| cell.uncertain).collect(),
            slices: from
                .up_to(to)
                .zip(cells)
                .map(|(slice, cell)| cell.counts(slice))
                .collect(),
        });
        Counted {
            groups: listed.collect(),
            cut,
            resets: self.resets,
            samples: self.samples,
        }
    }
}

fn cell_of(cells: &mut [Cell], from: Minute, slice: Minute) -> Option<&mut Cell> {
    cells.get_mut(slice.after(from)? - 1)
}

impl Cell {
    fn add(&mut self, other: &Self) {
        for (sum, others) in self.sums.iter_mut().zip(other.sums) {
            *sum += others;
        }
        self.measured |= other.measured;
        self.uncertain |= other.uncertain;
        self.reach = self.reach.into_iter().chain(other.reach).min();
    }

    fn counts(self, slice: Minute) -> SliceCounts {
        SliceCounts {
            end: slice.end(),
            sums: self.sums.map(ExactSum::value),
            measured: self.measured,
            reach: self.reach,
        }
    }
}
