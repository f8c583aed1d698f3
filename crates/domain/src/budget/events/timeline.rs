use std::time::Duration;

use crate::{
    events::{CountedRow, Counts, ExactSum, SLICE, SliceTally},
    sla::{EventsObjective, Given, Method},
    time::{Span, SpanSet, Timestamp},
};

/// What was counted of one group of an objective, in order of time, the time that is excluded taken out.
#[derive(Clone, Debug)]
pub struct Timeline {
    pub(super) given: Given,
    /// The length of a slice.
    pub(super) slice: Duration,
    cells: Vec<Cell>,
    /// What the cells before each one add up to, and all of them.
    sums: Vec<Sums>,
    /// The slices that are left out, whole.
    pub(super) excluded: SpanSet,
    /// Rows of several slices of which an exclusion leaves out some: all of them are left out.
    cut: Vec<Span>,
    /// The end of the newest row of which anything is measured.
    last_measured: Option<Timestamp>,
}

/// A slice, or a row of several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) span: Span,
    pub(super) counts: Counts,
    /// At the end of how many of its minutes a counter stood.
    pub(super) measured: u32,
    reach: Option<Timestamp>,
    tally: SliceTally,
    pub(super) is_excluded: bool,
}

/// What cells add up to.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    counts: Counts,
    judged: u32,
    good: u32,
    ratios: ExactSum,
    /// Minutes that are measured and not excluded.
    measured: u64,
    /// Minutes that are measured, excluded or not.
    covered: u64,
}

/// What a window adds up to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    /// Where it begins: at the start of the row that its start falls into.
    pub(super) from: Timestamp,
    pub(super) counts: Counts,
    pub(super) tally: SliceTally,
    /// The time that is measured and not excluded.
    pub(super) measured: Duration,
    /// The time that is measured, excluded or not.
    pub(super) covered: Duration,
    /// The time that is excluded.
    pub(super) excluded: Duration,
}

impl Timeline {
    /// The group of `objective` of which these rows are kept, in order of time, none overlapping another.
    pub fn new(objective: &EventsObjective, rows: &[CountedRow], excluded: &SpanSet) -> Self {
        let slice = slice_length(objective);
        let given = objective.events.given().unwrap_or(Given::GoodBad);
        let mut cells = match objective.method {
            Method::Occurrences => rows.iter().map(Cell::of).collect(),
            Method::Timeslices | Method::RatioTimeslices => slices(rows, slice, objective),
        };
        let mut left_out: Vec<Span> = excluded
            .spans()
            .iter()
            .map(|span| whole_slices(*span, slice))
            .collect();
        let mut cut = Vec::new();
        for cell in &mut cells {
            cell.is_excluded = cell.is_touched(excluded);
            if cell.is_excluded {
                left_out.push(cell.span);
                if cell.span.length() > slice {
                    cut.push(cell.span);
                }
            }
        }
        let mut sums = Vec::with_capacity(cells.len() + 1);
        let mut all = Sums::default();
        sums.push(all);
        for cell in &cells {
            all.add(cell);
            sums.push(all);
        }
        Self {
            given,
            slice,
            cells,
            sums,
            excluded: left_out.into_iter().collect(),
            cut,
            last_measured: rows
                .iter()
                .rfind(|row| row.measured_minutes > 0)
                .map(|row| row.span.end),
        }
    }

    /// Rows of several slices of which an exclusion leaves out some: their minutes say which.
    pub fn cut(&self) -> &[Span] {
        &self.cut
    }

    /// The time that exclusions leave out.
    pub fn excluded(&self) -> &SpanSet {
        &self.excluded
    }

    /// The newest end of a slice that is not after an instant.
    pub(super) fn newest_end(&self, as_of: Timestamp) -> Timestamp {
        floor(as_of, self.slice)
    }

    /// The slices that end in `(start, end]`.
    pub(super) fn window(&self, start: Timestamp, end: Timestamp) -> Window {
        let (first, after) = (self.ended_by(start), self.ended_by(end));
        let from = self.cells.get(first).map_or(start, |cell| {
            if cell.span.start < start && cell.span.end <= end {
                cell.span.start
            } else {
                start
            }
        });
        let sums = self.sums[after.max(first)].without(&self.sums[first]);
        Window {
            from,
            counts: sums.counts,
            tally: SliceTally {
                judged: sums.judged,
                good: sums.good,
                ratios: sums.ratios.value(),
            },
            measured: minutes(sums.measured),
            covered: minutes(sums.covered),
            excluded: self.excluded.length_within(Span { start: from, end }),
        }
    }

    /// How much time up to an instant is measured or excluded. Of a row of several slices the measured ones are taken to
    /// be spread evenly.
    pub(super) fn known_until(&self, time: Timestamp) -> Duration {
        let ended = self.ended_by(time);
        let up_to = Span {
            start: Timestamp::EPOCH,
            end: time,
        };
        minutes(self.sums[ended].measured)
            + self.part_of_next(ended, time)
            + self.excluded.length_within(up_to)
    }

    /// The measured time, up to an instant, of the cell that ends after it.
    fn part_of_next(&self, ended: usize, time: Timestamp) -> Duration {
        let next = self.cells.get(ended).filter(|cell| !cell.is_excluded);
        let Some(cell) = next.filter(|cell| cell.span.start < time) else {
            return Duration::ZERO;
        };
        let share = time.since(cell.span.start).as_secs_f64() / cell.span.seconds();
        minutes(u64::from(cell.measured)).mul_f64(share)
    }

