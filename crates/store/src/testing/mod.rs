//! For tests: a database of their own on the server that `DATABASE_URL` names, and documents to fill it.

mod documents;
mod events;
mod plans;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
    time::SystemTime,
};

use config::DatabaseConfig;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, MySqlPool, mysql::MySqlConnectOptions};

pub use documents::{Documents, recorded};
pub use events::CountedEvents;
pub use plans::CrowdedDatabase;

use crate::{
    Store, StoreError, connect, pipeline::Document, read::column_time, schema, tls::options,
};

/// A database with the tables of `database.sql`, dropped when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    server: MySqlConnectOptions,
    name: String,
    url: String,
    store: Store,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl TestDatabase {
    /// Makes a database.
    ///
    /// # Panics
    /// When `DATABASE_URL` is not set, or the server does not do what it is asked.
    pub async fn create() -> Self {
        let database = Self::without_tables();
        schema::load(database.url())
            .await
            .expect("DATABASE_URL names a server where databases can be made");
        database
    }

    /// The URL of a database that does not exist yet.
    ///
    /// # Panics
    /// When `DATABASE_URL` is not set.
    pub fn without_tables() -> Self {
        let given = std::env::var("DATABASE_URL")
            .expect("DATABASE_URL is not set: `cargo local test` provides a server");
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let name = format!(
            "test_{}_{}_{}",
            since_epoch.map_or(0, |since| since.as_millis()),
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed),
        );
        let (path, query) = given
            .split_once('?')
            .map_or((given.as_str(), String::new()), |(path, query)| {
                (path, format!("?{query}"))
            });
        let (server, _) = path
            .rsplit_once('/')
            .expect("DATABASE_URL names no database");
        let url = format!("{server}/{name}{query}");
        Self {
            server: options(&DatabaseConfig::at(&given)).expect("DATABASE_URL is a MySQL URL"),
            store: connect(&url).expect("DATABASE_URL is a MySQL URL"),
            name,
            url,
        }
    }

    /// Makes the database, without tables.
    ///
    /// # Panics
    /// When the server does not do what it is asked.
    pub async fn create_empty(&self) {
        let mut server = MySqlConnection::connect_with(&self.server)
            .await
            .expect("DATABASE_URL names a server");
        let statement = format!("CREATE DATABASE `{}` CHARACTER SET utf8mb4", self.name);
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut server)
            .await
            .expect("DATABASE_URL names a server where databases can be made");
    }

    /// Says that its schema is of a later release, version 99, with which this program does not work. Returns the sentence
    /// that says so.
    ///
    /// # Panics
    /// When the database is away.
    pub async fn outgrow_this_program(&self) -> String {
        sqlx::raw_sql("UPDATE schema_version SET version = 99, works_from = 98")
            .execute(self.pool())
            .await
            .expect("the database answers");
        format!(
            "the database has schema version 99, which works with programs built for version 98 or later, \
             but this program is built for version {}: deploy a newer release",
            schema::BUILT_FOR
        )
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A store on it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Connections to it.
    pub fn pool(&self) -> &MySqlPool {
        self.store.pool().unchecked()
    }

    /// Empties every table but `schema_version`.
    ///
    /// # Panics
    /// When the database is away.
    pub async fn clear(&self) {
        for table in self.contents().await.into_keys() {
            sqlx::raw_sql(AssertSqlSafe(format!("DELETE FROM `{table}`")))
                .execute(self.pool())
                .await
                .expect("the database answers");
        }
    }

    /// Has a stored document as JSON, as programs of schema versions before 13 store it.
    ///
    /// # Panics
    /// When it is neither metadata nor a prediction, or the database is away.
    pub async fn store_as_json(&self, document: &Document) {
        let (table, short, arrays) = match document {
            Document::Metadata(document) => {
                let mut short = document.clone();
                let arrays = short.take_arrays();
                let arrays = arrays.map(|arrays| serde_json::to_string(&arrays));
                ("metadata", serde_json::to_string(&short), arrays)
            }
            Document::Prediction(document) => {
                let mut short = document.clone();
                let arrays = short.take_arrays();
                let arrays = arrays.map(|arrays| serde_json::to_string(&arrays));
                ("prediction", serde_json::to_string(&short), arrays)
            }
            document => panic!("{document:?} is never packed"),
        };
        let series = document
            .series()
            .expect("it is about one")
            .series
            .to_string();
        let as_of = column_time(document.as_of());
        let update = |table: &str, condition: &str| {
            let statement = format!(
                "UPDATE {table} SET document = ?, packed = NULL WHERE series_id = ? AND as_of = ? {condition}"
            );
            sqlx::query(AssertSqlSafe(statement))
        };
        let condition = format!("AND kind = '{table}'");
        let arrays = arrays.unwrap_or_else(|| Ok("null".to_owned()));
        for (query, json) in [
            (update(table, ""), short),
            (update("long_arrays", &condition), arrays),
        ] {
            query
                .bind(json.expect("JSON"))
                .bind(&series)
                .bind(as_of)
                .execute(self.pool())
                .await
                .expect("the database answers");
        }
    }

    /// How many rows a table has.
    ///
    /// # Panics
    /// When there is no such table.
    pub async fn count(&self, table: &'static str) -> u64 {
        let count: i64 =
            sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM `{table}`")))
                .fetch_one(self.pool())
                .await
                .expect("the table is there");
        count.unsigned_abs()
    }

    /// Every row of every table as text, sorted, by table. Tables without rows and `schema_version` are left out.
    ///
    /// # Panics
    /// When the database is away.
    pub async fn contents(&self) -> BTreeMap<String, Vec<String>> {
        let columns: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT CAST(table_name AS BINARY), CAST(column_name AS BINARY) \
             FROM information_schema.columns \
             WHERE table_schema = DATABASE() AND table_name <> 'schema_version' AND extra NOT LIKE '%auto_increment%' \
             ORDER BY table_name, ordinal_position",
        )
        .fetch_all(self.pool())
        .await
        .expect("the database answers");
        let mut tables = BTreeMap::<String, Vec<String>>::new();
        for (table, column) in columns {
            let text = String::from_utf8_lossy(&column);
            // HEX alone would round a number; blobs are no text.
            let text = format!("IFNULL(HEX(CONCAT(`{text}`, '')), '-')");
            let columns = tables.entry(String::from_utf8_lossy(&table).into_owned());
            columns.or_default().push(text);
        }
        let mut contents = BTreeMap::new();
        for (table, columns) in tables {
            let statement = format!(
                "SELECT CAST(CONCAT_WS(' ', {}) AS BINARY) AS line FROM `{table}` ORDER BY line",
                columns.join(", ")
            );
            let rows: Vec<Vec<u8>> = sqlx::query_scalar(AssertSqlSafe(statement))
                .fetch_all(self.pool())
                .await
                .expect("the database answers");
            if !rows.is_empty() {
                let rows = rows
                    .iter()
                    .map(|row| String::from_utf8_lossy(row).into_owned());
                contents.insert(table, rows.collect());
            }
        }
        contents
    }
}

