use std::{collections::BTreeMap, sync::LazyLock};

use domain::message::Kind;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use store::{
    Store,
    pipeline::Document,
    testing::{Documents, TestDatabase},
};

use super::at;

/// Everything three runs publish of two series, one of them in and out of its range.
static TOLD: LazyLock<Vec<Document>> = LazyLock::new(|| {
    let mut told = Vec::new();
    for (run, minutes) in [0, 7, 65].into_iter().enumerate() {
        let steady = Documents::about("cpuUsage", "a");
        let restless = Documents::about("cpuUsage", "b");
        // One week of samples by their absolute times: each run sees what came until then.
        let samples: Vec<(u64, f64)> = (0..200)
            .map(|k: i64| (k - 140, if k % 50 < 20 { 95.0 } else { 50.0 }))
            .filter(|(minute, _)| *minute <= minutes)
            .map(|(minute, value)| ((60 * (minutes - minute)) as u64, value))
            .collect();
        for kind in Kind::ALL {
            told.push(steady.of(kind, at(minutes)));
        }
        // Every run publishes one forecast again.
        told.push(steady.score(at(-10), at(minutes)));
        told.push(restless.metrics(at(minutes)));
        told.push(restless.violations(&samples, at(minutes)));
        if run == 1 {
            told.push(Documents::about("cpuTemp", "a").no_series(at(minutes)));
        }
    }
    told
});

async fn deliver(store: &Store, order: &[usize], batch: usize) {
    for batch in order.chunks(batch) {
        let documents: Vec<_> = batch.iter().map(|index| TOLD[*index].clone()).collect();
        store.store_batch(&documents, &[]).await.unwrap();
    }
}

async fn contents_after(
    database: &TestDatabase,
    order: &[usize],
    batch: usize,
) -> BTreeMap<String, Vec<String>> {
    database.clear().await;
    deliver(database.store(), order, batch).await;
    database.contents().await
}

#[tokio::test]
async fn a_batch_that_comes_twice_changes_nothing() {
    let database = TestDatabase::create().await;
    let order: Vec<_> = (0..TOLD.len()).collect();
    deliver(database.store(), &order, order.len()).await;
    let once = database.contents().await;
    for table in ["series", "metrics", "metadata", "prediction", "long_arrays"] {
        assert!(once.contains_key(table), "{table}");
    }
    for table in ["violation", "episode", "gap", "judged", "score", "run"] {
        assert!(once.contains_key(table), "{table}");
    }
    deliver(database.store(), &order, order.len()).await;
    assert_eq!(database.contents().await, once);
    deliver(database.store(), &order, 1).await;
    assert_eq!(database.contents().await, once);
}

#[test]
fn order_repetition_and_batch_size_do_not_matter() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let all: Vec<_> = (0..TOLD.len()).collect();
    let reference = runtime.block_on(contents_after(&database, &all, all.len()));
    let order = Just(all.clone()).prop_shuffle();
    let again = proptest::collection::vec(0..all.len(), 0..8);
    TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(16)
    })
    .run(
        &(order, again, 1..=all.len()),
        |(mut order, again, batch)| {
            order.extend(again);
            let contents = runtime.block_on(contents_after(&database, &order, batch));
            prop_assert!(contents == reference, "{contents:#?}\n{reference:#?}");
            Ok(())
        },
    )
    .unwrap();
}

#[tokio::test]
async fn of_two_documents_of_one_key_the_last_one_counts() {
    let documents = Documents::about("cpuUsage", "a");
    let [first, last] = [1.0, 2.0].map(|max| {
        let Document::Metrics(mut metrics) = documents.metrics(at(0)) else {
            unreachable!()
        };
        metrics.windows[0].max = Some(max);
        Document::Metrics(metrics)
    });
    for together in [true, false] {
        let database = TestDatabase::create().await;
        let batch = [first.clone(), last.clone()];
        for batch in batch.chunks(if together { 2 } else { 1 }) {
            database.store().store_batch(batch, &[]).await.unwrap();
        }
        let max: f64 = sqlx::query_scalar("SELECT `max` FROM metrics WHERE `window` = '1h'")
            .fetch_one(database.pool())
            .await
            .unwrap();
        assert_eq!(max.to_bits(), 2f64.to_bits());
    }
}

#[tokio::test]
async fn an_older_run_does_not_move_a_series_back() {
    let documents = Documents::about("cpuUsage", "a");
    let newer_last = [at(0), at(60)].map(|as_of| documents.metrics(as_of));
    let older_last = [at(60), at(0)].map(|as_of| documents.metrics(as_of));
    let mut seen = Vec::new();
    for batch in [newer_last, older_last] {
        let database = TestDatabase::create().await;
        for document in batch {
            database
                .store()
                .store_batch(&[document], &[])
                .await
                .unwrap();
        }
        seen.push(database.contents().await);
    }
    assert_eq!(seen[0], seen[1]);
}
