use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::sleep;

use crate::{data::DataDirectory, output, process::stop_all};

const PATIENCE: Duration = Duration::from_secs(60);

/// Stops the `up` of a data directory, however far it got, or what is left of one that was killed.
///
/// # Errors
/// When it does not end.
pub(crate) async fn down(data: &DataDirectory) -> Result<ExitCode> {
    let began = Instant::now();
    let mut asked = None;
    loop {
        if let Some(_lock) = data.lock()? {
            let stopped = stop_all(&data.run()).await?;
            if stopped > 0 {
                output::note(&format!(
                    "stopped {stopped} processes that an `up` which was killed had left"
                ));
            }
            return Ok(ExitCode::SUCCESS);
        }
        let holder = data.holder()?.and_then(|holder| holder.pid);
        if let Some(pid) = holder.filter(|pid| asked != Some(*pid)) {
            match kill(Pid::from_raw(pid as i32), Signal::SIGTERM) {
                // It ended by itself.
                Ok(()) | Err(Errno::ESRCH) => asked = Some(pid),
                Err(error) => return Err(error).context("stopping `up`"),
            }
        }
        if began.elapsed() > PATIENCE {
            bail!("`up` has not ended after {} s", PATIENCE.as_secs());
        }
        sleep(Duration::from_millis(50)).await;
    }
}
