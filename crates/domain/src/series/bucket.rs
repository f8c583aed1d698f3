//! What a series was like in 5 minutes or an hour.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{finding::finite, time::Timestamp};

/// The samples of `(end - length, end]`, summarised. Written as `[end, min, max, average, samples]`, the end in seconds since
/// the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Bucket {
    /// Where it ends, inclusive; whole seconds.
    pub end: Timestamp,
    /// The smallest value; `None` where it is infinite.
    pub min: Option<f64>,
    /// The greatest value; `None` where it is infinite.
    pub max: Option<f64>,
    /// The arithmetic mean; `None` where it is not finite.
    pub average: Option<f64>,
    /// How many samples there are, at least 1.
    pub samples: u64,
}

/// A [`Bucket`] as it is written.
type Written = (i64, Option<f64>, Option<f64>, Option<f64>, u64);

impl From<Bucket> for Written {
    fn from(bucket: Bucket) -> Self {
        let end = bucket.end.millis().div_euclid(1000);
        (end, bucket.min, bucket.max, bucket.average, bucket.samples)
    }
}

/// A bucket ends outside the years 0 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a bucket's end must be seconds since 1970 of a year up to 9999")]
pub struct InvalidBucket;

impl TryFrom<Written> for Bucket {
    type Error = InvalidBucket;

    fn try_from((end, min, max, average, samples): Written) -> Result<Self, InvalidBucket> {
        let end = Timestamp::from_millis(end.saturating_mul(1000)).ok_or(InvalidBucket)?;
        Ok(Self {
            end,
            min,
            max,
            average,
            samples,
        })
    }
}

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BucketLength {
    /// 5 minutes: what runs write.
    FiveMinutes,
    /// An hour: twelve of them, joined.
    Hour,
}

impl BucketLength {
    /// Both, the shorter first.
    pub const ALL: [Self; 2] = [Self::FiveMinutes, Self::Hour];

    /// Its seconds.
    pub fn seconds(self) -> u16 {
        match self {
            Self::FiveMinutes => 300,
            Self::Hour => 3_600,
        }
    }

    /// The time that it is.
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.seconds()))
    }

    /// The end of the bucket that holds `time`: buckets end at multiples of their length since the Unix epoch.
    pub fn end_of(self, time: Timestamp) -> Timestamp {
        time + self.rest(-time.millis())
    }

    /// The start of the bucket that begins at `time` or holds it.
    pub fn start_of(self, time: Timestamp) -> Timestamp {
        time - self.rest(time.millis())
    }

    /// What is left of so many milliseconds after whole lengths.
    fn rest(self, millis: i64) -> Duration {
        let length = i64::from(self.seconds()) * 1000;
        Duration::from_millis(millis.rem_euclid(length).unsigned_abs())
    }
}

impl Bucket {
    /// The bucket that ends at `end` and consists of these parts, in the order of time; `None` without one.
    pub fn joined(end: Timestamp, parts: &[Self]) -> Option<Self> {
        let samples = parts.iter().map(|part| part.samples).sum::<u64>();
        if samples == 0 {
            return None;
        }
        let known =
            |of: fn(&Self) -> Option<f64>| parts.iter().map(of).collect::<Option<Vec<f64>>>();
        let (min, max) = (known(|part| part.min), known(|part| part.max));
        let average = known(|part| part.average).and_then(|averages| {
            // Shifted by the first one, a great common offset costs no digit.
            let first = *averages.first()?;
            let shares = averages.iter().zip(parts);
            let shares = shares
                .map(|(average, part)| (average - first) * (part.samples as f64 / samples as f64));
            finite(first + shares.sum::<f64>())
        });
        Some(Self {
            end,
            min: min.map(|all| all.into_iter().fold(f64::INFINITY, f64::min)),
            max: max.map(|all| all.into_iter().fold(f64::NEG_INFINITY, f64::max)),
            average,
            samples,
        })
    }

    /// The hours that these buckets of 5 minutes make, in the order of time; `parts` are in that order.
    pub fn hours(parts: &[Self]) -> Vec<Self> {
        let hour = |part: &Self| BucketLength::Hour.end_of(part.end);
        let hours = parts.chunk_by(|one, other| hour(one) == hour(other));
        hours
            .filter_map(|parts| Self::joined(hour(parts.first()?), parts))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(end: &str, (min, max, average): (f64, f64, f64), samples: u64) -> Bucket {
        Bucket {
            end: end.parse().unwrap(),
            min: finite(min),
            max: finite(max),
            average: finite(average),
            samples,
        }
    }

    #[test]
    fn a_bucket_is_written_without_a_name() {
        let bucket = bucket("2026-11-23T08:45:00Z", (0.5, f64::INFINITY, 1.5), 20);
        let text = serde_json::to_string(&bucket).unwrap();
        assert_eq!(text, "[1795423500,0.5,null,1.5,20]");
        assert_eq!(serde_json::from_str::<Bucket>(&text).unwrap(), bucket);
    }

    #[test]
    fn an_hour_is_what_its_parts_are_together() {
        let parts = [
            bucket("2026-11-23T08:05:00Z", (1.0, 4.0, 2.0), 10),
            bucket("2026-11-23T09:00:00Z", (0.5, 2.0, 1.0), 30),
            bucket("2026-11-23T09:05:00Z", (7.0, 8.0, 7.5), 2),
            bucket(
                "2026-11-23T09:10:00Z",
                (7.0, f64::INFINITY, f64::INFINITY),
                2,
            ),
        ];
        assert_eq!(
            Bucket::hours(&parts),
            [
                bucket("2026-11-23T09:00:00Z", (0.5, 4.0, 1.25), 40),
                bucket("2026-11-23T10:00:00Z", (7.0, f64::NAN, f64::NAN), 4),
            ]
        );
        assert_eq!(Bucket::hours(&[]), []);
    }

    #[test]
    fn a_bucket_holds_its_end_and_not_its_start() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (time, end, start) in [
            (
                "2026-11-23T08:45:00Z",
                "2026-11-23T08:45:00Z",
                "2026-11-23T08:45:00Z",
            ),
            (
                "2026-11-23T08:45:00.001Z",
                "2026-11-23T08:50:00Z",
                "2026-11-23T08:45:00Z",
            ),
            (
                "2026-11-23T08:49:59Z",
                "2026-11-23T08:50:00Z",
                "2026-11-23T08:45:00Z",
            ),
        ] {
            assert_eq!(BucketLength::FiveMinutes.end_of(at(time)), at(end));
            assert_eq!(BucketLength::FiveMinutes.start_of(at(time)), at(start));
        }
    }
}
