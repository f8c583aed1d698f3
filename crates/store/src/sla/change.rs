use std::time::Duration;

use chrono::{NaiveDateTime, Utc};
use domain::{
    Timestamp,
    sla::{About, AnyObjective, EventsObjective, Origin},
};
use sqlx::{Connection, MySql, MySqlConnection, QueryBuilder, Transaction, types::Json};
use tokio::time::sleep;

use crate::{
    Store, StoreError,
    read::column_time,
    replay::{self, NewReplay},
};

/// What has to hold for a change to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// No SLA of that name is in force.
    Absent,
    /// Nothing.
    Any,
    /// One of these versions is in force; none given: whichever it is.
    InForce(Vec<u32>),
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The SLA is in force again or for the first time, as this version.
    Created(u32),
    /// This version is in force instead of the one before.
    Replaced(u32),
    /// This version was in force and is retired.
    Retired(u32),
    /// Nothing changed: an SLA of that name is in force, as this version.
    Taken(u32),
    /// Nothing changed: no SLA of that name is in force.
    Missing,
    /// Nothing changed: this version is in force, not the one meant.
    OtherVersion(u32),
}

/// What a version of an SLA is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct SlaVersion {
    /// The objectives, in the order given.
    pub objectives: Vec<AnyObjective>,
    /// What it is, for people.
    pub about: About,
    /// The document that it is imported from; `None`: that of the version in force, if that has one.
    pub origin: Option<Origin>,
}

/// A change that is asked for.
enum Wanted<'a> {
    /// The next version, and what is replayed once it is in force.
    Version(&'a SlaVersion, &'a [NewReplay]),
    /// That no version is in force.
    Retirement,
}

/// Changes at once may all find a name unused, or lock each other out: then all but one of them try again.
const ATTEMPTS: u32 = 10;
/// The longest pause after the first of them, in microseconds.
const LONGEST_PAUSE: u32 = 10_000;
const ROWS_AT_ONCE: usize = 512;

impl Store {
    /// Makes the next version of an SLA at `now`, if `condition` holds. Versions of a name go on where they ended.
    ///
    /// # Errors
    /// When the database is away. Then nothing changed, unless its answer was lost.
    pub async fn put_sla(
        &self,
        name: &str,
        objectives: &[impl Clone + Into<AnyObjective>],
        condition: &Condition,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        let version = SlaVersion {
            objectives: objectives.iter().cloned().map(Into::into).collect(),
            about: About::default(),
            origin: None,
        };
        self.put_version(name, &version, &[], condition, now).await
    }

    /// Makes the next version of an SLA at `now`, as [`put_sla`](Self::put_sla) does, with what it is for people and where it
    /// comes from, and starts `replays`, unless too many wait already.
    ///
    /// # Errors
    /// When the database is away. Then nothing changed, unless its answer was lost.
    pub async fn put_version(
        &self,
        name: &str,
        version: &SlaVersion,
        replays: &[NewReplay],
        condition: &Condition,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        let wanted = Wanted::Version(version, replays);
        self.change(name, &wanted, condition, now).await
    }

    /// Retires an SLA at `now`, if `condition` holds, and stops its replays. Its versions and what was found of them stay.
    ///
    /// # Errors
    /// When the database is away. Then nothing changed, unless its answer was lost.
    pub async fn retire_sla(
        &self,
        name: &str,
        condition: &Condition,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        self.change(name, &Wanted::Retirement, condition, now).await
    }

    /// Tries until nobody is in the way.
    async fn change(
        &self,
        name: &str,
        wanted: &Wanted<'_>,
        condition: &Condition,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        let mut attempts = 1;
        loop {
            let mut connection = self.pool().acquire().await?;
            let mut transaction = connection.begin().await?;
            let change = match wanted {
                Wanted::Version(version, replays) => {
                    let wanted = (*version, *replays);
                    put(&mut transaction, name, wanted, condition, now).await
                }
                Wanted::Retirement => retire(&mut transaction, name, condition, now).await,
            };
            match end(transaction, change).await {
                Err(error) if attempts < ATTEMPTS && is_collision(&error) => {
                    sleep(pause(attempts)).await;
                    attempts += 1;
                }
                Err(error) => {
                    self.pool().note_error(&mut connection, &error);
                    return Err(error.into());
                }
                Ok(change) => return Ok(change),
            }
        }
    }
}

/// A pause that grows, and is hardly ever that of others who are in the way.
fn pause(attempts: u32) -> Duration {
    let nanoseconds = Utc::now().timestamp_subsec_nanos();
    attempts * Duration::from_micros(u64::from(nanoseconds % LONGEST_PAUSE))
}

/// Ends the transaction of a change: nothing of one that was not made stays, not even a lock.
async fn end(
    transaction: Transaction<'_, MySql>,
    change: Result<Change, sqlx::Error>,
) -> Result<Change, sqlx::Error> {
    match change {
        Ok(Change::Created(_) | Change::Replaced(_) | Change::Retired(_)) => {
            transaction.commit().await?
        }
        _ => transaction.rollback().await?,
    }
    change
}

