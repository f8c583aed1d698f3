//! `GET /history`, and the properties of what it reads.

use std::time::Duration;

use domain::{Bucket, BucketLength, message::HistoryDocument};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use store::{
    pipeline::Document,
    retention::Limits,
    testing::{Documents, TestDatabase},
};

use crate::service::{Service, json as body, time};

const START: &str = "2026-11-23T08:00:00Z";
const DAY: u64 = 86_400;

/// What a run says `minutes` after the start: three buckets whose numbers are those of the run.
fn said(about: &Documents, minutes: u64) -> Document {
    let as_of = time(START) + Duration::from_secs(60 * minutes);
    let length = BucketLength::FiveMinutes;
    let newest = length.start_of(as_of - Duration::from_secs(60));
    let number = minutes as f64;
    let ends = [2, 1, 0].map(|before| newest - before * length.duration());
    let buckets = ends.map(|end| Bucket {
        end,
        min: Some(-number),
        max: (minutes != 7).then_some(2.0 * number),
        average: Some(number / 3.0),
        samples: 20 + minutes % 3,
    });
    Document::History(HistoryDocument {
        series: about.series().id(),
        as_of,
        buckets: buckets.into(),
    })
}

async fn store(database: &TestDatabase, documents: &[Document]) {
    database.store().store_batch(documents, &[]).await.unwrap();
}

/// A database with two hours of two series.
async fn filled() -> (TestDatabase, Service) {
    let database = TestDatabase::create().await;
    for instance in ["a", "b"] {
        let about = Documents::about("cpuUsage", instance);
        store(&database, &[about.metrics(time(START))]).await;
        let runs: Vec<Document> = (1..=26).map(|run| said(&about, 5 * run)).collect();
        store(&database, &runs).await;
    }
    let service = Service::new(database.store().clone());
    (database, service)
}

fn starts(series: &Value) -> Vec<&str> {
    let points = series["points"].as_array().unwrap().iter();
    points
        .map(|point| point["start"].as_str().unwrap())
        .collect()
}

const SPAN: &str = "from=2026-11-23T08:00:00Z&to=2026-11-23T10:00:00Z";

#[tokio::test]
async fn what_series_were_like_is_answered_bucket_by_bucket() {
    let (_database, service) = filled().await;
    let answer = service
        .get(&format!("/history?metric=cpuUsage&label.instance=a&{SPAN}"))
        .await;
    let series = &answer["history"][0];
    assert_eq!(answer["history"].as_array().unwrap().len(), 1);
    assert_eq!(series["metric"], "cpuUsage");
    assert_eq!(series["labels"], json!({"instance": "a", "job": "node"}));
    assert_eq!(
        series["series"],
        Documents::about("cpuUsage", "a").series().id().to_string()
    );
    let starts = starts(series);
    assert_eq!((starts[0], starts.len()), ("2026-11-23T08:00:00Z", 24));
    // The bucket that ends at 08:05 was written last by the run at 08:20, the third that holds it.
    assert_eq!(
        series["points"][0],
        json!({"start": "2026-11-23T08:00:00Z", "min": -20.0, "max": 40.0, "average": 20.0 / 3.0, "samples": 22})
    );
    assert_eq!(answer["next"], Value::Null);
}

