//! Dead letters once more.

use std::time::{Duration, Instant};

use domain::Timestamp;
use serde_json::json;
use storage::{Redrive, Redriven};
use store::testing::TestDatabase;

use crate::{
    delivery::{at, deliver, every_kind, storage},
    unstorable,
};

const ALL: Redrive = Redrive {
    since: Timestamp::EPOCH,
    newer: false,
};

async fn redrive(database: &TestDatabase, asked: Redrive) -> Redriven {
    let storage = storage(database.store().clone());
    let end = Instant::now() + Duration::from_secs(60);
    storage.redrive(asked, end).await.unwrap()
}

async fn execute(database: &TestDatabase, statement: &'static str) {
    sqlx::raw_sql(statement)
        .execute(database.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_can_be_stored_now_is_stored_and_the_rest_stays() {
    let database = TestDatabase::create().await;
    execute(
        &database,
        "ALTER TABLE metrics ADD CONSTRAINT recent CHECK (as_of <> '2025-01-15 08:46:00')",
    )
    .await;
    let unstorable: Vec<_> = unstorable::all()
        .into_iter()
        .map(|(parcel, _)| parcel)
        .collect();
    let mut batch = every_kind("cpuUsage", at(1));
    batch.extend(unstorable.iter().cloned());
    let answer = deliver(&database, &batch).await;
    assert_eq!(answer.dead_lettered, unstorable.len() + 1);
    let left = unstorable.len() as u64;

    let redriven = redrive(&database, ALL).await;
    assert_eq!((redriven.stored, redriven.left), (0, left + 1));
    assert_eq!(database.count("dead_letter").await, left + 1);

    execute(&database, "ALTER TABLE metrics DROP CONSTRAINT recent").await;
    for stored in [1, 0] {
        let redriven = redrive(&database, ALL).await;
        assert_eq!(
            (redriven.stored, redriven.left, redriven.done),
            (stored, left, true)
        );
    }
    assert_eq!(database.count("metrics").await, 3);
    assert_eq!(database.count("dead_letter").await, left);
}

#[tokio::test]
async fn letters_from_before_the_time_asked_for_stay() {
    let database = TestDatabase::create().await;
    deliver(&database, &[unstorable::all().remove(0).0]).await;
    let later = Redrive {
        since: Timestamp::from(chrono::Utc::now()) + Duration::from_secs(3600),
        newer: false,
    };
    let redriven = redrive(&database, later).await;
    assert_eq!(
        (redriven.stored, redriven.left, redriven.done),
        (0, 0, true)
    );
}

#[tokio::test]
async fn a_message_of_a_newer_program_waits_for_one_that_knows_it() {
    let database = TestDatabase::create().await;
    let newer = every_kind("cpuUsage", at(0))
        .remove(0)
        .with_header("ce_type", json!(b"slacast.metrics.v2"));
    deliver(&database, &[newer, unstorable::all().remove(0).0]).await;
    let newer: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM dead_letter WHERE reason = 'newer'")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(newer, 1);
    let redriven = redrive(&database, Redrive::NEWER).await;
    assert_eq!((redriven.stored, redriven.left), (0, 1));

    // The program that knows it is this one, if the version is.
    execute(
        &database,
        "UPDATE dead_letter SET headers = REPLACE(headers, 'metrics.v2', 'metrics.v1') \
         WHERE reason = 'newer'",
    )
    .await;
    let redriven = redrive(&database, Redrive::NEWER).await;
    assert_eq!((redriven.stored, redriven.left), (1, 0));
    assert_eq!(database.count("metrics").await, 3);
    assert_eq!(database.count("dead_letter").await, 1);
}
