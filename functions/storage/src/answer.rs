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
