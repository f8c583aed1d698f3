use serde::{Deserialize, Serialize};

use crate::{
    series::{Bucket, SeriesId},
    time::Timestamp,
};

/// `slacast.history.v1`: what one series was like of late, 5 minutes by 5 minutes. Its metric and labels are in the other
/// messages about it.
///
/// A bucket depends on the samples in it alone: every run that reads them says the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryDocument {
    /// The series' id.
    pub series: SeriesId,
    /// When the run looked.
    pub as_of: Timestamp,
    /// The buckets that end in `(as_of - 15m, as_of - 1m]` and have a sample, in the order of time, at least one.
    pub buckets: Vec<Bucket>,
}
