//! Replays: time that is judged and counted after the fact.
//!
//! The sla function writes which are asked for and which are stopped, storage how far they came
//! ([`ReplayDocument`](domain::message::ReplayDocument)).

mod missing;
mod turn;

use domain::{
    Span, Timestamp,
    message::ReplayFailure,
    sla::{ObjectiveId, SlaName},
};
use sqlx::{MySqlConnection, Row, mysql::MySqlRow, types::Json};

use crate::{
    Store, StoreError,
    read::{column_time, parsed, read_time},
};

pub use missing::MissingMinutes;
pub use turn::{Pause, ReplayTurn};

/// A replay, as it is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct NewReplay {
    /// The time that is replayed, `(start, end]`.
    pub span: Span,
    /// These objectives alone; `None`: all.
    pub objectives: Option<Vec<ObjectiveId>>,
    /// Whether what is final or was judged is replaced.
    pub replace: bool,
}

/// A replay, and how far it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Unique among all replays.
    pub id: u64,
    /// The SLA.
    pub sla: SlaName,
    /// What was asked for.
    pub asked: NewReplay,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was stopped.
    pub stopped_at: Option<Timestamp>,
    /// What is left of it ends here: from the end of its time it falls to the start.
    pub done_until: Timestamp,
    /// What could not be read, at most 100 pieces of objectives or a few more.
    pub failures: Vec<ReplayFailure>,
}

impl Replay {
    /// Whether nothing is left of it.
    pub fn is_over(&self) -> bool {
        self.done_until <= self.asked.span.start
    }

    /// Whether it is about an objective.
    pub fn is_about(&self, sla: &SlaName, objective: &ObjectiveId) -> bool {
        let is_named = |ids: &Vec<ObjectiveId>| ids.contains(objective);
        self.sla == *sla && self.asked.objectives.as_ref().is_none_or(is_named)
    }
}

/// What came of asking for a replay.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplayOutcome {
    /// It waits.
    Created(Replay),
    /// So many of the SLA are not over, the most there may be.
    TooMany(u32),
}

/// Replays of an SLA that are not over.
const MOST: u32 = 100;
/// Replays that are listed, and that are worked off side by side.
const MOST_LISTED: u32 = 100;
/// Failures of a replay after which no more are kept.
const MOST_FAILURES: u32 = 100;

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT r.id, r.sla, r.`start`, r.`end`, r.objectives, r.replaces, r.created_at, r.stopped_at, r.done_until, \
             r.failures FROM replay r ",
            $rest
        )
    };
}

impl Store {
    /// Notes that a replay of an SLA is wanted.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn create_replay(
        &self,
        sla: &SlaName,
        asked: NewReplay,
        now: Timestamp,
    ) -> Result<ReplayOutcome, StoreError> {
        let mut connection = self.pool().acquire().await?;
        let id = insert(&mut connection, sla.as_str(), &asked, now).await;
        if let Err(error) = &id {
            self.pool().note_error(&mut connection, error);
        }
        let Some(id) = id? else {
            return Ok(ReplayOutcome::TooMany(MOST));
        };
        Ok(ReplayOutcome::Created(Replay {
            id,
            sla: sla.clone(),
            done_until: asked.span.end,
            asked,
            created_at: now,
            stopped_at: None,
            failures: Vec::new(),
        }))
    }

    /// The replays of an SLA, the newest first, at most 100.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn replays(&self, sla: &SlaName) -> Result<Vec<Replay>, StoreError> {
        let rows = sqlx::query(columns!("WHERE r.sla = ? ORDER BY r.id DESC LIMIT ?"))
            .bind(sla.as_str())
            .bind(MOST_LISTED)
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(read).collect()
    }

    /// Stops a replay at `now`, if it is not over or stopped already; `None` if the SLA has no such replay.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn stop_replay(
        &self,
        sla: &SlaName,
        id: u64,
        now: Timestamp,
    ) -> Result<Option<Replay>, StoreError> {
        let mut connection = self.pool().acquire().await?;
        sqlx::query(
            "UPDATE replay SET stopped_at = ? WHERE sla = ? AND id = ? AND stopped_at IS NULL AND done_until > `start`",
        )
        .bind(column_time(now))
        .bind(sla.as_str())
        .bind(id)
        .execute(&mut *connection)
        .await?;
        let row = sqlx::query(columns!("WHERE r.sla = ? AND r.id = ?"))
            .bind(sla.as_str())
            .bind(id)
            .fetch_optional(&mut *connection)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The replays of SLAs in force that are neither over nor stopped, those first of which the newest time is left, at most
    /// 100.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waiting_replays(&self) -> Result<Vec<Replay>, StoreError> {
        let rows = sqlx::query(columns!(
            "WHERE r.stopped_at IS NULL AND r.done_until > r.`start` AND EXISTS (SELECT 1 FROM sla s \
             WHERE s.name = r.sla AND s.retired_at IS NULL AND s.version = \
             (SELECT MAX(v.version) FROM sla v WHERE v.name = r.sla)) ORDER BY r.done_until DESC, r.id LIMIT ?"
        ))
        .bind(MOST_LISTED)
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(read).collect()
    }

    /// Where what is left of these replays ends.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn newest_left(&self, ids: &[u64]) -> Result<Option<Timestamp>, StoreError> {
        let mut newest = None;
        for id in ids {
            let left: Option<chrono::NaiveDateTime> =
                sqlx::query_scalar("SELECT done_until FROM replay WHERE id = ?")
                    .bind(id)
                    .fetch_optional(self.pool())
                    .await?;
            newest = newest.max(left.map(read_time));
        }
        Ok(newest)
    }
}

