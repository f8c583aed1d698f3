//! The SLA set: its versions, what was found of them, and the time taken out.

mod change;
mod evaluation;
mod exclusions;
mod history;
mod judged;
mod known;
mod newest;
mod rows;
mod stored_episodes;
mod versions;
mod violations;
mod worst;

pub use change::{Change, Condition, SlaVersion};
pub use evaluation::{Asked, EvaluatedEvents, EvaluatedObjective, Evaluation};
pub(crate) use exclusions::excluded;
pub use exclusions::{ExclusionOutcome, ExclusionPage};
pub use history::{SeriesHistory, Since, ViolationSpans};
pub use judged::{JudgedRow, JudgedRows};
pub use known::KnownSeries;
pub use rows::{EvaluatedRow, EvaluatedRows, SeriesStanding};
pub use versions::{SlaPage, StoredSla};
pub use violations::{ViolationKey, ViolationRow};
pub use worst::Worst;

/// The items, the last one again and again up to a power of two: so there are few different statements, and all of them
/// stay prepared.
pub(crate) fn filled<T>(items: &[T]) -> impl Iterator<Item = &T> {
    let length = if items.is_empty() {
        0
    } else {
        items.len().next_power_of_two()
    };
    items
        .iter()
        .chain(items.last().into_iter().cycle())
        .take(length)
}