    /// The end of the newest row of which anything is measured, excluded or not.
    pub fn last_measured(&self) -> Option<Timestamp> {
        self.last_measured
    }

    /// Whether a row of several slices reaches over an instant.
    pub(super) fn is_inside_a_row(&self, time: Timestamp) -> bool {
        let next = self.cells.get(self.ended_by(time));
        next.is_some_and(|cell| cell.span.start < time && cell.span.length() > self.slice)
    }

    /// When the first row begins.
    pub(super) fn begins(&self) -> Option<Timestamp> {
        self.cells.first().map(|cell| cell.span.start)
    }

    /// How many cells end at an instant or before.
    fn ended_by(&self, time: Timestamp) -> usize {
        self.cells.partition_point(|cell| cell.span.end <= time)
    }
}

/// How long the slices of an objective are that exclusions leave out whole.
pub(super) fn slice_length(objective: &EventsObjective) -> Duration {
    match objective.method {
        Method::Occurrences => SLICE,
        Method::Timeslices | Method::RatioTimeslices => objective.slice.length(),
    }
}

/// The multiple of `unit` since the epoch that is not after an instant.
pub(super) fn floor(time: Timestamp, unit: Duration) -> Timestamp {
    let unit = i64::try_from(unit.as_millis()).unwrap_or(i64::MAX).max(1);
    let into = time.millis().rem_euclid(unit);
    time - Duration::from_millis(into.unsigned_abs())
}

/// The multiple of `unit` since the epoch that is not before an instant.
pub(super) fn ceiling(time: Timestamp, unit: Duration) -> Timestamp {
    let floor = floor(time, unit);
    if floor == time { time } else { floor + unit }
}

fn minutes(count: u64) -> Duration {
    SLICE * u32::try_from(count).unwrap_or(u32::MAX)
}

/// The slices that a span touches.
fn whole_slices(span: Span, slice: Duration) -> Span {
    Span {
        start: floor(span.start, slice),
        end: ceiling(span.end, slice),
    }
}

/// The slices of an objective whose method looks at slices; a row that already is several of them stays whole.
fn slices(rows: &[CountedRow], slice: Duration, objective: &EventsObjective) -> Vec<Cell> {
    let in_one_slice = |one: &CountedRow, other: &CountedRow| {
        one.span.length() < slice && ceiling(one.span.end, slice) == ceiling(other.span.end, slice)
    };
    let cell = |rows: &[CountedRow]| {
        let mut joined = *rows.first()?;
        if let Some(tally) = joined.slices.filter(|_| joined.span.length() >= slice) {
            return Some(Cell {
                tally,
                ..Cell::of(&joined)
            });
        }
        for row in &rows[1..] {
            joined.counts += row.counts;
            joined.measured_minutes += row.measured_minutes;
            joined.reach = joined.reach.into_iter().chain(row.reach).min();
        }
        joined.span = whole_slices(joined.span, slice);
        Some(Cell {
            tally: SliceTally::of([&joined], objective),
            ..Cell::of(&joined)
        })
    };
    rows.chunk_by(in_one_slice).filter_map(cell).collect()
}

impl Cell {
    fn of(row: &CountedRow) -> Self {
        Self {
            span: row.span,
            counts: row.counts,
            measured: row.measured_minutes,
            reach: row.reach,
            tally: SliceTally::default(),
            is_excluded: false,
        }
    }

    /// Whether an exclusion `[from, to)` touches it or what its increments reach back to.
    fn is_touched(&self, excluded: &SpanSet) -> bool {
        let from = self
            .reach
            .map_or(self.span.start, |reach| reach.min(self.span.start));
        let spans = excluded.spans();
        let first = spans.partition_point(|span| span.end <= from);
        spans
            .get(first)
            .is_some_and(|span| span.start < self.span.end)
    }
}

impl Sums {
    fn add(&mut self, cell: &Cell) {
        self.covered += u64::from(cell.measured);
        if cell.is_excluded {
            return;
        }
        self.counts += cell.counts;
        self.measured += u64::from(cell.measured);
        self.judged += cell.tally.judged;
        self.good += cell.tally.good;
        self.ratios += ExactSum::from(cell.tally.ratios);
    }

    fn without(&self, earlier: &Self) -> Self {
        Self {
            counts: self.counts - earlier.counts,
            judged: self.judged - earlier.judged,
            good: self.good - earlier.good,
            ratios: self.ratios - earlier.ratios,
            measured: self.measured - earlier.measured,
            covered: self.covered - earlier.covered,
        }
    }
}

impl Window {
    /// Both together.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut counts = self.counts;
        counts += other.counts;
        Self {
            from: self.from.min(other.from),
            counts,
            tally: [self.tally, other.tally].into_iter().sum(),
            measured: self.measured + other.measured,
            covered: self.covered + other.covered,
            excluded: self.excluded + other.excluded,
        }
    }

    /// The share that was good, by the method; `None` if nothing was judged.
    pub(super) fn sli(&self, method: Method, given: Given) -> Option<f64> {
        let judged = f64::from(self.tally.judged);
        let of_slices = |sum: f64| (self.tally.judged > 0).then(|| (sum / judged).clamp(0.0, 1.0));
        match method {
            Method::Occurrences => self.counts.reckon(given).share_good(),
            Method::Timeslices => of_slices(f64::from(self.tally.good)),
            Method::RatioTimeslices => of_slices(self.tally.ratios),
        }
    }
}
