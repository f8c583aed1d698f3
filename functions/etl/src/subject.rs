//! What a run looks at, and what started it.

use domain::Timestamp;

/// What a run looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The run's id.
    pub run: String,
    /// The instant.
    pub as_of: Timestamp,
}

/// What started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The schedule.
    Schedule,
    /// `POST /ETL`.
    Http,
    /// A direct invocation.
    Invoke,
}

impl Trigger {
    /// The word in the run's record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Http => "http",
            Self::Invoke => "invoke",
        }
    }
}
