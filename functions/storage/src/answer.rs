use aws::{Measurement, Unit};
use serde::Serialize;

/// What became of a batch: every record that was delivered is stored or set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// How many records the batch had.
    pub records: usize,
    /// How many of them are stored.
    pub stored: usize,
    /// How many of them are in `dead_letter`.
    pub dead_lettered: usize,
}

impl Answer {
    /// What is measured of a batch; its `lag` is the time since the newest `as_of` in it, in seconds.
    pub(crate) fn measurements(&self, lag: Option<f64>) -> Vec<Measurement> {
        let count = |name, count| Measurement {
            name,
            unit: Unit::Count,
            value: count as f64,
        };
        let mut measurements = vec![
            count("StoredRecords", self.stored),
            count("DeadLetters", self.dead_lettered),
        ];
        measurements.extend(lag.map(|seconds| Measurement {
            name: "StorageLag",
            unit: Unit::Seconds,
            value: seconds,
        }));
        measurements
    }
}
