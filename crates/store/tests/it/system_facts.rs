//! What alerts about the pipeline itself follow from.

use std::time::Duration;

use domain::{
    Timestamp,
    alert::AlertState,
    message::{Failure, RunDocument},
};
use store::{
    alert::KnownReceiver,
    pipeline::Document,
    testing::{Documents, TestDatabase, recorded},
};

use crate::alerts::{alert, at, write};

#[tokio::test]
async fn what_waits_for_a_receiver_that_is_gone_holds_nothing_up() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let receiver = KnownReceiver {
        name: "ops".to_owned(),
        address: "a".repeat(64),
    };
    store.know_receivers(&[receiver], at(0)).await.unwrap();
    write(store, &[alert(1, AlertState::Firing)]).await;
    let stuck = async |receivers: &[&str]| {
        let facts = store.system_facts(at(1_000), at(910), receivers);
        facts.await.unwrap().stuck_since
    };
    assert_eq!(stuck(&["ops"]).await, Some(at(0)));
    assert_eq!(stuck(&["other"]).await, None);
    assert_eq!(stuck(&[]).await, None);
}

#[tokio::test]
async fn an_evaluation_is_found_for_as_long_as_it_is_fresh() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let about = Documents::about("cpuUsage", "a");
    let documents = recorded([about.violations(&[], at(0))]);
    store.store_batch(&documents, &[]).await.unwrap();
    let day = Duration::from_secs(86_400);
    let newest = async |oldest_fresh: Timestamp| {
        let facts = store.system_facts(at(0) + day, oldest_fresh, &[]);
        facts.await.unwrap().newest_evaluation
    };
    assert_eq!(newest(at(0) + day - Duration::from_secs(90)).await, None);
    assert_eq!(newest(at(0) - 2 * day).await, Some(at(0)));
}

/// The record of a run in which these metrics failed for these reasons.
fn run(as_of: Timestamp, failures: &[(&str, &str)]) -> Document {
    let Document::Run(run) = Documents::about("cpuUsage", "a").run(as_of) else {
        panic!("it is a run");
    };
    let failures = failures.iter();
    let failures = failures.map(|(metric, why)| Failure::new("fetch", *why).of_metric(metric));
    Document::Run(RunDocument {
        failures: failures.collect(),
        ..run
    })
}

#[tokio::test]
async fn a_metric_that_never_had_a_series_does_not_fail() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let failures = [
        ("cpuUsage", "no series"),
        ("diskUsage", "timeout"),
        ("temperature", "no series"),
    ];
    let documents = [
        Documents::about("cpuUsage", "a").metrics(at(0)),
        run(at(0), &failures),
        run(at(3_600), &failures),
    ];
    store.store_batch(&documents, &[]).await.unwrap();
    let facts = store.system_facts(at(3_600), at(3_510), &[]).await.unwrap();
    let failing: Vec<&String> = facts.failing_for_an_hour.keys().collect();
    assert_eq!(failing, ["cpuUsage", "diskUsage"]);
    let newest = facts.newest_run.unwrap();
    let failed = newest.failures.iter().map(|own| own.metric.as_deref());
    let failed: Vec<_> = failed.flatten().collect();
    assert_eq!(failed, ["cpuUsage", "diskUsage"]);
}
