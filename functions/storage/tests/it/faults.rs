use store::testing::TestDatabase;

use crate::delivery::{at, deliver, event, every_kind, raw, storage};

#[tokio::test]
async fn with_the_database_away_the_invocation_fails_and_says_no_secret() {
    let store = store::connect("mysql://root:hunter2@127.0.0.1:1/nowhere").unwrap();
    let event = raw(&event(&every_kind("cpuUsage", at(0)), 0));
    let error = storage(store).handle(&event).await.unwrap_err();
    let diagnostic = lambda_runtime::Diagnostic::from(error);
    assert_eq!(diagnostic.error_type, "DatabaseAway");
    let message = "the batch is not stored: the database is away";
    assert_eq!(diagnostic.error_message, message);
}

#[tokio::test]
async fn without_tables_the_invocation_fails_and_nothing_is_set_aside() {
    let database = TestDatabase::create().await;
    sqlx::raw_sql("DROP TABLE metrics")
        .execute(database.pool())
        .await
        .unwrap();
    let event = raw(&event(&every_kind("cpuUsage", at(0)), 0));
    let storage = storage(database.store().clone());
    let error = storage.handle(&event).await.unwrap_err();
    assert_eq!(
        lambda_runtime::Diagnostic::from(error).error_type,
        "DatabaseRefused"
    );
    assert_eq!(database.count("dead_letter").await, 0);
}

#[tokio::test]
async fn an_event_that_is_not_from_kafka_is_refused_in_a_sentence() {
    let database = TestDatabase::create().await;
    let storage = storage(database.store().clone());
    for event in [
        "{}",
        r#"{"source":"aws.events","detail-type":"Scheduled Event"}"#,
    ] {
        let error = storage.handle(&raw(event)).await.unwrap_err().to_string();
        assert!(
            error.starts_with("this is no Kafka event: missing field `records`"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_batch_without_records_is_no_work() {
    let database = TestDatabase::create().await;
    let answer = deliver(&database, &[]).await;
    assert_eq!(answer, storage::Answer::default());
}

#[tokio::test]
async fn old_rows_are_purged_by_what_comes_later() {
    let database = TestDatabase::create().await;
    deliver(&database, &every_kind("cpuUsage", at(0))).await;
    assert_eq!(database.count("long_arrays").await, 2);
    deliver(&database, &every_kind("cpuUsage", at(61))).await;
    assert_eq!(database.count("long_arrays").await, 2);
    deliver(&database, &every_kind("cpuUsage", at(31 * 24 * 60))).await;
    assert_eq!(database.count("metrics").await, 3);
    assert_eq!(database.count("run").await, 1);
    assert_eq!(database.count("series").await, 1);
}

#[tokio::test]
async fn with_a_schema_of_another_release_the_invocation_fails_and_nothing_is_set_aside() {
    let database = TestDatabase::create().await;
    let sentence = database.outgrow_this_program().await;
    let mut records = every_kind("cpuUsage", at(0));
    records[0].value = serde_json::Value::Null;
    let event = raw(&event(&records, 0));
    let storage = storage(database.store().clone());
    for _ in 0..2 {
        let error = storage.handle(&event).await.unwrap_err();
        let diagnostic = lambda_runtime::Diagnostic::from(error);
        assert_eq!(diagnostic.error_type, "SchemaVersion");
        let message = format!("the batch is not stored: {sentence}");
        assert_eq!(diagnostic.error_message, message);
    }
    assert_eq!(database.contents().await.len(), 0);
}

#[tokio::test]
async fn what_another_schema_refuses_is_not_set_aside() {
    let database = TestDatabase::create().await;
    let storage = storage(database.store().clone());
    let parcels = every_kind("cpuUsage", at(0));
    storage.handle(&raw(&event(&parcels, 0))).await.unwrap();
    database.outgrow_this_program().await;
    // The version was read a moment ago: the refusal is the first sign.
    sqlx::raw_sql("DELETE FROM run; ALTER TABLE run MODIFY run_id VARCHAR(2) NOT NULL")
        .execute(database.pool())
        .await
        .unwrap();
    let event = raw(&event(&every_kind("cpuUsage", at(1)), 100));
    let error = storage.handle(&event).await.unwrap_err();
    let diagnostic = lambda_runtime::Diagnostic::from(error);
    assert_eq!(diagnostic.error_type, "SchemaVersion");
    assert_eq!(database.count("dead_letter").await, 0);
}
