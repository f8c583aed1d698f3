use std::time::Duration;

use domain::message::Kind;
use sqlx::{Connection, MySqlConnection};
use store::testing::{Documents, TestDatabase};

use super::at;

#[tokio::test]
async fn a_writer_that_dies_in_the_middle_leaves_nothing_and_the_next_delivery_everything() {
    let database = TestDatabase::create().await;
    let documents: Vec<_> = (0..200)
        .flat_map(|number| {
            let documents = Documents::about("cpuUsage", &number.to_string());
            [Kind::Metrics, Kind::Metadata].map(|kind| documents.of(kind, at(0)))
        })
        .collect();
    // The last rows of the transaction have to wait, so that it is certainly under way when its connection is killed.
    let mut blocker = MySqlConnection::connect(database.url()).await.unwrap();
    let mut held = blocker.begin().await.unwrap();
    sqlx::query("INSERT INTO metadata (series_id, as_of, document) VALUES (?, ?, '{}')")
        .bind(documents_id("199"))
        .bind(at(0).to_utc().naive_utc())
        .execute(&mut *held)
        .await
        .unwrap();
    let store = database.store().clone();
    let batch = documents.clone();
    let writer = tokio::spawn(async move { store.store_batch(&batch, &[]).await });
    let victim = loop {
        let waiting: Option<u64> = sqlx::query_scalar(
            "SELECT CAST(id AS UNSIGNED) FROM information_schema.processlist \
             WHERE db = DATABASE() AND info LIKE 'INSERT INTO metadata%' AND id <> CONNECTION_ID()",
        )
        .fetch_optional(&mut *held)
        .await
        .unwrap();
        match waiting {
            Some(id) => break id,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("KILL {victim}")))
        .execute(&mut *held)
        .await
        .unwrap();
    let error = writer.await.unwrap().unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    held.rollback().await.unwrap();
    assert!(database.contents().await.is_empty());

    database.store().store_batch(&documents, &[]).await.unwrap();
    assert_eq!(database.count("metrics").await, 600);
    assert_eq!(database.count("metadata").await, 200);
}

fn documents_id(instance: &str) -> String {
    Documents::about("cpuUsage", instance)
        .series()
        .id()
        .to_string()
}

#[tokio::test]
async fn writers_of_the_same_series_leave_what_one_writer_leaves() {
    let documents = Documents::about("cpuUsage", "a");
    let told: Vec<_> = (0..24)
        .map(|run| {
            let samples: Vec<_> = (0..60 + 10 * run)
                .map(|k| (60 * k, if (10 * run - k) % 40 < 15 { 95.0 } else { 50.0 }))
                .map(|(age, value): (i64, f64)| (age as u64, value))
                .collect();
            documents.violations(&samples, at(10 * run))
        })
        .collect();
    let alone = TestDatabase::create().await;
    alone.store().store_batch(&told, &[]).await.unwrap();
    let together = TestDatabase::create().await;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let url = together.url().to_owned();
            let told: Vec<_> = told.iter().skip(writer).step_by(4).cloned().collect();
            tokio::spawn(async move {
                let store = store::connect(&url).unwrap();
                for document in told {
                    store.store_batch(&[document], &[]).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(together.contents().await, alone.contents().await);
}