#[tokio::test]
async fn an_hour_is_what_its_buckets_are_together() {
    let (_database, service) = filled().await;
    let answer = service
        .get(&format!("/history?label.instance=b&step=1h&{SPAN}"))
        .await;
    let series = &answer["history"][0];
    assert_eq!(
        starts(series),
        ["2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z"]
    );
    let fine = service
        .get(&format!("/history?label.instance=b&{SPAN}"))
        .await;
    let parts = fine["history"][0]["points"].as_array().unwrap();
    let sum = |parts: &[Value]| {
        parts
            .iter()
            .map(|part| part["samples"].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(series["points"][0]["samples"], sum(&parts[..12]));
    assert_eq!(series["points"][1]["min"], parts[23]["min"]);
}

#[tokio::test]
async fn pages_hold_together_what_one_page_would() {
    let (_database, service) = filled().await;
    let whole = service.get(&format!("/history?{SPAN}")).await;
    assert_eq!(whole["history"].as_array().unwrap().len(), 2);
    let mut uri = format!("/history?limit=1&{SPAN}");
    let mut found = Vec::new();
    loop {
        let page = service.get(&uri).await;
        found.extend(page["history"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else {
            break;
        };
        uri = format!("/history?limit=1&{SPAN}&cursor={next}");
    }
    assert_eq!(whole["history"], Value::Array(found));
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    for (query, parameter) in [
        ("step=1m", "step"),
        ("from=x", "from"),
        ("from=2026-11-23T09:00:00Z&to=2026-11-23T08:00:00Z", "from"),
        ("limit=0", "limit"),
        ("as_of=2026-11-23T09:00:00Z", "as_of"),
    ] {
        let reply = service.reply("GET", &format!("/history?{query}")).await;
        assert_eq!(reply.status(), 400, "{query}");
        assert_eq!(body(&reply)["errors"][0]["parameter"], parameter, "{query}");
    }
}

fn limits() -> Limits {
    Limits {
        every_run: Duration::from_secs(2 * DAY),
        everything: Duration::from_secs(30 * DAY),
        buckets: Duration::from_secs(40 * DAY),
        hours: Duration::from_secs(400 * DAY),
    }
}

async fn purge(database: &TestDatabase, days: u64) {
    let now = time(START) + Duration::from_secs(DAY * days);
    while !database
        .store()
        .purge(now, limits(), 1_000)
        .await
        .unwrap()
        .done
    {}
}

#[tokio::test]
async fn old_buckets_become_hours_and_these_go_in_the_end() {
    let (database, service) = filled().await;
    let uri = format!("/history?step=1h&{SPAN}");
    let before = service.get(&uri).await;
    let buckets = database.count("history").await;
    purge(&database, 39).await;
    assert_eq!(database.count("history").await, buckets);
    purge(&database, 41).await;
    // Of each series two whole hours, and parts of the ones before and after.
    assert_eq!(database.count("history").await, 8);
    assert_eq!(service.get(&uri).await, before);
    // One bucket that comes late is no whole hour.
    let late = said(&Documents::about("cpuUsage", "a"), 20);
    store(&database, &[late]).await;
    assert_eq!(service.get(&uri).await, before);
    purge(&database, 41).await;
    assert_eq!(
        (database.count("history").await, service.get(&uri).await),
        (8, before)
    );
    purge(&database, 402).await;
    assert_eq!(database.count("history").await, 0);
}

#[test]
fn any_order_and_repetition_of_messages_gives_the_same_rows() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let about = [
        Documents::about("cpuUsage", "a"),
        Documents::about("cpuUsage", "b"),
    ];
    let all: Vec<Document> = (0..16)
        .map(|run| said(&about[run as usize % 2], 3 * run))
        .collect();
    let contents = |order: &[usize], batch: usize| {
        runtime.block_on(async {
            database.clear().await;
            for batch in order.chunks(batch) {
                let documents: Vec<Document> = batch.iter().map(|at| all[*at].clone()).collect();
                store(&database, &documents).await;
            }
            database.contents().await
        })
    };
    let straight = contents(&(0..16).collect::<Vec<_>>(), 16);
    let orders = (
        Just((0..16).chain(0..16).collect::<Vec<usize>>()).prop_shuffle(),
        1..8_usize,
        proptest::collection::btree_set(0..16_usize, 0..8),
    );
    let mut runner = TestRunner::new(Config::with_cases(24));
    runner
        .run(&orders, |(mut order, batch, again)| {
            order.extend(again);
            prop_assert_eq!(contents(&order, batch), straight.clone());
            Ok(())
        })
        .unwrap();
}
