//! Databases of every earlier schema, taken to the newest.

use std::time::Duration;

use domain::{Timestamp, message::Kind, sla::ExclusionDraft};
use sqlx::{AssertSqlSafe, MySqlPool, Row};
use store::{
    StoreError,
    pipeline::{DeadLetter, Document},
    read::Selection,
    schema::{self, BUILT_FOR, Prepared, SchemaMismatch},
    sla::Condition,
    testing::{Documents, TestDatabase},
};

const FIRST: &str = include_str!("../../../../migrations/0001-first.sql");
const LONG: Duration = Duration::from_secs(60);

fn as_of() -> Timestamp {
    "2026-11-26T08:45:00Z".parse().unwrap()
}

/// What databases of schema version 1 with rows in every table are made from.
struct First {
    /// A database of the newest schema with those rows.
    newest: TestDatabase,
    /// By table, the columns that are not generated.
    tables: Vec<(String, String)>,
}

impl First {
    async fn new() -> Self {
        let newest = TestDatabase::create().await;
        fill(&newest).await;
        let empty = TestDatabase::without_tables();
        empty.create_empty().await;
        execute(empty.pool(), FIRST).await;
        let mut tables = Vec::new();
        for table in names(&empty, "table_name", "tables", "TRUE").await {
            let condition = format!("table_name = '{table}' AND extra NOT LIKE '%GENERATED%'");
            let columns = names(&empty, "column_name", "columns", &condition).await;
            tables.push((table, format!("`{}`", columns.join("`, `"))));
        }
        assert_eq!(tables.len(), 18);
        Self { newest, tables }
    }

    async fn database(&self) -> TestDatabase {
        let database = TestDatabase::without_tables();
        database.create_empty().await;
        execute(database.pool(), FIRST).await;
        for (table, columns) in &self.tables {
            let statement = format!(
                "INSERT INTO `{table}` ({columns}) SELECT {columns} FROM `{}`.`{table}`",
                self.newest.name()
            );
            execute(database.pool(), &statement).await;
        }
        assert_eq!(database.contents().await.len(), self.tables.len());
        database
    }

    /// The rows of version 1's columns, whatever was added since.
    async fn rows(&self, database: &TestDatabase) -> Vec<String> {
        let mut lines = Vec::new();
        for (table, columns) in &self.tables {
            let columns: Vec<_> = columns
                .split(", ")
                .map(|column| format!("COALESCE(HEX(CONCAT({column}, '')), '-')"))
                .collect();
            let statement = format!(
                "SELECT CAST(CONCAT_WS(' ', '{table}', {}) AS BINARY) AS line FROM `{table}` ORDER BY line",
                columns.join(", ")
            );
            let rows = sqlx::raw_sql(AssertSqlSafe(statement))
                .fetch_all(database.pool())
                .await
                .unwrap();
            for row in rows {
                lines.push(String::from_utf8(row.get("line")).unwrap());
            }
        }
        lines
    }
}

/// Puts rows into every table of version 1.
async fn fill(database: &TestDatabase) {
    let store = database.store();
    let machines = ["a", "b", "c"].map(|machine| Documents::about("cpuUsage", machine));
    let objectives = machines.each_ref().map(Documents::objective);
    let before = as_of() - Duration::from_secs(3_600);
    store
        .put_sla("demo", &objectives, &Condition::Any, before)
        .await
        .unwrap();
    let exclusion = ExclusionDraft {
        from: before,
        to: as_of(),
        rule: None,
        reason: "upgrade".to_owned(),
        objective: None,
    };
    store
        .create_exclusion("demo", &exclusion, before)
        .await
        .unwrap();
    // Out of range, in range, silent for longer than a sample stands.
    let samples = [(3_000, 90.0), (2_900, 95.0), (2_800, 50.0), (0, 50.0)];
    for age in [1_200, 600, 0] {
        let as_of = as_of() - Duration::from_secs(age);
        let documents = machines.iter().flat_map(|machine| {
            Kind::ALL.into_iter().map(move |kind| match kind {
                Kind::Violations => machine.violations(&samples, as_of),
                kind => machine.of(kind, as_of),
            })
        });
        let letter = DeadLetter {
            topic: "prometheusdata".to_owned(),
            partition: 0,
            offset: i64::try_from(age).unwrap(),
            timestamp: 1,
            stored_at: as_of,
            key: None,
            headers: serde_json::json!({}),
            value: Some(b"{".to_vec()),
            reason: "is not JSON".to_owned(),
            row: None,
        };
        let documents: Vec<_> = documents.collect();
        store.store_batch(&documents, &[letter]).await.unwrap();
        for document in &documents {
            if matches!(document, Document::Metadata(_) | Document::Prediction(_)) {
                database.store_as_json(document).await;
            }
        }
    }
    execute(
        database.pool(),
        "INSERT INTO thinning VALUES ('violation', '2026-11-26 07:00:00')",
    )
    .await;
}

