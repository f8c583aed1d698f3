use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use store::testing::TestDatabase;

use crate::{
    delivery::{Parcel, at, deliver, event, every_kind, raw, storage},
    unstorable,
};

/// What may be delivered, and whether it is a message.
fn parcels() -> Vec<(Parcel, bool)> {
    let good = [("cpuUsage", 0), ("cpuUsage", 1), ("cpuTemp", 1)];
    let good = good
        .into_iter()
        .flat_map(|(metric, minute)| every_kind(metric, at(minute)))
        .map(|parcel| (parcel, true));
    let unstorable = unstorable::all()
        .into_iter()
        .map(|(parcel, _)| (parcel, false));
    good.chain(unstorable).collect()
}

#[test]
fn every_record_is_stored_or_set_aside_however_often_it_comes() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let parcels = parcels();
    let chosen = proptest::collection::vec(0..parcels.len(), 1..40);
    let runner = Config {
        failure_persistence: None,
        ..Config::with_cases(16)
    };
    TestRunner::new(runner)
        .run(&chosen, |chosen| {
            let good = chosen.iter().filter(|index| parcels[**index].1).count();
            let batch: Vec<_> = chosen
                .iter()
                .map(|index| parcels[*index].0.clone())
                .collect();
            runtime.block_on(async {
                database.clear().await;
                let answer = deliver(&database, &batch).await;
                prop_assert_eq!(answer.records, batch.len());
                prop_assert_eq!(answer.stored, good);
                prop_assert_eq!(answer.dead_lettered, batch.len() - good);
                let letters = database.count("dead_letter").await;
                prop_assert_eq!(letters, (batch.len() - good) as u64);
                let once = database.contents().await;
                let again = deliver(&database, &batch).await;
                prop_assert_eq!(again, answer);
                prop_assert_eq!(database.contents().await, once);
                Ok(())
            })
        })
        .unwrap();
}

#[tokio::test]
async fn what_the_database_alone_refuses_is_set_aside_alone() {
    let database = TestDatabase::create().await;
    // A rule that no check of the function knows.
    sqlx::raw_sql(
        "ALTER TABLE metrics ADD CONSTRAINT recent CHECK (as_of <> '2025-01-15 08:52:00')",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let batch: Vec<_> = (0..12)
        .flat_map(|minute| every_kind("cpuUsage", at(minute)))
        .collect();
    let event = raw(&event(&batch, 100));
    let storage = storage(database.store().clone());
    for _ in 0..2 {
        let answer = storage.handle(&event).await.unwrap();
        assert_eq!(answer.records, 108);
        assert_eq!((answer.stored, answer.dead_lettered), (107, 1));
        assert_eq!(database.count("metrics").await, 11 * 3);
        assert_eq!(database.count("run").await, 12);
    }
    let (offset, reason): (i64, Vec<u8>) =
        sqlx::query_as("SELECT `offset`, CAST(reason AS BINARY) FROM dead_letter")
            .fetch_one(database.pool())
            .await
            .unwrap();
    assert_eq!(offset, 163);
    let reason = String::from_utf8(reason).unwrap();
    assert!(reason.contains("the database refuses a value"), "{reason}");
}
