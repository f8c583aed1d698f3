//! `history`: of a bucket that several runs wrote, what the newest `as_of` says stays, in whatever order they come.

use std::collections::BTreeMap;

use domain::{Bucket, BucketLength, SeriesId, Timestamp, message::Replayed};
use sqlx::{Arguments, MySqlConnection, error::BoxDynError, mysql::MySqlArguments};

use super::{
    document::{Document, Entry},
    upsert::{Row, upsert},
};
use crate::{StoreError, read::column_time};

pub(super) async fn write(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    let mut rows = BTreeMap::new();
    for entry in entries {
        for (series, bucket, as_of) in buckets(entry.document) {
            let row = BucketRow {
                series,
                length: BucketLength::FiveMinutes,
                bucket,
                as_of,
            };
            let earlier: Option<&BucketRow> = rows.get(&row.key());
            if earlier.is_none_or(|earlier| earlier.as_of <= row.as_of) {
                rows.insert(row.key(), row);
            }
        }
    }
    upsert(connection, rows.into_values().collect()).await
}

/// The buckets that a run or a replay says, each with its series and its `as_of`.
fn buckets(about: &Document) -> Vec<(SeriesId, Bucket, Timestamp)> {
    match about {
        Document::History(document) => {
            let (series, as_of) = (document.series, document.as_of);
            let buckets = document.buckets.iter();
            buckets.map(|bucket| (series, *bucket, as_of)).collect()
        }
        Document::Replay(document) => {
            let buckets = match &document.found {
                Replayed::Judged(piece) => &piece.buckets,
                Replayed::Described(piece) => &piece.buckets,
                Replayed::Counted(_) | Replayed::Done(_) => return Vec::new(),
            };
            let Some(of) = about.series() else {
                return Vec::new();
            };
            let stamped = buckets.iter();
            let stamped = stamped.map(|bucket| (of.series, *bucket, document.as_of(bucket)));
            stamped.collect()
        }
        _ => Vec::new(),
    }
}

/// A bucket of a series.
#[derive(Debug)]
pub(crate) struct BucketRow {
    pub(crate) series: SeriesId,
    pub(crate) length: BucketLength,
    pub(crate) bucket: Bucket,
    /// The run that says so.
    pub(crate) as_of: Timestamp,
}

impl Row for BucketRow {
    const INTO: &'static str = "INSERT INTO history \
        (series_id, step, `end`, samples, `min`, `max`, average, as_of) VALUES";
    const COLUMNS: usize = 8;
    // Assignments see those before them.
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE \
        samples = IF(VALUES(as_of) >= as_of, VALUES(samples), samples), \
        `min` = IF(VALUES(as_of) >= as_of, VALUES(`min`), `min`), \
        `max` = IF(VALUES(as_of) >= as_of, VALUES(`max`), `max`), \
        average = IF(VALUES(as_of) >= as_of, VALUES(average), average), \
        as_of = GREATEST(as_of, VALUES(as_of))";
    type Key = (SeriesId, BucketLength, Timestamp);

    fn key(&self) -> Self::Key {
        (self.series, self.length, self.bucket.end)
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.series.bytes().as_slice())?;
        arguments.add(self.length.seconds())?;
        arguments.add(column_time(self.bucket.end))?;
        arguments.add(self.bucket.samples)?;
        arguments.add(self.bucket.min)?;
        arguments.add(self.bucket.max)?;
        arguments.add(self.bucket.average)?;
        arguments.add(column_time(self.as_of))
    }
}
