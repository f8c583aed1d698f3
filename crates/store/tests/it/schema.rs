use store::{schema, testing::TestDatabase};

#[tokio::test]
async fn loading_the_schema_again_changes_nothing() {
    let database = TestDatabase::create().await;
    store_something(&database).await;
    let before = database.contents().await;
    schema::load(database.url()).await.unwrap();
    assert_eq!(database.contents().await, before);
    assert!(!before.is_empty());
}

async fn store_something(database: &TestDatabase) {
    let as_of = "2026-11-23T08:45:00Z".parse().unwrap();
    let documents = store::testing::Documents::about("cpuUsage", "a");
    database
        .store()
        .store_batch(&[documents.metrics(as_of)], &[])
        .await
        .unwrap();
}

#[tokio::test]
async fn the_tables_of_the_contract_are_there() {
    let database = TestDatabase::create().await;
    for table in [
        "series",
        "metrics",
        "metadata",
        "prediction",
        "violation",
        "episode",
        "gap",
        "score",
        "objective_score",
        "run",
        "sla",
        "sla_objective",
        "dead_letter",
    ] {
        assert_eq!(database.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_session_is_strict_and_speaks_utc() {
    let database = TestDatabase::create().await;
    let (mode, zone, now): (String, String, i64) = sqlx::query_as(
        "SELECT @@sql_mode, @@time_zone, TIMESTAMPDIFF(HOUR, UTC_TIMESTAMP(), NOW())",
    )
    .fetch_one(database.pool())
    .await
    .unwrap();
    assert!(mode.contains("STRICT_ALL_TABLES"), "{mode}");
    assert_eq!((zone.as_str(), now), ("+00:00", 0));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_away() {
    let error = schema::load("mysql://root:hunter2@127.0.0.1:1/nowhere")
        .await
        .unwrap_err();
    assert!(error.is_transient());
    let store = store::connect("mysql://root:hunter2@127.0.0.1:1/nowhere").unwrap();
    let as_of = "2026-11-23T08:45:00Z".parse().unwrap();
    let document = store::testing::Documents::about("cpuUsage", "a").metrics(as_of);
    let error = store.store_batch(&[document], &[]).await.unwrap_err();
    assert!(error.is_transient());
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}