impl Store {
    /// After how many seconds without a statement the server closes a connection, and how many a statement may take; 0 for
    /// as long as it needs.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn session_limits(&self) -> Result<(u64, f64), StoreError> {
        let mut connection = self.pool().unchecked().acquire().await?;
        let version: String = sqlx::query_scalar("SELECT VERSION()")
            .fetch_one(&mut *connection)
            .await?;
        let limits = if version.contains("MariaDB") {
            "SELECT CAST(@@wait_timeout AS UNSIGNED), CAST(@@max_statement_time AS DOUBLE)"
        } else {
            "SELECT CAST(@@wait_timeout AS UNSIGNED), CAST(@@max_execution_time / 1000 AS DOUBLE)"
        };
        Ok(sqlx::query_as(limits).fetch_one(&mut *connection).await?)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS `{}`", self.name);
        if !execute_apart(&self.server, statement) {
            tracing::warn!(database = self.name, "a test's database is left behind");
        }
    }
}

/// Executes a statement in a thread of its own, and says whether that succeeded: a test's runtime cannot wait for another
/// task while it drops.
fn execute_apart(server: &MySqlConnectOptions, statement: String) -> bool {
    let server = server.clone();
    let executed = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut connection = MySqlConnection::connect_with(&server).await?;
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        })
    });
    matches!(executed.join(), Ok(Ok(())))
}
