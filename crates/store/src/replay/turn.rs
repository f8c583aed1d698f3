//! Whose turn it is to work off a piece, and whether anybody may.

use std::time::Duration;

use domain::{Timestamp, message::Failure};
use serde::Deserialize;
use sqlx::{MySql, Row, pool::PoolConnection, types::Json};

use crate::{Store, StoreError, read::read_time};

/// The right to work off a piece. It ends when this is dropped, with the session.
#[derive(Debug)]
pub struct ReplayTurn {
    _connection: PoolConnection<MySql>,
}

/// Why no piece is worked off now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The newest run is older than it should be: runs come first.
    RunIsLate,
    /// Prometheus was too busy for the newest run.
    PrometheusIsBusy,
}

/// The longest invocation there is.
const LONGEST_TURN: Duration = Duration::from_secs(900);
/// The word for a metric that Prometheus was too busy for.
const BUSY: &str = "busy";

impl Store {
    /// Waits for the turn to work off a piece of a replay; `None` if it does not come within `patience`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn replay_turn(&self, patience: Duration) -> Result<Option<ReplayTurn>, StoreError> {
        let mut connection = self.pool().acquire().await?;
        // The lock ends with its connection.
        connection.close_on_drop();
        sqlx::query("SET SESSION wait_timeout = ?")
            .bind(LONGEST_TURN.as_secs())
            .execute(&mut *connection)
            .await?;
        // The name of such a lock is the server's, not the database's.
        let locked: Option<i64> = sqlx::query_scalar(
            "SELECT GET_LOCK(CONCAT('replay.', LEFT(SHA2(DATABASE(), 224), 48)), ?)",
        )
        .bind(patience.as_secs())
        .fetch_one(&mut *connection)
        .await?;
        Ok((locked == Some(1)).then_some(ReplayTurn {
            _connection: connection,
        }))
    }

    /// Why no piece may be worked off at `now`, as far as the newest run says: `late` is how old one is that is late.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn replay_pause(
        &self,
        now: Timestamp,
        late: Duration,
    ) -> Result<Option<Pause>, StoreError> {
        #[derive(Deserialize)]
        struct Failed {
            failures: Vec<Failure>,
        }
        let row = sqlx::query("SELECT as_of, document FROM run ORDER BY as_of DESC LIMIT 1")
            .fetch_optional(self.pool())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let as_of = read_time(row.try_get("as_of")?);
        let Json(Failed { failures }) = row.try_get("document")?;
        Ok(if now.since(as_of) > late {
            Some(Pause::RunIsLate)
        } else if failures.iter().any(|failure| failure.reason == BUSY) {
            Some(Pause::PrometheusIsBusy)
        } else {
            None
        })
    }
}
