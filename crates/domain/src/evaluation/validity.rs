use std::time::Duration;

use crate::{series::Sample, time::Timestamp};

/// How long a raw sample stands unless another follows: Prometheus' staleness. A sample of an expression stands for
/// one step.
pub const STALENESS: Duration = Duration::from_secs(5 * 60);

/// For how long the samples of a series are valid.
#[derive(Clone, Copy, Debug)]
pub struct Validity<'a> {
    /// How long a sample stands unless another follows.
    pub staleness: Duration,
    /// The stale markers, oldest first.
    ///
    /// A marker ends the standing of the sample before it, unless another sample follows the marker within `staleness`.
    /// Before that time has passed it changes nothing, and it never changes a state.
    pub markers: &'a [Timestamp],
}

impl Validity<'_> {
    /// Where a sample at `time` stops standing, `next` being the time of the one that follows, as of `as_of`.
    #[inline]
    pub(super) fn end(
        &self,
        time: Timestamp,
        next: Option<Timestamp>,
        as_of: Timestamp,
    ) -> Timestamp {
        let unmarked = next.unwrap_or(as_of).min(time + self.staleness);
        if self.markers.is_empty() {
            return unmarked;
        }
        let place = self.markers.partition_point(|marker| *marker <= time);
        let Some(marker) = self.markers.get(place).filter(|it| **it < unmarked) else {
            return unmarked;
        };
        let patience = *marker + self.staleness;
        let is_final = match next {
            Some(next) => next > patience,
            None => as_of >= patience,
        };
        if is_final { *marker } else { unmarked }
    }

    /// Where each of the samples stops standing, none of which is after `as_of`.
    pub(super) fn ends(
        self,
        samples: &[Sample],
        as_of: Timestamp,
    ) -> impl Iterator<Item = Timestamp> {
        let next = samples.iter().skip(1).map(|next| Some(next.time));
        let next = next.chain(std::iter::once(None));
        let times = samples.iter().zip(next);
        times.map(move |(sample, next)| self.end(sample.time, next, as_of))
    }
}

impl From<Duration> for Validity<'_> {
    /// Without a marker.
    fn from(staleness: Duration) -> Self {
        Self {
            staleness,
            markers: &[],
        }
    }
}

/// Whether the last sample, at `time`, stands at `as_of`.
pub(super) fn stands_at(time: Timestamp, staleness: Duration, as_of: Timestamp) -> bool {
    as_of.since(time) < staleness
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;

    #[test]
    fn a_marker_ends_a_standing_once_no_sample_followed_it_for_the_staleness() {
        let markers = [at(20), at(1_000)];
        let validity = Validity {
            staleness: STALENESS,
            markers: &markers,
        };
        for (time, next, as_of, expected) in [
            // One failed scrape is no gap.
            (0, Some(40), 100, 40),
            (0, Some(320), 400, 300),
            // The next sample comes too late.
            (0, Some(321), 400, 20),
            // The marker may still be followed by one.
            (0, None, 10, 10),
            (0, None, 319, 300),
            (0, None, 320, 20),
            // It is not after the sample, or after its standing.
            (20, None, 400, 320),
            (20, None, 2_000, 320),
            (699, Some(1_500), 2_000, 999),
            (701, Some(1_500), 2_000, 1_000),
        ] {
            assert_eq!(
                validity.end(at(time), next.map(at), at(as_of)),
                at(expected),
                "{time} {next:?} {as_of}"
            );
        }
    }

    #[test]
    fn a_sample_stands_for_less_than_the_staleness() {
        assert!(stands_at(at(0), STALENESS, at(299)));
        assert!(!stands_at(at(0), STALENESS, at(300)));
    }
}
