//! What series were like, bucket by bucket.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use domain::{Bucket, BucketLength, SeriesId, Timestamp};
use sqlx::{MySql, MySqlConnection, QueryBuilder, Row, mysql::MySqlRow};

use super::{column_time, read_time};
use crate::{Store, StoreError, sla::filled};

impl Store {
    /// The buckets of a series that end in `(from, to]`, in the order of time, the first `limit` of them.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn buckets(
        &self,
        series: SeriesId,
        length: BucketLength,
        (from, to): (Timestamp, Timestamp),
        limit: usize,
    ) -> Result<Vec<Bucket>, StoreError> {
        let mut connection = self.pool().acquire().await?;
        let stored = |length, limit| Stored {
            series,
            length,
            from,
            to,
            limit,
        };
        let mut found = stored(length, limit).read(&mut connection).await?;
        if length == BucketLength::Hour {
            // Of hours that are not joined yet the parts are there.
            let parts = stored(BucketLength::FiveMinutes, NO_LIMIT);
            let parts = parts.read(&mut connection).await?;
            let mut hours: BTreeMap<Timestamp, Bucket> =
                found.into_iter().map(|hour| (hour.end, hour)).collect();
            for hour in Bucket::hours(&parts) {
                let kept = hours.entry(hour.end).or_insert(hour);
                if kept.samples <= hour.samples {
                    *kept = hour;
                }
            }
            found = hours.into_values().take(limit).collect();
        }
        Ok(found)
    }
}

impl Store {
    /// The buckets of these series that end in `(from, to]`, as they are stored: of each series in the order of time, an hour
    /// where its parts are no longer kept. `None` if there are more than `most`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn stored_buckets(
        &self,
        series: &[SeriesId],
        (from, to): (Timestamp, Timestamp),
        most: usize,
    ) -> Result<Option<BTreeMap<SeriesId, Vec<(BucketLength, Bucket)>>>, StoreError> {
        let mut found = BTreeMap::<SeriesId, Vec<(BucketLength, Bucket)>>::new();
        let mut count = 0;
        for series in series.chunks(SERIES_AT_ONCE) {
            for length in BucketLength::ALL {
                let mut query = QueryBuilder::<MySql>::new(
                    "SELECT series_id, `end`, `min`, `max`, average, samples FROM history FORCE INDEX (PRIMARY) \
                     WHERE series_id IN (",
                );
                let mut list = query.separated(", ");
                for id in filled(series) {
                    list.push_bind(id.bytes().to_vec());
                }
                query
                    .push(") AND step = ")
                    .push_bind(length.seconds())
                    .push(" AND `end` > ")
                    .push_bind(column_time(from))
                    .push(" AND `end` <= ")
                    .push_bind(column_time(to))
                    .push(" LIMIT ")
                    .push_bind((most - count + 1) as u64);
                let rows = query.build().fetch_all(self.pool()).await?;
                count += rows.len();
                if count > most {
                    return Ok(None);
                }
                for row in &rows {
                    let id: Vec<u8> = row.try_get("series_id")?;
                    if let Ok(id) = <[u8; 16]>::try_from(id) {
                        let own = found.entry(id.into()).or_default();
                        own.push((length, bucket(row)?));
                    }
                }
            }
        }
        for own in found.values_mut() {
            // Parts say more than the hour that they end with.
            own.sort_by_key(|(length, bucket)| (bucket.end, std::cmp::Reverse(*length)));
        }
        Ok(Some(found))
    }
}

const SERIES_AT_ONCE: usize = 256;
/// More than any series has.
const NO_LIMIT: usize = 1_000_000;

/// Rows of one series and length.
struct Stored {
    series: SeriesId,
    length: BucketLength,
    from: Timestamp,
    to: Timestamp,
    limit: usize,
}

impl Stored {
    async fn read(&self, connection: &mut MySqlConnection) -> Result<Vec<Bucket>, StoreError> {
        let rows = sqlx::query(
            "SELECT `end`, `min`, `max`, average, samples FROM history FORCE INDEX (PRIMARY) \
             WHERE series_id = ? AND step = ? AND `end` > ? AND `end` <= ? ORDER BY `end` LIMIT ?",
        )
        .bind(self.series.bytes().as_slice())
        .bind(self.length.seconds())
        .bind(column_time(self.from))
        .bind(column_time(self.to))
        .bind(self.limit as u64)
        .fetch_all(connection)
        .await?;
        rows.iter().map(bucket).collect()
    }
}

/// The bucket of a row.
pub(crate) fn bucket(row: &MySqlRow) -> Result<Bucket, StoreError> {
    Ok(Bucket {
        end: read_time(row.try_get::<NaiveDateTime, _>("end")?),
        min: row.try_get("min")?,
        max: row.try_get("max")?,
        average: row.try_get("average")?,
        samples: u64::from(row.try_get::<u32, _>("samples")?),
    })
}
