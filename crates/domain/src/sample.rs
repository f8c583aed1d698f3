use crate::Timestamp;

/// One value of a series at one time. Never NaN once it has been read; infinities are values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When the value was observed.
    pub time: Timestamp,
    /// The value, in the metric's unit.
    pub value: f64,
}
