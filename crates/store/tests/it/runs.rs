//! What a run is asked about the one before it.

use std::time::Duration;

use domain::message::{DEADLINE, Failure, TIMEOUT};
use store::{
    pipeline::Document,
    testing::{Documents, TestDatabase},
};

use crate::score::{at, store};

/// A run that started in second `seconds`, with these failures to fetch.
fn run(seconds: u64, partial: bool, failures: &[(&str, &str)]) -> Document {
    let Document::Run(mut run) = Documents::about("cpuUsage", "a").run(at(seconds)) else {
        unreachable!()
    };
    run.started_at = at(seconds) + Duration::from_secs(5);
    run.partial = partial;
    let failures = failures.iter();
    run.failures = failures
        .map(|(metric, reason)| Failure::new("fetch", *reason).of_metric(metric))
        .collect();
    Document::Run(run)
}

#[tokio::test]
async fn the_newest_run_over_all_metrics_says_which_it_did_not_reach() {
    let database = TestDatabase::create().await;
    let unreached = async || database.store().unreached_metrics().await.unwrap();
    assert_eq!(unreached().await, [""; 0]);
    let failures = [("c", DEADLINE), ("b", TIMEOUT), ("a", DEADLINE)];
    store(
        &database,
        &[
            run(60, false, &failures),
            run(0, false, &[]),
            run(120, true, &[("b", DEADLINE)]),
        ],
    )
    .await;
    assert_eq!(unreached().await, ["c", "a"]);
    store(&database, &[run(180, false, &[])]).await;
    assert_eq!(unreached().await, [""; 0]);
}
