//! The judgements of many runs, joined.
//!
//! An evaluation knows its own range and nothing before it: a violation that began earlier looks shorter than it is,
//! and the sample that stood when the range began was not seen. So the newest evaluation counts where it judged, and
//! where its range begins it is joined to what older ones left there, or, if it comes late, to what newer ones left
//! where its share ends.

mod changes;
mod gaps;
mod join;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use changes::Changes;

use super::{Episode, Evaluated, Judgement, STALENESS};
use crate::time::{Span, Timestamp, Window};

/// What is kept of one objective, version and series. Rows that end before an evaluation's judged range starts may be
/// left out.
///
/// Evaluations that follow each other within 12 h, in whatever order they come and however often, leave what one
/// evaluation of everything at the end would say. Of two that are farther apart but still overlap, a violation that
/// held for less than `for` in each is missed, and one without a sample that both saw becomes two.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The violations.
    pub episodes: Vec<Episode>,
    /// The maximal spans of judged time in which no sample stands.
    pub gaps: Vec<Span>,
    /// The judged time.
    pub judged: Vec<JudgedSpan>,
}

/// Time that was judged, `(start, end]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedSpan {
    /// Where it begins.
    pub start: Timestamp,
    /// Where it ends: the newest evaluation of it, or the start of the next span if that is earlier.
    pub end: Timestamp,
    /// The newest evaluation of it.
    pub as_of: Timestamp,
}

impl History {
    /// Takes one more evaluation in.
    ///
    /// Time that a newer one has judged stays as it is. An evaluation without a sample changes nothing, and neither
    /// does one that was taken in before.
    pub fn record(&mut self, evaluated: &Evaluated) {
        let Evaluated::Judged(judgement) = evaluated else {
            return;
        };
        let share = Share::of(judgement, &self.judged);
        if share.end <= share.start {
            return;
        }
        let merged = self.record_judged(&share);
        self.record_gaps(judgement, &share);
        self.record_episodes(judgement, &share, merged);
    }

    /// Takes the next evaluation of `span`, `(start, end]`, for the newest one, whatever was judged there. What was judged
    /// before and after it stays.
    pub fn reopen(&mut self, span: Span) {
        let judged = std::mem::take(&mut self.judged);
        for own in judged {
            if own.end <= span.start || own.start >= span.end {
                self.judged.push(own);
                continue;
            }
            if own.start < span.start {
                self.judged.push(JudgedSpan {
                    end: span.start,
                    as_of: own.as_of.min(span.start),
                    ..own
                });
            }
            if own.end > span.end {
                self.judged.push(JudgedSpan {
                    start: span.end,
                    ..own
                });
            }
        }
    }

    /// Returns the judged span that `share` is now a part of.
    fn record_judged(&mut self, share: &Share) -> JudgedSpan {
        let mut merged = JudgedSpan {
            start: share.start,
            end: share.end,
            as_of: share.as_of,
        };
        self.judged.retain_mut(|span| {
            if share.left.is_some_and(|left| left == *span) {
                if share.left_overlaps {
                    merged.start = span.start;
                    return false;
                }
                span.end = share.start;
                return true;
            }
            if share.right_overlaps && span.start == share.end && span.as_of > share.as_of {
                merged.end = span.end;
                merged.as_of = span.as_of;
                return false;
            }
            let replaced = span.start >= share.start && span.end <= share.end;
            !replaced
        });
        self.judged.push(merged);
        self.judged.sort_by_key(|span| span.start);
        merged
    }
}

/// The part of a judgement's range that no newer evaluation has judged, and its neighbours.
#[derive(Debug)]
struct Share {
    /// Where the judged range starts, and this part of it.
    start: Timestamp,
    /// Where the part ends: where the range of a newer evaluation starts, else the judgement's `as_of`.
    end: Timestamp,
    /// The judgement's `as_of`.
    as_of: Timestamp,
    /// Its first sample.
    first_sample: Timestamp,
    /// How long its samples stand.
    staleness: Duration,
    /// The older judged span that reaches into the part, or touches it.
    left: Option<JudgedSpan>,
    /// Whether older evaluations saw enough of the judged range to know what it begins with.
    left_overlaps: bool,
    /// Whether the judgement saw enough of the newer evaluation's range to know what that begins with.
    right_overlaps: bool,
}

impl Share {
    fn of(judgement: &Judgement, judged: &[JudgedSpan]) -> Self {
        let as_of = judgement.as_of;
        let start = judgement.judged.start;
        let end = judged
            .iter()
            .filter(|span| span.as_of > as_of && span.end > start)
            .map(|span| span.start)
            .fold(as_of, Timestamp::min);
        let left = judged
            .iter()
            .copied()
            .find(|span| span.as_of <= as_of && span.start < start && start <= span.end);
        // A run that had not held for long enough at the older `as_of`, and so was not kept, is then whole in the
        // newer range: this is what the range is longer than 12 h for, by `for` and 5 m.
        let lead = (as_of - Window::TwelveHours.length()).since(start);
        Self {
            start,
            end,
            as_of,
            first_sample: judgement
                .gaps
                .first()
                .filter(|gap| gap.start <= start)
                .map_or(start, |gap| gap.end),
            staleness: judgement.staleness.min(STALENESS),
            left,
            left_overlaps: left.is_some_and(|left| left.as_of >= start + lead),
            right_overlaps: end < as_of && as_of >= end + lead,
        }
    }

    /// Whether a newer evaluation has judged the rest of the judged range.
    fn is_partial(&self) -> bool {
        self.end < self.as_of
    }
}