async fn execute(pool: &MySqlPool, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(pool)
        .await
        .unwrap();
}

/// A column of a table of `information_schema`, of the rows of `database` that match a condition.
async fn names(database: &TestDatabase, column: &str, table: &str, condition: &str) -> Vec<String> {
    let statement = format!(
        "SELECT CAST({column} AS BINARY) AS name FROM information_schema.{table} \
         WHERE table_schema = DATABASE() AND {condition} ORDER BY name"
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(statement))
        .fetch_all(database.pool())
        .await
        .unwrap();
    let names = rows.iter().map(|row| row.get::<Vec<u8>, _>("name"));
    names.map(|name| String::from_utf8(name).unwrap()).collect()
}

/// What `information_schema` says of tables, columns, keys and constraints.
async fn shape(database: &TestDatabase) -> Vec<String> {
    let mut shape = Vec::new();
    for (table, columns) in [
        ("tables", "table_name engine row_format table_collation"),
        (
            "columns",
            "table_name column_name ordinal_position column_default is_nullable column_type character_set_name \
             collation_name column_key extra generation_expression",
        ),
        (
            "statistics",
            "table_name index_name seq_in_index column_name non_unique collation sub_part index_type",
        ),
        (
            "table_constraints",
            "table_name constraint_name constraint_type",
        ),
        (
            "key_column_usage",
            "table_name constraint_name column_name ordinal_position",
        ),
    ] {
        let columns: Vec<_> = columns
            .split_whitespace()
            .map(|column| format!("COALESCE({column}, '-')"))
            .collect();
        let line = format!("CONCAT_WS(' ', '{table}', {})", columns.join(", "));
        shape.extend(names(database, &line, table, "TRUE").await);
    }
    let clauses = sqlx::raw_sql(
        "SELECT CAST(CONCAT_WS(' ', constraint_name, check_clause) AS BINARY) AS name \
         FROM information_schema.check_constraints WHERE constraint_schema = DATABASE() ORDER BY name",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    for row in clauses {
        shape.push(String::from_utf8(row.get("name")).unwrap());
    }
    shape
}

async fn prepare(database: &TestDatabase) -> Prepared {
    schema::prepare(database.url(), LONG).await.unwrap()
}

const DONE: Prepared = Prepared {
    version: BUILT_FOR,
    done: true,
};

#[tokio::test]
async fn every_earlier_schema_becomes_the_newest_and_keeps_its_rows() {
    let first = First::new().await;
    let expected = shape(&first.newest).await;
    let database = first.database().await;
    let rows = first.rows(&database).await;
    // Interrupted later each time, because a step that was interrupted starts over: every version in between is made.
    let mut versions = Vec::new();
    for statements in 1.. {
        let prepared = schema::prepare_in_part(database.url(), statements)
            .await
            .unwrap();
        assert_eq!(first.rows(&database).await, rows);
        versions.push(prepared.version);
        if prepared.done {
            break;
        }
    }
    versions.dedup();
    let last = versions.pop().unwrap();
    assert_eq!(last, BUILT_FOR);
    assert_eq!(shape(&database).await, expected);
    assert_eq!(prepare(&database).await, DONE);
    assert_eq!(first.rows(&database).await, rows);
}

#[tokio::test]
async fn rows_of_the_first_schema_are_served_and_new_ones_stored() {
    let database = First::new().await.database().await;
    assert_eq!(prepare(&database).await, DONE);
    let store = database.store();
    assert_eq!(store.active_slas().await.unwrap().len(), 1);
    assert_eq!(store.newest_run().await.unwrap(), Some(as_of()));
    let selection = Selection {
        metric: None,
        labels: [("instance", "a")].into_iter().collect(),
        from: Some(as_of()),
        to: Some(as_of()),
        pinned: as_of(),
        limit: 10,
    };
    let mut metadata = store.documents(&selection, true, None).await.unwrap().rows;
    let mut predictions = store.documents(&selection, true, None).await.unwrap().rows;
    let served = [
        Document::Metadata(Box::new(metadata.remove(0).document)),
        Document::Prediction(Box::new(predictions.remove(0).document)),
    ];
    let documents = Documents::about("cpuUsage", "a");
    assert_eq!(
        served,
        [documents.metadata(as_of()), documents.prediction(as_of())]
    );
    let later = as_of() + Duration::from_secs(600);
    let documents = Kind::ALL.map(|kind| Documents::about("cpuUsage", "a").of(kind, later));
    store.store_batch(&documents, &[]).await.unwrap();
    assert_eq!(store.newest_run().await.unwrap(), Some(later));
}

#[tokio::test]
async fn a_preparation_that_is_interrupted_anywhere_goes_on() {
    let first = First::new().await;
    let expected = shape(&first.newest).await;
    let mut complete = false;
    for statements in 0.. {
        if complete {
            break;
        }
        let database = first.database().await;
        let rows = first.rows(&database).await;
        let part = schema::prepare_in_part(database.url(), statements).await;
        complete = part.unwrap().done;
        assert_eq!(prepare(&database).await, DONE, "after {statements}");
        assert_eq!(shape(&database).await, expected, "after {statements}");
        assert_eq!(first.rows(&database).await, rows, "after {statements}");
    }
}

#[tokio::test]
async fn an_empty_database_whose_preparation_is_interrupted_gets_every_table() {
    let expected = shape(&TestDatabase::create().await).await;
    for statements in [0, 1, 2, 3, 10] {
        let database = TestDatabase::without_tables();
        let part = schema::prepare_in_part(database.url(), statements)
            .await
            .unwrap();
        assert_eq!((part.version, part.done), (0, false));
        let error = database.store().newest_run().await.unwrap_err();
        let older = SchemaMismatch::Older {
            version: 0,
            built_for: BUILT_FOR,
        };
        assert!(matches!(&error, StoreError::Schema(found) if *found == older));
        assert_eq!(prepare(&database).await, DONE);
        assert_eq!(shape(&database).await, expected);
        assert_eq!(database.store().newest_run().await.unwrap(), None);
    }
}

#[tokio::test]
async fn two_preparations_at_once_do_what_one_does() {
    let first = First::new().await;
    let expected = shape(&first.newest).await;
    for database in [first.database().await, TestDatabase::without_tables()] {
        let (one, other) = tokio::join!(schema::load(database.url()), schema::load(database.url()));
        one.unwrap();
        other.unwrap();
        assert_eq!(shape(&database).await, expected);
        assert_eq!(prepare(&database).await, DONE);
    }
}

#[tokio::test]
async fn while_another_connection_prepares_the_answer_is_how_far_it_is() {
    let database = First::new().await.database().await;
    let mut other = database.pool().acquire().await.unwrap();
    sqlx::raw_sql("SELECT GET_LOCK(CONCAT('slacast schema ', LEFT(SHA2(DATABASE(), 256), 32)), 0)")
        .execute(&mut *other)
        .await
        .unwrap();
    let waiting = Prepared {
        version: 1,
        done: false,
    };
    assert_eq!(prepare(&database).await, waiting);
    other.close().await.unwrap();
    assert_eq!(prepare(&database).await, DONE);
}

#[tokio::test]
async fn loading_the_newest_schema_by_hand_over_the_first_leaves_it_to_be_prepared() {
    let first = First::new().await;
    let expected = shape(&first.newest).await;
    let database = first.database().await;
    execute(database.pool(), schema::TABLES).await;
    let error = database.store().newest_run().await.unwrap_err();
    assert!(
        error.to_string().contains("has schema version 1"),
        "{error}"
    );
    assert_eq!(prepare(&database).await, DONE);
    assert_eq!(shape(&database).await, expected);
}

#[tokio::test]
async fn unknown_tables_are_refused_in_a_sentence_and_left_alone() {
    for (statement, why) in [
        (
            "CREATE TABLE mine (id INT)",
            "it has tables, but not `dead_letter`",
        ),
        ("DROP TABLE judged", "it has tables, but not `judged`"),
        (
            "ALTER TABLE score DROP KEY by_run",
            "`score` lacks `by_run`",
        ),
    ] {
        let database = TestDatabase::without_tables();
        database.create_empty().await;
        if !statement.starts_with("CREATE") {
            execute(database.pool(), FIRST).await;
        }
        execute(database.pool(), statement).await;
        let before = shape(&database).await;
        let error = schema::prepare(database.url(), LONG).await.unwrap_err();
        let expected = format!(
            "the database `{}` is neither empty nor of schema version 1 or later ({why}): \
             name another database, or an empty one",
            database.name()
        );
        assert_eq!(error.to_string(), expected);
        assert_eq!(shape(&database).await, before);
    }
}

#[tokio::test]
async fn a_newer_database_is_left_alone_and_works_as_long_as_it_says_so() {
    let database = TestDatabase::create().await;
    let newer = |works_from| {
        format!(
            "UPDATE schema_version SET version = {}, works_from = {works_from}",
            BUILT_FOR + 7
        )
    };
    execute(database.pool(), &newer(BUILT_FOR)).await;
    let left = Prepared {
        version: BUILT_FOR + 7,
        done: true,
    };
    assert_eq!(prepare(&database).await, left);
    database.store().newest_run().await.unwrap();

    execute(database.pool(), &newer(BUILT_FOR + 1)).await;
    let sentence = format!(
        "the database has schema version {}, which works with programs built for version {} or later, \
         but this program is built for version {BUILT_FOR}: deploy a newer release",
        BUILT_FOR + 7,
        BUILT_FOR + 1
    );
    let error = schema::prepare(database.url(), LONG).await.unwrap_err();
    assert_eq!(error.to_string(), sentence);
    // A store that found the schema right a moment ago looks again when it is asked to, and unasked a second later.
    let error = database.store().check_schema().await.unwrap_err();
    assert_eq!(error.to_string(), sentence);
    assert!(error.is_transient() && !error.is_refusal());
    execute(database.pool(), &newer(BUILT_FOR)).await;
    let store = database.store();
    store.newest_run().await.unwrap();
    execute(database.pool(), &newer(BUILT_FOR + 1)).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let error = store.newest_run().await.unwrap_err();
    assert_eq!(error.to_string(), sentence);
}

#[tokio::test]
async fn a_statement_that_fails_for_a_newer_schema_is_the_last_before_the_version_is_read() {
    let database = TestDatabase::create().await;
    let store = database.store();
    store.newest_run().await.unwrap();
    execute(
        database.pool(),
        "ALTER TABLE run RENAME COLUMN as_of TO moment",
    )
    .await;
    let error = store.newest_run().await.unwrap_err();
    assert!(matches!(error, StoreError::Unexpected(_)), "{error:?}");
    execute(
        database.pool(),
        "UPDATE schema_version SET version = 99, works_from = 99",
    )
    .await;
    let error = store.newest_run().await.unwrap_err();
    assert!(matches!(error, StoreError::Schema(_)), "{error:?}");
}
