//! What forecasts are worth: those that wait for their score, and the scores summed up.

mod due;
pub(crate) mod hours;
mod quality;
mod recent;

pub use due::{DueForecast, DueProbability};
pub use quality::{ModelScores, ObjectiveScores, ProbabilityBin, ScoreSelection};
pub use recent::JudgedSeries;
