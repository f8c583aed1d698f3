//! Which rows a question is answered from: the coarsest that fit, finer ones at its edges.

use std::collections::BTreeMap;

use domain::{Span, SpanSet, Timestamp, sla::SliceLength};

use super::Length;

/// Rows of one length that end in `(from, to]`, minutes since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) length: Length,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// Slices that end in `(from, to]`, minutes since the epoch.
    pub(super) from: i64,
    pub(super) to: i64,
    /// What no row of more than a minute may touch.
    pub(super) fine: &'a SpanSet,
    /// Where slices of a length are looked at: rows of sums have to say what these are.
    pub(super) slices_of: Option<SliceLength>,
}

impl<'a> Question<'a> {
    pub(super) fn new(asked: Span, fine: &'a SpanSet, slices_of: Option<SliceLength>) -> Self {
        let minute = |time: Timestamp| time.millis().div_euclid(60_000);
        Self {
            from: minute(asked.start),
            to: minute(asked.end),
            fine,
            slices_of,
        }
    }

    /// The days that hold a part of what is asked for, by their ends.
    pub(super) fn days(&self) -> Vec<i64> {
        pieces(Length::Day, self.from, self.to).collect()
    }

    /// Whether a row that is there for all of its time can be used.
    fn takes(&self, length: Length, end: i64) -> bool {
        let start = end - length.minutes();
        start >= self.from && end <= self.to && !self.is_cut(start, end)
    }

    fn is_cut(&self, start: i64, end: i64) -> bool {
        let (start, end) = (start * 60_000, end * 60_000);
        let spans = self.fine.spans();
        let place = spans.partition_point(|span| span.end.millis() <= start);
        spans
            .get(place)
            .is_some_and(|span| span.start.millis() < end)
    }

    /// The hours of days that are not taken as a whole, as ranges of their ends.
    pub(super) fn hours(&self, days: &[i64]) -> Vec<Range> {
        let mut ranges = Ranges::default();
        for day in pieces(Length::Day, self.from, self.to) {
            if !(days.contains(&day) && self.takes(Length::Day, day)) {
                ranges.add(Length::Hour, day - Length::Day.minutes(), day);
            }
        }
        ranges.0
    }

    /// The rows to read, in order of time. `days`: the ends of those that are added up; `hours`: by their ends, the length of
    /// the finest rows that are kept of those that are added up.
    pub(super) fn rows(&self, days: &[i64], hours: &BTreeMap<i64, Length>) -> Vec<Range> {
        let mut ranges = Ranges::default();
        for day in pieces(Length::Day, self.from, self.to) {
            let start = day - Length::Day.minutes();
            if days.contains(&day) && self.takes(Length::Day, day) {
                ranges.add(Length::Day, start, day);
                continue;
            }
            let (from, to) = (self.from.max(start), self.to.min(day));
            for hour in pieces(Length::Hour, from, to) {
                self.add_hour(&mut ranges, hour, hours.get(&hour).copied());
            }
        }
        ranges.0
    }

    fn add_hour(&self, ranges: &mut Ranges, hour: i64, finest: Option<Length>) {
        let start = hour - Length::Hour.minutes();
        let (from, to) = (self.from.max(start), self.to.min(hour));
        let Some(finest) = finest else {
            ranges.add(Length::Minute, from, to);
            return;
        };
        let fives = self.slices_of.is_none_or(|slice| slice.minutes() <= 5);
        let nothing_finer = finest == Length::Hour || finest == Length::FiveMinutes && !fives;
        if self.takes(Length::Hour, hour) || nothing_finer {
            // The row that the start falls into counts, the one that the end falls into does not.
            if hour <= self.to {
                ranges.add(Length::Hour, start, hour);
            }
            return;
        }
        for five in pieces(Length::FiveMinutes, from, to) {
            let start = five - Length::FiveMinutes.minutes();
            let whole = finest == Length::FiveMinutes && five <= self.to
                || fives && self.takes(Length::FiveMinutes, five);
            if whole {
                ranges.add(Length::FiveMinutes, start, five);
            } else if finest == Length::Minute {
                ranges.add(Length::Minute, from.max(start), to.min(five));
            }
        }
    }
}

/// The ends of the rows of a length that hold a part of `(from, to]`, in order.
fn pieces(length: Length, from: i64, to: i64) -> impl Iterator<Item = i64> {
    let step = length.minutes();
    let first = from.div_euclid(step);
    let last = (to + step - 1).div_euclid(step);
    (first..last).map(move |place| (place + 1) * step)
}

/// Ranges in order, none of which goes on with the one before.
#[derive(Debug, Default)]
struct Ranges(Vec<Range>);

impl Ranges {
    fn add(&mut self, length: Length, from: i64, to: i64) {
        match self.0.last_mut() {
            Some(last) if last.length == length && last.to == from => last.to = to,
            _ => self.0.push(Range { length, from, to }),
        }
    }
}
