use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::sleep;

use crate::{data::DataDirectory, process::stop_all};

const PATIENCE: Duration = Duration::from_secs(60);

/// Stops the `up` of a data directory, or what is left of one that was killed.
///
/// # Errors
/// When it does not end.
pub(crate) async fn down(data: &DataDirectory) -> Result<ExitCode> {
    if let Some(state) = data.state()? {
        kill(Pid::from_raw(state.pid as i32), Signal::SIGTERM)?;
    }
    let began = Instant::now();
    loop {
        if let Some(_lock) = data.lock()? {
            let stopped = stop_all(&data.run()).await?;
            if stopped > 0 {
                eprintln!("stopped {stopped} processes that an `up` which was killed had left");
            }
            return Ok(ExitCode::SUCCESS);
        }
        if began.elapsed() > PATIENCE {
            bail!("`up` has not ended after {} s", PATIENCE.as_secs());
        }
        sleep(Duration::from_millis(50)).await;
    }
}
