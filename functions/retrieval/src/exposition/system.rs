//! How runs and deliveries go.

use std::collections::BTreeMap;

use domain::{Labels, Timestamp, message::RunDocument};
use store::{StoreError, alert::DeliveryCounts, read::Selection};

use super::{
    Exposition,
    families::{self, Owner},
    objectives::epoch_seconds,
};
use crate::Retrieval;

/// Adds what is known of the newest run and of the receivers of alerts.
pub(super) async fn add(
    retrieval: &Retrieval,
    now: Timestamp,
    exposition: &mut Exposition,
) -> Result<(), StoreError> {
    let store = &retrieval.store;
    let newest = Selection {
        metric: None,
        labels: Labels::default(),
        from: None,
        to: None,
        pinned: now,
        limit: 1,
    };
    if let Some(run) = store.runs(&newest, None).await?.rows.first() {
        add_run(exposition, run);
    }
    if let Some(good) = store.run_health().await?.newest_good {
        let (of, value) = (families::GOOD_RUN_TIMESTAMP, epoch_seconds(good));
        exposition.add(of, Labels::default(), value, now);
    }
    for counts in store.delivery_counts(now).await? {
        add_deliveries(exposition, &counts, now);
    }
    Ok(())
}

fn add_run(exposition: &mut Exposition, run: &RunDocument) {
    for (of, value) in [
        (families::RUN_TIMESTAMP, epoch_seconds(run.as_of)),
        (families::RUN_START, epoch_seconds(run.started_at)),
        (families::RUN_SERIES, run.series as f64),
        (families::RUN_SAMPLES, run.samples as f64),
        (families::RUN_MESSAGES, run.messages as f64),
        (families::RUN_SIZE, run.bytes as f64),
    ] {
        exposition.add(of, Labels::default(), value, run.as_of);
    }
    let mut failures: BTreeMap<&str, f64> = run
        .stages
        .iter()
        .map(|stage| (stage.stage.as_str(), 0.0))
        .collect();
    for failure in &run.failures {
        *failures.entry(failure.stage.as_str()).or_default() += 1.0;
    }
    for (stage, count) in failures {
        let labels = Owner::of([("stage", stage)]).labels();
        exposition.add(families::RUN_FAILURES, labels, count, run.as_of);
    }
    for stage in &run.stages {
        let labels = Owner::of([("stage", stage.stage.as_str())]).labels();
        let seconds = stage.milliseconds / 1000.0;
        exposition.add(families::RUN_STAGE, labels, seconds, run.as_of);
    }
}

fn add_deliveries(exposition: &mut Exposition, counts: &DeliveryCounts, now: Timestamp) {
    let owner = Owner::of([("receiver", counts.receiver.as_str())]);
    for (state, count) in [
        ("waiting", counts.waiting),
        ("delivered", counts.delivered),
        ("dead", counts.dead),
    ] {
        let labels = owner.with("state", state);
        exposition.add(families::DELIVERIES, labels, count as f64, now);
    }
    let disabled = f64::from(counts.is_disabled);
    let labels = owner.labels();
    exposition.add(families::RECEIVER_DISABLED, labels, disabled, now);
}
