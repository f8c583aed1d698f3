//! Reading real servers, found in the environment, and stand-ins for servers that cannot be had.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agreement;
mod servers;

use std::time::Duration;

use chrono::Utc;
use config::Environment;
use domain::Timestamp;
use prometheus::{Metric, metrics_file};

/// The environment the tests run in.
fn environment() -> Environment {
    assert!(
        std::env::var("PROMETHEUS_URL").is_ok(),
        "PROMETHEUS_URL is not set: run the tests with `cargo local test`"
    );
    Environment::of_process()
}

/// A metric with this query.
fn metric(query: &str) -> Metric {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        format!("[[metric]]\nname = \"x\"\nquery = '''\n{query}'''"),
    )
    .unwrap();
    metrics_file::load(file.path()).unwrap().remove(0)
}

fn moment_ago() -> Timestamp {
    (Timestamp::from(Utc::now()) - Duration::from_secs(5)).floor_to_second()
}
