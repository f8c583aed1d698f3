//! What forecasts are worth: those that wait for their score, and the scores summed up.

mod due;
pub(crate) mod hours;
pub(crate) mod newest;
mod quality;
pub(crate) mod recent;

pub use due::{DueForecast, DueProbability};
pub use quality::{ModelScores, ObjectiveScores, ProbabilityBin, ScoreSelection};
pub use recent::JudgedSeries;
