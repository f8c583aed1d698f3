//! What is left of an error budget of events, from the rows that are kept of what was counted: no counter is read again.
//!
//! A [`Timeline`] is what was counted of one group, exclusions taken out; [`EventsQuestion`] says which rows it needs,
//! [`EventsBudget`] is how it stands at one time, and [`HistoryPoint`]s are what it was step by step. A window of length L
//! is the slices that end in `(e - L, e]`, `e` being the newest end of a slice that is not after `as_of`. Everything is
//! added up before it is reckoned: `bad = max(0, total - good)`, and so on.

mod firings;
mod freeze;
mod history;
mod outlook;
mod question;
mod score;
mod statement;
#[cfg(test)]
mod tests;
mod timeline;

pub use firings::Firing;
pub use history::{HistoryPoint, HistoryStep};
pub use outlook::{EventsOutlook, Exhausted};
pub use question::EventsQuestion;
pub use score::BudgetProbability;
pub use statement::EventsBudget;
pub use timeline::Timeline;
