use std::cmp::Ordering;

use domain::{
    SeriesId,
    evaluation::{ObjectiveState, worst_first},
};

use crate::pipeline::StoredEvaluation;

/// [`ViolationsDocument::settle`](domain::message::ViolationsDocument::settle) as an expression: the state of a row `v` of
/// an evaluation `e`.
pub(super) const STATE: &str = "CASE WHEN v.silent_since IS NULL OR e.ended_until IS NULL THEN v.state \
    WHEN v.silent_state = 'ok' OR v.silent_since <= e.ended_until THEN 'ended' ELSE v.silent_state END";

/// Which entries of an objective are the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worst {
    /// Those in the worst state, of these those longest in violation in the last 12 h.
    State,
    /// Those most likely to violate next, of these those in the worst state.
    Probability,
}

impl Worst {
    /// The entries, worst first. That no series matches is told only where none does: a run repeated later may have found
    /// one.
    pub fn first(self, mut entries: Vec<StoredEvaluation>) -> Vec<StoredEvaluation> {
        if entries.iter().any(|entry| entry.document.series.is_some()) {
            entries.retain(|entry| entry.document.series.is_some());
        }
        entries.sort_by(|one, other| {
            self.compare(one, other)
                .then_with(|| id(one).cmp(&id(other)))
        });
        entries
    }

    /// The same as `ORDER BY` of rows `v` of evaluations `e`, for where there are too many to read.
    pub(super) fn sql(self) -> String {
        let state = format!("FIELD({STATE}, 'ended', 'ok', 'pending', 'no_data', 'firing') DESC");
        match self {
            Self::State => {
                format!("{state}, JSON_VALUE(v.document, '$.windows.\"12h\".seconds') + 0 DESC")
            }
            // Nothing is to come of a series that has ended.
            Self::Probability => format!(
                "IF({STATE} = 'ended', NULL, JSON_VALUE(v.document, '$.outlook.probability') + 0) DESC, {state}"
            ),
        }
    }

    fn compare(self, one: &StoredEvaluation, other: &StoredEvaluation) -> Ordering {
        let by_state = worst_first(state(one), state(other));
        match self {
            Self::State => by_state,
            Self::Probability => probability(other)
                .total_cmp(&probability(one))
                .then(by_state),
        }
    }
}

fn id(entry: &StoredEvaluation) -> Option<SeriesId> {
    entry.document.series.as_ref().map(|series| series.series)
}

fn state(entry: &StoredEvaluation) -> (ObjectiveState, f64) {
    let seconds = entry
        .document
        .windows
        .map_or(0.0, |windows| windows.twelve_hours.seconds);
    (entry.document.state, seconds)
}

fn probability(entry: &StoredEvaluation) -> f64 {
    entry.document.outlook.probability().unwrap_or(-1.0)
}
