//! Requests for a run that wait for one: whose turn it is answers all of them with one run.

use std::time::Duration;

use domain::Timestamp;
use sqlx::{MySql, QueryBuilder, pool::PoolConnection};

use crate::{Store, StoreError, read::column_time, sla::filled};

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRequest {
    /// Its number.
    pub id: u64,
    /// What is asked for, as it was put down.
    pub request: String,
}

/// The right to run for all that wait. One has it at a time; it ends when this is dropped, or the instance that has it
/// says nothing for `LONGEST_TURN`.
#[derive(Debug)]
pub struct RunTurn {
    connection: PoolConnection<MySql>,
}

/// Longer than any run.
const LONGEST_TURN: Duration = Duration::from_secs(150);
/// A request that waited for so long was given up by who made it.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Requests answered by one run at most.
const MOST_WAITING: u32 = 1_000;

impl Store {
    /// Puts a request down, and returns its number.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn ask_for_run(&self, request: &str, now: Timestamp) -> Result<u64, StoreError> {
        let made = sqlx::query("INSERT INTO run_request (asked_at, request) VALUES (?, ?)")
            .bind(column_time(now))
            .bind(request)
            .execute(self.pool())
            .await?;
        Ok(made.last_insert_id())
    }

    /// Waits for the turn to run; `None` if it does not come within `patience`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn run_turn(&self, patience: Duration) -> Result<Option<RunTurn>, StoreError> {
        let mut connection = self.pool().acquire().await?;
        // The lock ends with its connection.
        connection.close_on_drop();
        sqlx::query("SET SESSION wait_timeout = ?")
            .bind(LONGEST_TURN.as_secs())
            .execute(&mut *connection)
            .await?;
        // The name of such a lock is the server's, not the database's.
        let locked: Option<i64> = sqlx::query_scalar(
            "SELECT GET_LOCK(CONCAT('runs.', LEFT(SHA2(DATABASE(), 224), 48)), ?)",
        )
        .bind(patience.as_secs())
        .fetch_one(&mut *connection)
        .await?;
        Ok((locked == Some(1)).then_some(RunTurn { connection }))
    }
}

impl RunTurn {
    /// What another run answered this request with, if one did.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn answer(&mut self, id: u64) -> Result<Option<String>, StoreError> {
        let answer: Option<Option<String>> =
            sqlx::query_scalar("SELECT answer FROM run_request WHERE id = ?")
                .bind(id)
                .fetch_optional(&mut *self.connection)
                .await?;
        Ok(answer.flatten())
    }

    /// The requests that wait at `now`, the oldest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waiting(&mut self, now: Timestamp) -> Result<Vec<WaitingRequest>, StoreError> {
        let rows: Vec<(u64, String)> = sqlx::query_as(
            "SELECT id, request FROM run_request FORCE INDEX (by_time) \
             WHERE asked_at >= ? AND answer IS NULL ORDER BY asked_at, id LIMIT ?",
        )
        .bind(column_time(now - LONGEST_WAIT))
        .bind(MOST_WAITING)
        .fetch_all(&mut *self.connection)
        .await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|(id, request)| WaitingRequest { id, request })
            .collect())
    }

    /// Answers these requests.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn give(&mut self, ids: &[u64], answer: &str) -> Result<(), StoreError> {
        let mut query = QueryBuilder::<MySql>::new("UPDATE run_request SET answer = ");
        query.push_bind(answer).push(" WHERE id IN (");
        let mut list = query.separated(",");
        for id in filled(ids) {
            list.push_bind(*id);
        }
        query.push(")");
        query.build().execute(&mut *self.connection).await?;
        Ok(())
    }
}
