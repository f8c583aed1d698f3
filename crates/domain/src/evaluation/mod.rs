//! What an objective's samples mean: states, violations, gaps, what is to come, and what is kept of them.
//!
//! Everything follows from the time a sample **stands**: `[t, min(t_next, t + staleness, as_of))`. Samples are
//! [`clean`]ed once, an objective is judged on the part of them that [`read_range`] names ([`evaluate`]), a forecast
//! continues that judgement ([`Judgement::outlook`]), and [`History`] joins the judgements of many runs.

mod base_rate;
mod episode;
mod exclusion;
mod history;
mod judgement;
mod outcome;
mod outlook;
mod reading;
mod recommendation;
mod runs;
mod span;
mod standing;
mod state;
#[cfg(test)]
mod tests;
mod windows;

pub use base_rate::base_rate;
pub use episode::{Episode, Side};
pub use exclusion::{CountsLeft, WindowsLeft};
pub use history::{Changes, History, JudgedSpan};
pub use judgement::{Judgement, evaluate};
pub use outcome::outcome;
pub use outlook::{Continuation, HORIZON, Path, PredictedValues, ViolationOutlook};
pub use reading::{clean, read_range, within};
pub use recommendation::{Recommendation, recommend};
pub use span::Span;
pub(crate) use span::seconds;
pub use standing::{STALENESS, coverage};
pub use state::{ObjectiveState, worst_first};
pub use windows::{WindowCounts, Windows};

use crate::sla::Objective;

/// The side of its range that `value` is on; `None` in range, the bounds included.
#[inline]
fn side_of(objective: &Objective, value: f64) -> Option<Side> {
    if objective.min.is_some_and(|min| value < min) {
        Some(Side::Below)
    } else if objective.max.is_some_and(|max| value > max) {
        Some(Side::Above)
    } else {
        None
    }
}
