//! One module a command.

mod down;
mod invoke;
mod logs;
mod servers;
mod spike;
mod status;
mod test;
mod up;

pub(crate) use down::down;
pub(crate) use invoke::invoke;
pub(crate) use logs::logs;
pub(crate) use servers::servers;
pub(crate) use spike::spike;
pub(crate) use status::status;
pub(crate) use test::test;
pub(crate) use up::up;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::{data::DataDirectory, state::State};

/// What the running `up` told of itself.
fn running(data: &DataDirectory) -> Result<State> {
    data.state()?.with_context(|| {
        format!(
            "nothing runs on {}; `cargo local up` starts it",
            data.root().display()
        )
    })
}

/// Waits for SIGINT or SIGTERM.
async fn interrupted() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
