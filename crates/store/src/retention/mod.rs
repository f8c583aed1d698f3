//! How long rows are kept, and their end.
//!
//! The rows of every run are kept for some days, then those of the first run in each hour; the long arrays for an hour;
//! episodes, gaps, exclusions and what was judged for as long as the longest budget window looks back, which costs little:
//! what touches is merged, so that a series has a row of each break and not of each run. Scores have a row of each run,
//! and go after a month. Rows go in bounded batches, so that a purge never holds up storing for long. Slices of events and
//! what series were like (`history`) have terms of their own.

mod budget;
mod expired;
mod history;
mod series;
mod slices;
mod violations;

use std::time::{Duration, Instant};

use chrono::{NaiveDateTime, Timelike};
use domain::Timestamp;
use sqlx::MySqlConnection;

use crate::{
    Store, StoreError,
    read::column_time,
    score::{hours, outcomes, recent},
    slices::roll_up,
};
use budget::Budget;

/// How long rows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The rows of every run; after that one run's an hour.
    pub every_run: Duration,
    /// Everything; episodes, gaps, exclusions and judged time for at least 400 days, scores for at least 32.
    pub everything: Duration,
    /// What series were like, 5 minutes by 5 minutes; after that by the hour.
    pub buckets: Duration,
    /// What series were like by the hour.
    pub hours: Duration,
}

/// What one purge did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// How many rows were deleted.
    pub rows: u64,
    /// Whether nothing is left to purge or to sum up.
    pub done: bool,
}

/// How long slices are added up before a purge, scores summed up after it, and probabilities of budgets scored then.
const SUMMING_UP: Duration = Duration::from_millis(300);
const LONG_ARRAYS: Duration = Duration::from_secs(3600);
/// How long scores are kept.
const SCORES_KEPT: Duration = Duration::from_secs(32 * 86_400);
/// How long slices of 5 minutes are kept.
const FIVE_MINUTES_KEPT: Duration = Duration::from_secs(40 * 86_400);
/// How long what budgets are reckoned from is kept: slices of an hour and of a day, finer ones where exclusions cut them,
/// episodes, gaps, judged time and exclusions. The longest budget window is a year.
const SUMS_KEPT: Duration = Duration::from_secs(400 * 86_400);

impl Store {
    /// Adds up slices of hours and days that are over at `now`, deletes about `most_rows` rows that are older than they are
    /// kept, then sums up scores of hours that are over and scores probabilities of budgets whose time is. While another
    /// instance is at it: nothing.
    ///
    /// # Errors
    /// When the database is away or busy. What was deleted until then stays deleted.
    pub async fn purge(
        &self,
        now: Timestamp,
        limits: Limits,
        most_rows: u64,
    ) -> Result<Purged, StoreError> {
        self.purge_until(now, limits, most_rows, None).await
    }

    /// The same, which ends at `end` whatever is left.
    ///
    /// # Errors
    /// As [`Store::purge`].
    pub async fn purge_until(
        &self,
        now: Timestamp,
        limits: Limits,
        most_rows: u64,
        end: Option<Instant>,
    ) -> Result<Purged, StoreError> {
        let mut connection = self.pool().acquire().await?;
        // The name of such a lock is the server's, not the database's.
        let locked: Option<i64> =
            sqlx::query_scalar("SELECT GET_LOCK(CONCAT('slacast.', SHA2(DATABASE(), 224)), 0)")
                .fetch_one(&mut *connection)
                .await?;
        if locked != Some(1) {
            return Ok(Purged::default());
        }
        let purged = async {
            let budget = Budget::new(most_rows, end);
            // First, because minutes go once they are added up.
            let added_up = roll_up::advance(&mut connection, now, SUMMING_UP).await?;
            let mut purged = purge(&mut connection, &Cutoffs::at(now, limits), budget).await?;
            purged.done &= added_up;
            purged.done &= hours::advance(&mut connection, now, SUMMING_UP).await?;
            if end.is_none_or(|end| Instant::now() < end) {
                purged.done &= outcomes::advance(self, &mut connection, now, SUMMING_UP).await?;
            }
            Ok(purged)
        }
        .await;
        sqlx::query("DO RELEASE_LOCK(CONCAT('slacast.', SHA2(DATABASE(), 224)))")
            .execute(&mut *connection)
            .await?;
        self.pool().note_outcome(&mut connection, &purged);
        purged
    }
}

async fn purge(
    connection: &mut MySqlConnection,
    cutoffs: &Cutoffs,
    mut budget: Budget,
) -> Result<Purged, StoreError> {
    expired::purge(connection, cutoffs, &mut budget).await?;
    violations::thin(connection, cutoffs, &mut budget).await?;
    slices::purge(connection, cutoffs, &mut budget).await?;
    history::purge(connection, cutoffs, &mut budget).await?;
    // Last, because a series goes once nothing of it is left.
    series::thin(connection, cutoffs, &mut budget).await?;
    Ok(Purged {
        rows: budget.deleted(),
        done: !budget.is_spent(),
    })
}

/// Up to when rows go.
#[derive(Clone, Copy, Debug)]
struct Cutoffs {
    /// Rows before it are down to one run an hour. A full hour.
    thinned: NaiveDateTime,
    /// Rows before it go.
    everything: NaiveDateTime,
    /// Long arrays before it go.
    long_arrays: NaiveDateTime,
    /// Rows of the newest scores of series that have none after it go.
    recent: NaiveDateTime,
    /// Scores of forecasts before it go.
    scores: NaiveDateTime,
    /// Episodes, gaps, exclusions and judged time that end before it go.
    history: NaiveDateTime,
    /// Slices of a minute that end before it go.
    minutes: NaiveDateTime,
    /// Slices of 5 minutes that end before it go.
    five_minutes: NaiveDateTime,
    /// All other slices that end before it, and groups that were counted last before it, go.
    sums: NaiveDateTime,
    /// Buckets of 5 minutes that end before it become hours.
    buckets: NaiveDateTime,
    /// Buckets of an hour that end before it go.
    hours: NaiveDateTime,
}

impl Cutoffs {
    fn at(now: Timestamp, limits: Limits) -> Self {
        Self {
            thinned: hour_of(column_time(now - limits.every_run)),
            everything: column_time(now - limits.everything),
            long_arrays: column_time(now - LONG_ARRAYS),
            recent: column_time(now - recent::KEPT),
            scores: column_time(now - limits.everything.max(SCORES_KEPT)),
            history: column_time(now - limits.everything.max(SUMS_KEPT)),
            minutes: column_time(now - roll_up::MINUTES_KEPT),
            five_minutes: column_time(now - FIVE_MINUTES_KEPT),
            sums: column_time(now - SUMS_KEPT),
            buckets: column_time(now - limits.buckets),
            hours: column_time(now - limits.hours),
        }
    }
}

/// The start of the hour that `time` is in.
pub(crate) fn hour_of(time: NaiveDateTime) -> NaiveDateTime {
    let seconds = u64::from(time.minute() * 60 + time.second());
    let into_the_hour =
        Duration::from_secs(seconds) + Duration::from_nanos(u64::from(time.nanosecond()));
    time - into_the_hour
}

/// The start of the hour after the one that `time` is in.
pub(crate) fn hour_after(time: NaiveDateTime) -> NaiveDateTime {
    hour_of(time) + Duration::from_secs(3600)
}
