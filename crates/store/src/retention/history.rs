//! What series were like: buckets of 5 minutes become hours once they are older than they are kept, and hours go in the end.
//!
//! An hour is joined from its parts in the transaction that deletes them. Parts of an hour that come after that replace what is
//! there if they have as many samples.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use domain::{Bucket, BucketLength, Timestamp};
use sqlx::{Connection, MySqlConnection, Row as _};

use super::{Budget, Cutoffs, hour_of};
use crate::{
    StoreError,
    pipeline::history::BucketRow,
    pipeline::upsert::upsert,
    read::{column_time, history::bucket, read_time},
};

/// Parts that are looked at by one statement.
const AT_ONCE: u32 = 2_000;
/// Hours that go by one statement.
const HOURS_AT_ONCE: u64 = 2_000;

pub(super) async fn purge(
    connection: &mut MySqlConnection,
    cutoffs: &Cutoffs,
    budget: &mut Budget,
) -> Result<(), StoreError> {
    while !budget.is_spent() {
        let hours = old_hours(connection, hour_of(cutoffs.buckets)).await?;
        if hours.is_empty() {
            break;
        }
        for (series, end) in hours {
            if budget.is_spent() {
                return Ok(());
            }
            budget.delete(join(connection, &series, end).await?);
        }
    }
    while !budget.is_spent() {
        let most = budget.left().min(HOURS_AT_ONCE);
        let done = sqlx::query(
            "DELETE FROM history WHERE step = ? AND `end` <= ? ORDER BY step, `end` LIMIT ?",
        )
        .bind(BucketLength::Hour.seconds())
        .bind(cutoffs.hours)
        .bind(most)
        .execute(&mut *connection)
        .await?;
        budget.delete(done.rows_affected());
        if done.rows_affected() < most {
            break;
        }
    }
    Ok(())
}

/// The oldest hours that end at or before `before` and have parts, each with its series.
async fn old_hours(
    connection: &mut MySqlConnection,
    before: NaiveDateTime,
) -> Result<Vec<(Vec<u8>, Timestamp)>, StoreError> {
    let rows: Vec<(Vec<u8>, NaiveDateTime)> = sqlx::query_as(
        "SELECT series_id, `end` FROM history FORCE INDEX (by_age) WHERE step = ? AND `end` <= ? \
         ORDER BY `end`, series_id LIMIT ?",
    )
    .bind(BucketLength::FiveMinutes.seconds())
    .bind(before)
    .bind(AT_ONCE)
    .fetch_all(connection)
    .await?;
    let mut hours: Vec<(Vec<u8>, Timestamp)> = rows
        .into_iter()
        .map(|(series, end)| (series, BucketLength::Hour.end_of(read_time(end))))
        .collect();
    hours.sort();
    hours.dedup();
    Ok(hours)
}

/// Joins the parts of an hour and deletes them; returns how many there were.
async fn join(
    connection: &mut MySqlConnection,
    series: &[u8],
    end: Timestamp,
) -> Result<u64, StoreError> {
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        .execute(&mut *connection)
        .await?;
    let mut transaction = connection.begin().await?;
    let rows = sqlx::query(
        "SELECT series_id, step, `end`, `min`, `max`, average, samples, as_of FROM history \
         WHERE series_id = ? AND step IN (?, ?) AND `end` > ? AND `end` <= ? ORDER BY step, `end` FOR UPDATE",
    )
    .bind(series)
    .bind(BucketLength::FiveMinutes.seconds())
    .bind(BucketLength::Hour.seconds())
    .bind(column_time(end - BucketLength::Hour.duration()))
    .bind(column_time(end))
    .fetch_all(&mut *transaction)
    .await?;
    let mut by_length = BTreeMap::<u16, Vec<Bucket>>::new();
    let mut newest = Timestamp::EPOCH;
    for row in &rows {
        let step: u16 = row.try_get("step")?;
        by_length.entry(step).or_default().push(bucket(row)?);
        newest = newest.max(read_time(row.try_get("as_of")?));
    }
    let parts = by_length.remove(&BucketLength::FiveMinutes.seconds());
    let parts = parts.unwrap_or_default();
    let there = by_length.remove(&BucketLength::Hour.seconds());
    let there = there.and_then(|hours| hours.first().map(|hour| hour.samples));
    if let Some(hour) = Bucket::joined(end, &parts)
        && there.is_none_or(|samples| samples <= hour.samples)
        && let Ok(series) = <[u8; 16]>::try_from(series)
    {
        let row = BucketRow {
            series: series.into(),
            length: BucketLength::Hour,
            bucket: hour,
            as_of: newest,
        };
        upsert(&mut transaction, vec![row]).await?;
    }
    let done = sqlx::query(
        "DELETE FROM history WHERE series_id = ? AND step = ? AND `end` > ? AND `end` <= ?",
    )
    .bind(series)
    .bind(BucketLength::FiveMinutes.seconds())
    .bind(column_time(end - BucketLength::Hour.duration()))
    .bind(column_time(end))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(done.rows_affected())
}
