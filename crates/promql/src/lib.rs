//! PromQL, as far as it has to be understood here: what is a plain selector, which metric names a query may show, and
//! which counters a sum of events counts, and what a reader asks of the API that is like
//! Prometheus'.
//!
//! The grammar is promql-parser's. What it does not know is left to the server, where a server is asked.

mod bounds;
mod contradiction;
mod events;
mod query;
mod reading;

pub use events::{EventsShare, EventsSum, Guard, InvalidSum, templates, with_a_window};
pub use query::{MatchOperator, Matcher, NAME, Query, Selected, Selector, label_name, selected};
pub use reading::{Asked, At, Reading, Unreadable};

#[cfg(test)]
mod tests;
