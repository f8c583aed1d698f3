//! What a series was like of late, for the record of it that is kept.

use std::time::Duration;

use domain::{
    Bucket, BucketLength, Sample, SeriesId, Span, Timestamp, evaluation::within, finite,
    message::HistoryDocument,
};
use series::summary::summarize;

/// A run writes the buckets that end so long before it, or less: samples that come late change what is known of them.
const REACH: Duration = Duration::from_secs(15 * 60);
/// A bucket is written once it ended so long ago, or longer: by then its last samples are there.
const SETTLES: Duration = Duration::from_secs(60);

/// What a run at `as_of` writes of a series; `None` where no bucket has a sample.
pub(crate) fn written(
    series: SeriesId,
    samples: &[Sample],
    as_of: Timestamp,
) -> Option<HistoryDocument> {
    let ended = Span {
        start: as_of - REACH,
        end: as_of - SETTLES,
    };
    let buckets = buckets(samples, ended);
    (!buckets.is_empty()).then_some(HistoryDocument {
        series,
        as_of,
        buckets,
    })
}

/// The buckets that end in `ended`, its start left out, and have a sample, in the order of time.
pub(crate) fn buckets(samples: &[Sample], ended: Span) -> Vec<Bucket> {
    let length = BucketLength::FiveMinutes;
    let mut buckets = Vec::new();
    let mut end = length.start_of(ended.start) + length.duration();
    while end <= ended.end {
        buckets.extend(bucket(samples, end));
        end = end + length.duration();
    }
    buckets
}

fn bucket(samples: &[Sample], end: Timestamp) -> Option<Bucket> {
    let span = Span {
        start: end - BucketLength::FiveMinutes.duration(),
        end,
    };
    let values: Vec<f64> = within(samples, span)
        .iter()
        .map(|sample| sample.value)
        .collect();
    let summary = summarize(&values)?;
    Some(Bucket {
        end,
        min: finite(summary.min),
        max: finite(summary.max),
        average: finite(summary.average),
        samples: summary.samples as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// One a minute, whose value is the minute of the hour.
    fn samples() -> Vec<Sample> {
        let minutes = 0..60_u32;
        let samples = minutes.map(|minute| Sample {
            time: at("2026-11-23T08:00:00Z") + Duration::from_secs(u64::from(60 * minute)),
            value: f64::from(minute),
        });
        samples.collect()
    }

    fn ends(as_of: &str) -> Vec<String> {
        let id = "0".repeat(32).parse().unwrap();
        let document = written(id, &samples(), at(as_of));
        let buckets = document
            .map(|document| document.buckets)
            .unwrap_or_default();
        buckets
            .iter()
            .map(|bucket| bucket.end.to_string())
            .collect()
    }

    #[test]
    fn a_run_writes_the_buckets_of_15_minutes_that_are_over_for_a_minute() {
        for (as_of, expected) in [
            (
                "2026-11-23T08:45:00Z",
                &["2026-11-23T08:35:00Z", "2026-11-23T08:40:00Z"][..],
            ),
            (
                "2026-11-23T08:46:00Z",
                &[
                    "2026-11-23T08:35:00Z",
                    "2026-11-23T08:40:00Z",
                    "2026-11-23T08:45:00Z",
                ],
            ),
            (
                "2026-11-23T08:45:59Z",
                &["2026-11-23T08:35:00Z", "2026-11-23T08:40:00Z"],
            ),
            ("2026-11-23T11:00:00Z", &[]),
        ] {
            assert_eq!(ends(as_of), expected, "{as_of}");
        }
    }

    #[test]
    fn a_bucket_holds_the_samples_after_its_start_up_to_its_end() {
        let id = "0".repeat(32).parse().unwrap();
        let document = written(id, &samples(), at("2026-11-23T08:46:00Z")).unwrap();
        assert_eq!(
            serde_json::to_string(&document).unwrap(),
            r#"{"series":"00000000000000000000000000000000","as_of":"2026-11-23T08:46:00Z","buckets":[[1795422900,31.0,35.0,33.0,5],[1795423200,36.0,40.0,38.0,5],[1795423500,41.0,45.0,43.0,5]]}"#
        );
    }
}
