use std::time::Duration;

use super::{
    HistoryStep,
    timeline::{ceiling, floor, slice_length},
};
use crate::{
    budget::alert::{burn_windows, pairs},
    events::SLICE,
    sla::{EventsObjective, Method, SliceLength},
    time::{Span, SpanSet, Timestamp},
};

/// Which rows a budget needs: what is asked of the store.
#[derive(Clone, Debug, PartialEq)]
pub struct EventsQuestion {
    /// The slices that end in `(start, end]`.
    pub asked: Span,
    /// Where rows of a minute are wanted: at the edges of windows and where time is excluded.
    pub fine: SpanSet,
    /// Where the method looks at slices: how long they are.
    pub slices: Option<SliceLength>,
}

const DAY: Duration = Duration::from_secs(86_400);

impl EventsQuestion {
    /// What the budgets of `objective` at each of `times`, in order, need. `excluded`: the exclusions of the objective.
    pub fn of(objective: &EventsObjective, times: &[Timestamp], excluded: &SpanSet) -> Self {
        Self::at(objective, times, excluded, true)
    }

    /// The same for what is left of the budgets alone, without burns and alerts.
    pub fn of_shares(objective: &EventsObjective, times: &[Timestamp], excluded: &SpanSet) -> Self {
        Self::at(objective, times, excluded, false)
    }

    fn at(
        objective: &EventsObjective,
        times: &[Timestamp],
        excluded: &SpanSet,
        with_burns: bool,
    ) -> Self {
        let slice = slice_length(objective);
        let (mut start, mut end) = (Timestamp::MAX, Timestamp::EPOCH);
        let mut edges = Vec::new();
        for as_of in times {
            let newest = floor(*as_of, slice);
            let period = objective.budget_window.period(*as_of);
            let begins = match period.end {
                None => newest - period.length,
                Some(_) => period.start,
            };
            if with_burns {
                let pairs = pairs(objective.alerts.as_deref(), period.length);
                let windows = burn_windows(&pairs, period.length).into_iter();
                edges.extend(windows.map(|window| newest - window));
                // Whether a group has ended is asked of its last day, however short the windows are.
                edges.push(newest - DAY);
            }
            edges.extend([begins, newest]);
            // Whether anything is measured is asked of the newest minutes, also of a slice that is not over.
            (start, end) = (start.min(begins), end.max(floor(*as_of, SLICE)));
        }
        // The windows of the oldest time reach back the furthest.
        start = edges.iter().copied().min().unwrap_or(end).min(start);
        // A slice that ends in a window is of it as a whole.
        start = floor(start, slice);
        Self::new(objective, Span { start, end }, edges, excluded)
    }

    /// The slices that touch a span, each on its own.
    pub fn of_slices(objective: &EventsObjective, span: Span) -> Self {
        let slice = slice_length(objective);
        let asked = Span {
            start: floor(span.start, slice),
            end: ceiling(span.end, slice),
        };
        Self {
            asked,
            fine: SpanSet::from(asked),
            slices: (objective.method != Method::Occurrences).then_some(objective.slice),
        }
    }

    /// What a history of the slices that end in `(asked.start, asked.end]` needs: no row is longer than a step.
    pub fn of_history(asked: Span, step: HistoryStep) -> Self {
        let fine = match step {
            HistoryStep::Minute => SpanSet::from(asked),
            // One instant keeps the rows apart that it falls into: what is left of them is no longer than a step.
            HistoryStep::FiveMinutes => instants(asked, HistoryStep::Hour.length()),
            HistoryStep::Hour => instants(asked, DAY),
            HistoryStep::Day => SpanSet::default(),
        };
        Self {
            asked,
            fine,
            slices: None,
        }
    }

    /// The rows of `asked`, finer at `edges` and where time is excluded.
    fn new(
        objective: &EventsObjective,
        asked: Span,
        edges: Vec<Timestamp>,
        excluded: &SpanSet,
    ) -> Self {
        let slice = slice_length(objective);
        let into_a_day = |edge: &Timestamp| floor(*edge, DAY) != *edge;
        let at_edges = edges.into_iter().filter(into_a_day).map(instant);
        let left_out = excluded.spans().iter();
        let left_out = left_out.filter(|span| span.start < asked.end && span.end > asked.start);
        // The slice after an exclusion reaches back into it.
        let left_out = left_out.map(|span| Span {
            start: floor(span.start, slice),
            end: ceiling(span.end, slice) + slice,
        });
        Self {
            asked,
            fine: at_edges.chain(left_out).collect(),
            slices: (objective.method != Method::Occurrences).then_some(objective.slice),
        }
    }

    /// The same, with minutes also in `wanted`, from where that begins on; `None` if they were asked for already.
    pub fn finer(&self, wanted: &[Span]) -> Option<Self> {
        let wanted: SpanSet = wanted.iter().copied().collect();
        let is_new = !wanted.difference(&self.fine).is_empty();
        let earliest = wanted.spans().first().map(|span| span.start);
        is_new.then(|| Self {
            asked: Span {
                start: earliest.map_or(self.asked.start, |start| start.min(self.asked.start)),
                ..self.asked
            },
            fine: self.fine.union(&wanted),
            slices: self.slices,
        })
    }
}

/// An instant at each multiple of a length in a span.
fn instants(span: Span, length: Duration) -> SpanSet {
    let mut spans = Vec::new();
    let mut time = floor(span.start, length);
    while time < span.end {
        spans.push(instant(time));
        time = time + length;
    }
    spans.into_iter().collect()
}

/// No row of several minutes reaches over this instant.
pub(super) fn instant(time: Timestamp) -> Span {
    Span {
        start: time,
        end: time + Duration::from_millis(1),
    }
}
