//! What forecasts are worth: those that wait for their score, and the scores summed up.

mod due;
pub(crate) mod hours;
pub(crate) mod newest;
pub(crate) mod outcomes;
mod quality;
pub(crate) mod recent;

pub use due::{DueForecast, DueProbability};
pub use quality::{
    BudgetScores, ModelScores, ObjectiveScores, ProbabilityBin, ScoreSelection, ScoredWhen,
};
pub use recent::JudgedSeries;
