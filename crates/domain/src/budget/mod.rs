//! What is left of an objective's error budget, from what was stored of its evaluations: no sample is read again.
//!
//! With the window `W = (as_of - B, as_of]`, the exclusions `X` and the judged time `J` in `W` without `X`:
//! `miss` is the part of `J` in which no sample stands, `bad` the violation time in `J`. What `missing` says of the
//! objective makes of them the bad time `b` and the time `total` it is a share of:
//!
//! | `missing` | `b` | `total` |
//! |---|---|---|
//! | `excluded` | `bad` | `J - miss` |
//! | `good` | `bad` | `J` |
//! | `bad` | `bad + miss` | `J` |
//!
//! Then `sli = 1 - b / total`, the budget is `(1 - target)(B - |X in W|)`, without `miss` where that is excluded, and
//! what remains of it is the budget less `b`. Of a series that has ended `W` is the part in which it was there. Each instant is attributed to the version of the SLA that was in force then
//! ([`AttributedTime`]). Several series have the sums of all these seconds.

mod account;
mod alert;
mod attributed;
mod calculator;
mod events;
mod freeze;
mod statement;

pub use account::Account;
pub use alert::Alert;
pub use attributed::{AttributedTime, RecordedTime, Version, in_force};
pub use calculator::{BudgetCalculator, ObjectiveBudgets, RecordedVersions};
pub use events::{
    BudgetProbability, EventsBudget, EventsOutlook, EventsQuestion, Exhausted, Firing,
    HistoryPoint, HistoryStep, Timeline,
};
pub use statement::{Budget, Burn};