async fn retire(
    connection: &mut MySqlConnection,
    name: &str,
    condition: &Condition,
    now: Timestamp,
) -> Result<Change, sqlx::Error> {
    let newest = newest(connection, name).await?;
    if let Some(refusal) = refusal(newest, condition) {
        return Ok(refusal);
    }
    let Some(Newest {
        version,
        in_force: true,
    }) = newest
    else {
        return Ok(Change::Missing);
    };
    sqlx::query("UPDATE sla SET retired_at = ? WHERE name = ? AND version = ?")
        .bind(column_time(now))
        .bind(name)
        .bind(version)
        .execute(&mut *connection)
        .await?;
    replay::stop_all(connection, name, now).await?;
    Ok(Change::Retired(version))
}

async fn put(
    connection: &mut MySqlConnection,
    name: &str,
    (wanted, replays): (&SlaVersion, &[NewReplay]),
    condition: &Condition,
    now: Timestamp,
) -> Result<Change, sqlx::Error> {
    let SlaVersion {
        objectives,
        about,
        origin,
    } = wanted;
    let newest = newest(connection, name).await?;
    if let Some(refusal) = refusal(newest, condition) {
        return Ok(refusal);
    }
    let version = newest.map_or(1, |newest| newest.version + 1);
    let in_force = newest.filter(|newest| newest.in_force);
    // What was changed by hand is still the SLA that the document is about.
    let from = in_force.filter(|_| origin.is_none());
    let insert = match from {
        Some(_) => {
            "INSERT INTO sla (name, version, created_at, about, origin) \
             SELECT ?, ?, ?, ?, s.origin FROM sla s WHERE s.name = ? AND s.version = ?"
        }
        None => "INSERT INTO sla (name, version, created_at, about, origin) VALUES (?, ?, ?, ?, ?)",
    };
    let insert = sqlx::query(insert)
        .bind(name)
        .bind(version)
        .bind(column_time(now))
        .bind((*about != About::default()).then_some(Json(about)));
    let insert = match from {
        Some(newest) => insert.bind(name).bind(newest.version),
        None => insert.bind(origin.as_ref().map(Json)),
    };
    insert.execute(&mut *connection).await?;
    let mut rest = &objectives[..];
    while !rest.is_empty() {
        // Powers of two: so there are few different statements, and all of them stay prepared.
        let (rows, after) = rest.split_at(ROWS_AT_ONCE.min(1 << rest.len().ilog2()));
        let first = objectives.len() - rest.len();
        let mut insert = QueryBuilder::new(
            "INSERT INTO sla_objective (sla, version, position, objective, metric, document) ",
        );
        insert.push_values(rows.iter().enumerate(), |mut row, (position, objective)| {
            row.push_bind(name)
                .push_bind(version)
                .push_bind((first + position) as u32)
                .push_bind(objective.id().as_str())
                .push_bind(metric(name, objective))
                .push_bind(Json(objective));
        });
        insert.build().execute(&mut *connection).await?;
        rest = after;
    }
    for asked in replays {
        replay::insert(connection, name, asked, now).await?;
    }
    Ok(match newest {
        Some(Newest { in_force: true, .. }) => Change::Replaced(version),
        _ => Change::Created(version),
    })
}

/// The metric that an objective is about; that of one of events is its own bad share.
fn metric(sla: &str, objective: &AnyObjective) -> String {
    match objective {
        AnyObjective::Range(objective) => objective.metric.to_string(),
        AnyObjective::Events(EventsObjective { id, .. }) => format!("{sla}/{id}"),
    }
}

/// The newest version of a name.
#[derive(Clone, Copy)]
struct Newest {
    version: u32,
    in_force: bool,
}

/// Reads and locks it.
async fn newest(
    connection: &mut MySqlConnection,
    name: &str,
) -> Result<Option<Newest>, sqlx::Error> {
    let row: Option<(u32, Option<NaiveDateTime>)> = sqlx::query_as(
        "SELECT version, retired_at FROM sla WHERE name = ? ORDER BY version DESC LIMIT 1 FOR UPDATE",
    )
    .bind(name)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(version, retired_at)| Newest {
        version,
        in_force: retired_at.is_none(),
    }))
}

/// Why `condition` does not hold, if it does not.
fn refusal(newest: Option<Newest>, condition: &Condition) -> Option<Change> {
    let in_force = newest
        .filter(|newest| newest.in_force)
        .map(|newest| newest.version);
    match (condition, in_force) {
        (Condition::Absent, Some(version)) => Some(Change::Taken(version)),
        (Condition::InForce(_), None) => Some(Change::Missing),
        (Condition::InForce(meant), Some(version))
            if !meant.is_empty() && !meant.contains(&version) =>
        {
            Some(Change::OtherVersion(version))
        }
        _ => None,
    }
}

/// A version that somebody else made at the same time, a deadlock, or MariaDB's own form of the latter, or that of a group of
/// servers.
fn is_collision(error: &sqlx::Error) -> bool {
    let Some(refusal) = error.as_database_error() else {
        return false;
    };
    let number = refusal
        .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
        .map(|refusal| refusal.number());
    refusal.is_unique_violation() || matches!(number, Some(1213 | 1020 | 1180 | 3101))
}
