//! What an objective's samples mean: states, violations, gaps, what is to come, and what is kept of them.
//!
//! Everything follows from the time a sample **stands**: `[t, min(t_next, t + staleness, as_of))`. Samples are
//! [`clean`]ed once, an objective is judged on the part of them that [`read_range`] names ([`evaluate`]), a forecast
//! continues that judgement ([`Judgement::outlook`]), and [`History`] joins the judgements of many runs.

mod base_rate;
mod coverage;
mod episode;
mod evaluated;
mod excluded;
mod forecast_risk;
mod history;
mod judgement;
mod outcome;
mod outlook;
mod reading;
mod recent_probabilities;
mod recommendation;
mod replay;
mod rule;
mod runs;
mod silence;
mod state;
#[cfg(test)]
mod tests;
mod validity;
mod windows;

pub use base_rate::base_rate;
pub use coverage::coverage;
pub use episode::{Episode, Side};
pub use evaluated::Evaluated;
pub use excluded::{CountsLeft, WindowsLeft};
pub use forecast_risk::{Continuation, Path};
pub use history::{Changes, History, JudgedSpan};
pub use judgement::{Judgement, evaluate};
pub use outcome::outcome;
pub use outlook::{ForecastRisk, Outlook, PredictedValues};
pub use reading::{clean, read_range, within};
pub use recent_probabilities::RecentProbabilities;
pub use recommendation::{Recommendation, recommend};
pub use replay::replayed_at;
pub use silence::{Silence, Stood};
pub use state::{ObjectiveState, worst_first};
pub use validity::{STALENESS, Validity};
pub use windows::{WindowCounts, WindowCoverage, Windows};
