//! `history`: of a bucket that several runs wrote, what the newest `as_of` says stays, in whatever order they come.

use std::collections::BTreeMap;

use domain::{Bucket, BucketLength, SeriesId, Timestamp};
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
        let Document::History(document) = entry.document else {
            continue;
        };
        for bucket in &document.buckets {
            let row = BucketRow {
                series: document.series,
                length: BucketLength::FiveMinutes,
                bucket: *bucket,
                as_of: document.as_of,
            };
            let earlier: Option<&BucketRow> = rows.get(&row.key());
            if earlier.is_none_or(|earlier| earlier.as_of <= row.as_of) {
                rows.insert(row.key(), row);
            }
        }
    }
    upsert(connection, rows.into_values().collect()).await
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
