//! Bringing a database to the newest schema, one statement after the other.

use std::time::{Duration, Instant};

use config::DatabaseConfig;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use super::{
    BUILT_FOR, SchemaMismatch,
    first::{self, Unversioned},
    steps::{STEPS, Statement, Step, TABLES, statements},
    version::{SchemaVersion, number},
};
use crate::{StoreError, connections::connect_alone, tls::options};

/// How far a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Prepared {
    /// Its schema version; 0 while the tables of an empty database are being made.
    pub version: u32,
    /// Whether nothing is left to do. Otherwise ask again.
    pub done: bool,
}

/// The connection that changes tables. Who waits for a table that others use gives up and is asked again: all others
/// that want the table wait behind it.
const SESSION: &str = "SET sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
    ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', \
    lock_wait_timeout = 5, innodb_lock_wait_timeout = 5, NAMES utf8mb4";
/// Seconds to wait for another connection that prepares the same database.
const LOCK_WAIT: u32 = 5;

/// Works for about `time` on the schema of the database that `url` names.
///
/// Creates the database if there is none, makes the tables of an empty one, and takes an older one towards the newest
/// version. One caller does so at a time; another waits for a few seconds and learns how far the database is.
///
/// A database that is newer than this program, and still works with it, is left as it is.
///
/// # Errors
/// When the URL names no database, the server is away or refuses, the database is too new for this program or its
/// tables are unknown.
pub async fn prepare(url: &str, time: Duration) -> Result<Prepared, StoreError> {
    prepare_at(&DatabaseConfig::at(url), time).await
}

/// The same with certificates of one's own to trust.
///
/// # Errors
/// As [`prepare`].
pub async fn prepare_at(config: &DatabaseConfig, time: Duration) -> Result<Prepared, StoreError> {
    let end = Instant::now() + time;
    run(config, || Instant::now() < end).await
}

/// Executes at most `count` statements: what a preparation leaves that is interrupted.
///
/// # Errors
/// As [`prepare`].
#[cfg(feature = "testing")]
pub async fn prepare_in_part(url: &str, count: usize) -> Result<Prepared, StoreError> {
    let mut left = count;
    run(&DatabaseConfig::at(url), || {
        let goes_on = left > 0;
        left = left.saturating_sub(1);
        goes_on
    })
    .await
}

/// Brings the database that `url` names to the newest schema, however long that takes.
///
/// # Errors
/// As [`prepare`].
pub async fn load(url: &str) -> Result<(), StoreError> {
    while !prepare(url, Duration::from_secs(60)).await?.done {}
    Ok(())
}

async fn run(
    config: &DatabaseConfig,
    mut may_go_on: impl FnMut() -> bool,
) -> Result<Prepared, StoreError> {
    let mut connection = connect(config).await?;
    connection.execute(SESSION).await?;
    // Released with the connection.
    let locked: Option<i64> = sqlx::query_scalar(
        "SELECT GET_LOCK(CONCAT('slacast schema ', LEFT(SHA2(DATABASE(), 256), 32)), ?)",
    )
    .bind(LOCK_WAIT)
    .fetch_one(&mut connection)
    .await?;
    let prepared = if locked == Some(1) {
        advance(&mut connection, &mut may_go_on).await
    } else {
        found(&mut connection).await.map(|found| Prepared {
            version: found.version,
            done: false,
        })
    };
    connection.close().await?;
    prepared
}

async fn connect(config: &DatabaseConfig) -> Result<MySqlConnection, StoreError> {
    let options = options(config)?;
    let name = options.get_database().ok_or(StoreError::Url)?;
    Ok(match connect_alone(&options).await {
        Err(error) if number(&error) == Some(UNKNOWN_DATABASE) => {
            create(&options.clone().database(""), name).await?;
            connect_alone(&options).await?
        }
        connected => connected?,
    })
}

const UNKNOWN_DATABASE: u16 = 1049;

/// Creating comes second: a user who may not create databases may still own one.
async fn create(options: &sqlx::mysql::MySqlConnectOptions, name: &str) -> Result<(), StoreError> {
    let mut server = connect_alone(options).await?;
    // A name cannot be bound; the only character that could end it is doubled.
    let name = name.replace('`', "``");
    let statement = format!("CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4");
    server
        .execute(sqlx::raw_sql(AssertSqlSafe(statement)))
        .await?;
    server.close().await?;
    Ok(())
}

async fn advance(
    connection: &mut MySqlConnection,
    may_go_on: &mut impl FnMut() -> bool,
) -> Result<Prepared, StoreError> {
    let mut version = found(connection).await?.version;
    let prepared = |version| Prepared {
        version,
        done: version >= BUILT_FOR,
    };
    if version == 0 {
        if !execute_all(connection, TABLES, may_go_on).await? {
            return Ok(prepared(0));
        }
        version = BUILT_FOR;
    }
    for step in STEPS.iter().filter(|step| step.version > version) {
        if !execute_all(connection, step.sql, may_go_on).await? {
            return Ok(prepared(step.version - 1));
        }
        record(connection, step).await?;
    }
    Ok(prepared(version.max(BUILT_FOR)))
}

/// The version of a database that this program may work on.
async fn found(connection: &mut MySqlConnection) -> Result<SchemaVersion, StoreError> {
    let empty = SchemaVersion {
        version: 0,
        works_from: 0,
    };
    let found = match SchemaVersion::read(connection).await? {
        Some(found) => found,
        None => match first::look(connection).await? {
            Unversioned::Empty => empty,
            Unversioned::First => SchemaVersion::FIRST,
            Unversioned::Unknown(why) => {
                let database: Vec<u8> = sqlx::query_scalar("SELECT CAST(DATABASE() AS BINARY)")
                    .fetch_one(connection)
                    .await?;
                let database = String::from_utf8_lossy(&database).into_owned();
                return Err(SchemaMismatch::Unknown { database, why }.into());
            }
        },
    };
    match found.admits(BUILT_FOR) {
        Ok(()) | Err(SchemaMismatch::Older { .. }) => Ok(found),
        Err(mismatch) => Err(mismatch.into()),
    }
}

/// Executes the statements of a file. Returns whether all are done.
async fn execute_all(
    connection: &mut MySqlConnection,
    file: &'static str,
    may_go_on: &mut impl FnMut() -> bool,
) -> Result<bool, StoreError> {
    for statement in statements(file) {
        loop {
            if !may_go_on() {
                return Ok(false);
            }
            match execute(connection, statement).await {
                Ok(0) => break,
                Ok(_) => {}
                // Others use the table: they go first.
                Err(StoreError::Conflict(_)) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(true)
}

/// Executes a statement once. Returns how many rows are perhaps left.
async fn execute(
    connection: &mut MySqlConnection,
    statement: Statement,
) -> Result<u64, StoreError> {
    match connection.execute(sqlx::raw_sql(statement.sql)).await {
        Ok(done) if statement.repeats => Ok(done.rows_affected()),
        Ok(_) => Ok(0),
        Err(error) if number(&error).is_some_and(|number| DONE.contains(&number)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// A column or key that is to be added is there, or one that is to be dropped is not: the statement has been executed.
const DONE: [u16; 3] = [1060, 1061, 1091];

async fn record(connection: &mut MySqlConnection, step: &Step) -> Result<(), StoreError> {
    let mut transaction = connection.begin().await?;
    transaction.execute("DELETE FROM schema_version").await?;
    sqlx::query("INSERT INTO schema_version (version, works_from) VALUES (?, ?)")
        .bind(step.version)
        .bind(step.works_from)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}
