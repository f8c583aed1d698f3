use std::time::Duration;

use crate::time::Timestamp;

/// How long a raw sample stands unless another follows: Prometheus' staleness. A sample of an expression stands for
/// one step.
pub const STALENESS: Duration = Duration::from_secs(5 * 60);

/// Whether the last sample, at `time`, stands at `as_of`.
pub(super) fn stands_at(time: Timestamp, staleness: Duration, as_of: Timestamp) -> bool {
    as_of.since(time) < staleness
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;

    #[test]
    fn a_sample_stands_for_less_than_the_staleness() {
        assert!(stands_at(at(0), STALENESS, at(299)));
        assert!(!stands_at(at(0), STALENESS, at(300)));
    }
}
