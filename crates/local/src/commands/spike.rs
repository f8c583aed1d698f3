use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use chrono::Utc;

use super::running;
use crate::{
    data::DataDirectory,
    demo::{METRICS, Spikes},
    output,
};

/// Pushes a metric of the demo node out of its range for a while.
///
/// # Errors
/// When nothing runs, there is no demo node or no such metric, or the duration is not from 5s to 1d.
pub(crate) fn spike(data: &DataDirectory, metric: &str, duration: Duration) -> Result<ExitCode> {
    if !METRICS.contains(&metric) {
        bail!("`{metric}` must be one of {}", METRICS.join(", "));
    }
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    if !(5..=86_400).contains(&seconds) {
        bail!("a spike lasts from 5s to 1d");
    }
    if !running(data)?.demo {
        bail!("there is no demo node: `up` was started with --no-demo or a Prometheus of its own");
    }
    let now = Utc::now().timestamp();
    Spikes::add(&data.path("spikes.json"), metric, now, seconds).context("asking for the spike")?;
    output::line(&format!(
        "{metric} of the demo node is out of its range for {}",
        domain::duration::format(duration)
    ))?;
    Ok(ExitCode::SUCCESS)
}
