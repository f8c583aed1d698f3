//! What a run looks at, and what started it.

use domain::Timestamp;
pub use domain::message::Trigger;

/// What a run looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The run's id.
    pub run: String,
    /// The instant.
    pub as_of: Timestamp,
}
