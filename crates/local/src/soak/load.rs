//! What the system is asked to do while it is broken.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use chrono::Utc;
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::faults::Random;
use crate::{
    data::DataDirectory,
    demo::{NODE, Spikes},
};

/// The SLA that is looked at.
pub(super) const SLA: &str = "soak";
/// A header of records that can never be stored.
pub(super) const UNREADABLE: &str = "soak-unreadable";

/// The longest that a route takes, and some more.
pub(super) const PATIENCE: Duration = Duration::from_secs(35);
const BETWEEN_RUNS: Duration = Duration::from_secs(7);
const BETWEEN_SPIKES: Duration = Duration::from_secs(15);
const BETWEEN_UNREADABLE: Duration = Duration::from_secs(5);
/// What spikes: two metrics with objectives.
const SPIKING: [&str; 2] = ["cpuTemp", "totProcesses"];

/// Stores the SLA: objectives that are met and objectives that are not, on every node, so that an entry that is missing
/// or of another run is seen; two that fire and stop firing; and one of events. Those with budgets are about the demo node
/// alone, which is older than the soak: of a younger one the first run decides how much of the time before it was judged.
///
/// # Errors
/// When it is refused.
pub(super) async fn prepare(http: &str, query: &str, replay: bool) -> Result<()> {
    let node = json!({"nodeName": NODE});
    let sla = json!({"name": SLA, "replay": replay, "objectives": [
        {"id": "busy", "metric": "cpuUsage", "max": 0.001},
        {"id": "idle", "metric": "cpuUsage", "max": 101},
        {"id": "memory", "metric": "availableMem", "min": 1},
        {"id": "processes", "metric": "totProcesses", "max": 1},
        {"id": "slack", "metric": "cpuUsage", "labels": node, "min": 30, "target": 0.5, "budget_window": "1d", "missing": "bad"},
        {"id": "hot", "metric": "cpuTemp", "labels": node, "max": 85, "target": 0.99, "budget_window": "1d"},
        {"id": "crowded", "metric": "totProcesses", "labels": node, "max": 400, "target": 0.99, "budget_window": "1d"},
        {"id": "requests", "target": 0.995, "budget_window": "1d", "by": ["nodeName"],
         "events": {"bad": r#"demo_http_requests_total{code=~"5.."}"#, "total": "demo_http_requests_total"}},
    ]});
    let client = http_client::direct().timeout(PATIENCE).build()?;
    let url = format!("{http}/sla{query}");
    let answer = client.post(url).json(&sla).send().await?;
    if !answer.status().is_success() {
        bail!("the SLA is refused: {}", answer.text().await?);
    }
    Ok(())
}

/// Asks for a run now and then beside those of the schedule. That it may fail is the point.
pub(super) async fn ask_for_runs(http: String, over: Arc<AtomicBool>) {
    let Ok(client) = http_client::direct().timeout(PATIENCE).build() else {
        return;
    };
    while !over.load(Ordering::Relaxed) {
        let body = json!({"sla": SLA});
        let _ = client.post(format!("{http}/ETL")).json(&body).send().await;
        sleep(BETWEEN_RUNS).await;
    }
}

/// Lets objectives of the demo node be violated, and met again, at moments that the seed decides.
pub(super) async fn spike(data: DataDirectory, seed: u64, over: Arc<AtomicBool>) {
    let mut random = Random(seed);
    while !over.load(Ordering::Relaxed) {
        for metric in SPIKING {
            if random.below(3) == 0 {
                let seconds = 15 + random.below(45) as i64;
                let now = Utc::now().timestamp();
                // While the disk is full there is none.
                let _ = Spikes::add(&data.path("spikes.json"), metric, now, seconds);
            }
        }
        sleep(BETWEEN_SPIKES).await;
    }
}

/// Publishes records that can never be stored: they have to be set aside, each once.
///
/// # Errors
/// When there can be no producer.
pub(super) async fn publish_unreadable(
    brokers: String,
    topic: String,
    over: Arc<AtomicBool>,
) -> Result<()> {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("broker.address.family", "v4")
        .set("message.timeout.ms", "20000")
        .create()
        .context("publishing records that cannot be stored")?;
    let mut number = 0_u64;
    while !over.load(Ordering::Relaxed) {
        number += 1;
        let header = |key, value| Header { key, value };
        let headers = OwnedHeaders::new()
            .insert(header("ce_type", Some("slacast.metadata.v1")))
            .insert(header(UNREADABLE, Some("1")));
        let (key, value) = (number.to_string(), "{\"no\": document");
        let record = FutureRecord::to(&topic).key(&key).payload(value);
        // What does not arrive is not on the topic, and so not expected anywhere.
        let _ = producer.send(record.headers(headers), Duration::ZERO).await;
        sleep(BETWEEN_UNREADABLE).await;
    }
    Ok(())
}

/// Asks for the last run, over everything, until it succeeds. Returns its time.
///
/// # Errors
/// When none succeeds.
pub(super) async fn last_run(http: &str, as_of: Option<&str>) -> Result<String> {
    let client = http_client::direct().timeout(PATIENCE).build()?;
    let body = as_of.map_or_else(|| json!({}), |as_of| json!({"as_of": as_of}));
    let mut said = String::new();
    for _ in 0..20 {
        let asked = client.post(format!("{http}/ETL")).json(&body).send();
        if let Ok(answer) = asked.await {
            let document: Value = answer.json().await.unwrap_or_default();
            let failures = document["failures"].as_array();
            if let (Some(as_of), Some([])) =
                (document["as_of"].as_str(), failures.map(Vec::as_slice))
            {
                return Ok(as_of.to_owned());
            }
            said = document.to_string();
        }
        sleep(Duration::from_secs(5)).await;
    }
    bail!("no run over everything succeeds at the end: {said}")
}
