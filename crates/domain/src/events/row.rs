use std::{iter::Sum, time::Duration};

use super::Counts;
use crate::{
    sla::{EventsObjective, Given, Method, NoTraffic},
    time::{Span, Timestamp},
};

/// What was counted of one group in one or more slices that follow each other: a minute, 5 minutes, an hour or a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CountedRow {
    /// `(start, end]`: both at multiples of its length since the epoch.
    pub span: Span,
    /// What its slices add up to.
    pub counts: Counts,
    /// At the end of how many of its minutes a counter stood, 0 to 1440.
    pub measured_minutes: u32,
    /// The earliest time that one of its increments reaches back to; `None` without an increment.
    pub reach: Option<Timestamp>,
    /// Whether all of its minutes are final.
    pub is_final: bool,
    /// How often a final row changed, from 0.
    pub revision: u32,
    /// Of more than a minute, where the objective's method is one of slices and these fit: what its slices are. `None`: see
    /// the minutes.
    pub slices: Option<SliceTally>,
}

/// What slices of the length that an objective has are, for its method.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SliceTally {
    /// How many count.
    pub judged: u32,
    /// How many of them are good.
    pub good: u32,
    /// The sum of their shares of good events.
    pub ratios: f64,
}

impl SliceTally {
    /// What the slices of an objective are in `rows` of one group, which are in order of time and none longer than a slice. A
    /// slice is what its rows add up to, of however much of it there are rows.
    pub fn of<'a>(
        rows: impl IntoIterator<Item = &'a CountedRow>,
        objective: &EventsObjective,
    ) -> Self {
        let (mut tally, mut slice) = (Self::default(), None::<Slice>);
        for row in rows {
            let end = end_of_slice(row.span.end, objective.slice.length());
            match &mut slice {
                Some(slice) if slice.end == end => slice.add(row),
                _ => {
                    if let Some(over) = slice.replace(Slice::of(end, row)) {
                        tally.add(&over, objective);
                    }
                }
            }
        }
        if let Some(last) = slice {
            tally.add(&last, objective);
        }
        tally
    }

    fn add(&mut self, slice: &Slice, objective: &EventsObjective) {
        let given = objective.events.given().unwrap_or(Given::GoodBad);
        let reckoned = slice.counts.reckon(given);
        let share = if reckoned.total > 0.0 {
            reckoned.good / reckoned.total
        } else {
            match objective.no_traffic {
                NoTraffic::Good if slice.measured => 1.0,
                NoTraffic::Bad if slice.measured => 0.0,
                _ => return,
            }
        };
        self.judged += 1;
        self.ratios += share;
        let target = objective.slice_target();
        if objective.method == Method::Timeslices && target.is_some_and(|target| share >= target) {
            self.good += 1;
        }
    }
}

impl Sum for SliceTally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |sum, tally| Self {
            judged: sum.judged + tally.judged,
            good: sum.good + tally.good,
            ratios: sum.ratios + tally.ratios,
        })
    }
}

/// What the rows of a slice add up to.
struct Slice {
    end: Timestamp,
    counts: Counts,
    measured: bool,
}

impl Slice {
    fn of(end: Timestamp, row: &CountedRow) -> Self {
        Self {
            end,
            counts: row.counts,
            measured: row.measured_minutes > 0,
        }
    }

    fn add(&mut self, row: &CountedRow) {
        self.counts += row.counts;
        self.measured |= row.measured_minutes > 0;
    }
}

/// The end of the slice of a length that ends at a time or holds it.
fn end_of_slice(time: Timestamp, length: Duration) -> Timestamp {
    let length = length.as_millis() as i64;
    let count = -(-time.millis()).div_euclid(length);
    Timestamp::from_millis(count.saturating_mul(length)).unwrap_or(Timestamp::MAX)
}