/// Stores that a replay is wanted. `None`: too many of the SLA are not over.
pub(crate) async fn insert(
    connection: &mut MySqlConnection,
    sla: &str,
    asked: &NewReplay,
    now: Timestamp,
) -> Result<Option<u64>, sqlx::Error> {
    let waiting: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM replay WHERE sla = ? AND stopped_at IS NULL AND done_until > `start`",
    )
    .bind(sla)
    .fetch_one(&mut *connection)
    .await?;
    if waiting >= i64::from(MOST) {
        return Ok(None);
    }
    let done = sqlx::query(
        "INSERT INTO replay (sla, `start`, `end`, objectives, replaces, created_at, done_until, failures) \
         VALUES (?, ?, ?, ?, ?, ?, ?, '[]')",
    )
    .bind(sla)
    .bind(column_time(asked.span.start))
    .bind(column_time(asked.span.end))
    .bind(asked.objectives.as_ref().map(Json))
    .bind(asked.replace)
    .bind(column_time(now))
    .bind(column_time(asked.span.end))
    .execute(connection)
    .await?;
    Ok(Some(done.last_insert_id()))
}

/// Stops all replays of an SLA that are not over.
pub(crate) async fn stop_all(
    connection: &mut MySqlConnection,
    sla: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE replay SET stopped_at = ? WHERE sla = ? AND stopped_at IS NULL AND done_until > `start`",
    )
    .bind(column_time(now))
    .bind(sla)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes how far a replay came. What was noted before changes nothing.
pub(crate) async fn note(
    connection: &mut MySqlConnection,
    progress: &domain::message::ReplayProgress,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE replay SET failures = IF(JSON_LENGTH(failures) < ?, JSON_MERGE_PRESERVE(failures, ?), failures), \
         done_until = ? WHERE id = ? AND done_until > ?",
    )
    .bind(MOST_FAILURES)
    .bind(serde_json::to_string(&progress.failures).map_err(crate::read::unexpected)?)
    .bind(column_time(progress.done_until))
    .bind(progress.id)
    .bind(column_time(progress.done_until))
    .execute(connection)
    .await?;
    Ok(())
}

fn read(row: &MySqlRow) -> Result<Replay, StoreError> {
    let objectives: Option<Json<Vec<ObjectiveId>>> = row.try_get("objectives")?;
    let Json(failures) = row.try_get("failures")?;
    let stopped_at: Option<chrono::NaiveDateTime> = row.try_get("stopped_at")?;
    Ok(Replay {
        id: row.try_get("id")?,
        sla: parsed(row, "sla")?,
        asked: NewReplay {
            span: Span {
                start: read_time(row.try_get("start")?),
                end: read_time(row.try_get("end")?),
            },
            objectives: objectives.map(|Json(objectives)| objectives),
            replace: row.try_get("replaces")?,
        },
        created_at: read_time(row.try_get("created_at")?),
        stopped_at: stopped_at.map(read_time),
        done_until: read_time(row.try_get("done_until")?),
        failures,
    })
}
