//! What the system is asked to do while it is broken.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, bail};
use serde_json::json;
use tokio::time::sleep;

/// The SLA that is looked at.
pub(super) const SLA: &str = "soak";

const PATIENCE: Duration = Duration::from_secs(35);

/// Stores the SLA: objectives that are met and objectives that are not, on every node, so that an entry that is missing
/// or of another run is seen.
pub(super) async fn prepare(http: &str) -> Result<()> {
    let sla = json!({"name": SLA, "objectives": [
        {"id": "busy", "metric": "cpuUsage", "max": 0.001},
        {"id": "idle", "metric": "cpuUsage", "max": 101},
        {"id": "memory", "metric": "availableMem", "min": 1},
        {"id": "processes", "metric": "totProcesses", "max": 1},
    ]});
    let client = http_client::direct().timeout(PATIENCE).build()?;
    let answer = client.post(format!("{http}/sla")).json(&sla).send().await?;
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
        sleep(Duration::from_secs(7)).await;
    }
}
