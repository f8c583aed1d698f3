use std::{str::FromStr, time::Duration};

use super::timeline::{ceiling, floor};
use crate::{
    events::{CountedRow, Counts, SLICE},
    sla::Given,
    time::{Span, SpanSet, Timestamp, seconds},
};

/// How long the steps of a history are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HistoryStep {
    /// A minute.
    Minute,
    /// 5 minutes.
    FiveMinutes,
    /// An hour.
    Hour,
    /// A day of UTC.
    Day,
}

/// A text that is not a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1m, 5m, 1h or 1d")]
pub struct UnknownStep;

/// What was counted in one step. Exclusions are not applied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistoryPoint {
    /// Where it begins, exclusive.
    pub start: Timestamp,
    /// Where it ends, inclusive.
    pub end: Timestamp,
    /// The good events, at most `total`.
    pub good: f64,
    /// All events.
    pub total: f64,
    /// The bad events, at most `total`.
    pub bad: f64,
    /// How long a counter stood, in whole minutes, seconds.
    pub measured: f64,
    /// How many good or bad events were cut off because there were more than `total`.
    pub clipped: f64,
    /// Grows whenever something of it changes after it was final.
    pub revision: u64,
    /// Whether nothing of it changes any more, unless it is replaced.
    pub is_final: bool,
}

impl HistoryStep {
    /// All of them, shortest first.
    pub const ALL: [Self; 4] = [Self::Minute, Self::FiveMinutes, Self::Hour, Self::Day];

    /// How long it is.
    pub fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Minute => 60,
            Self::FiveMinutes => 300,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        })
    }

    /// Its name: `1m`, `5m`, `1h`, `1d`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
            Self::Day => "1d",
        }
    }

    /// The start of the step that holds an instant, or begins there.
    pub fn start_at(self, time: Timestamp) -> Timestamp {
        floor(time, self.length())
    }

    /// The end of the step that holds an instant, or ends there.
    pub fn end_at(self, time: Timestamp) -> Timestamp {
        ceiling(time, self.length())
    }

    /// The shortest step that is no shorter than a row.
    pub fn holding(length: Duration) -> Self {
        let mut steps = Self::ALL.into_iter();
        steps
            .find(|step| step.length() >= length)
            .unwrap_or(Self::Day)
    }
}

impl FromStr for HistoryStep {
    type Err = UnknownStep;

    fn from_str(text: &str) -> Result<Self, UnknownStep> {
        let mut steps = Self::ALL.into_iter();
        steps.find(|step| step.name() == text).ok_or(UnknownStep)
    }
}

impl HistoryPoint {
    /// The time that final rows are of. Those of all events together say it for each group, which has no rows of the time in
    /// which it was not there.
    pub fn finals(rows: &[CountedRow]) -> SpanSet {
        let finals = rows.iter().filter(|row| row.is_final);
        finals.map(|row| row.span).collect()
    }

    /// The steps that have events or are measured, in order, of rows in order of time, none longer than a step. A step is
    /// final if each of its rows is and `finals` holds all of it: what is missing may still be counted.
    pub fn of_rows(
        rows: &[CountedRow],
        given: Given,
        step: HistoryStep,
        finals: &SpanSet,
    ) -> Vec<Self> {
        let in_one_step = |one: &CountedRow, other: &CountedRow| {
            step.end_at(one.span.end) == step.end_at(other.span.end)
        };
        let points = rows.chunk_by(in_one_step).filter_map(|rows| {
            let end = step.end_at(rows.first()?.span.end);
            let mut counts = Counts::default();
            for row in rows {
                counts += row.counts;
            }
            let reckoned = counts.reckon(given);
            let minutes = rows.iter().map(|row| row.measured_minutes).sum::<u32>();
            let span = Span {
                start: end - step.length(),
                end,
            };
            let is_whole = finals.length_within(span) == step.length();
            let has_events = reckoned.total > 0.0 || reckoned.clipped > 0.0;
            (minutes > 0 || has_events).then(|| Self {
                start: span.start,
                end,
                good: reckoned.good,
                total: reckoned.total,
                bad: reckoned.bad,
                measured: seconds(SLICE * minutes),
                clipped: reckoned.clipped,
                revision: rows.iter().map(|row| u64::from(row.revision)).sum(),
                is_final: is_whole && rows.iter().all(|row| row.is_final),
            })
        });
        points.collect()
    }
}
