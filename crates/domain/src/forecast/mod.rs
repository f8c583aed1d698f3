//! What is said of the next 10 minutes of a series, and what it is compared with.

mod baseline;
mod choice;
mod parts;
mod prediction;
mod recent_scores;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use baseline::Baseline;
pub use parts::{ConfidenceIntervals, Interval, Model, PathExtreme, PathPoint};
pub use prediction::{Forecast, HORIZON};
pub use recent_scores::{MOST_RECENT, RecentScores};
