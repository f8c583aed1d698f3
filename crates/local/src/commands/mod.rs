//! One module a command.

mod check;
mod down;
mod first_run;
mod import;
mod invoke;
mod logs;
mod servers;
mod spike;
mod status;
mod test;
mod up;

pub(crate) use check::check;
pub(crate) use down::down;
pub(crate) use import::import;
pub(crate) use invoke::invoke;
pub(crate) use logs::logs;
pub(crate) use servers::servers;
pub(crate) use spike::spike;
pub(crate) use status::status;
pub(crate) use test::test;
pub(crate) use up::up;

use anyhow::{Result, bail};

use crate::{data::DataDirectory, state::State};

/// What the running `up` told of itself.
pub(crate) fn running(data: &DataDirectory) -> Result<State> {
    let place = data.root().display();
    match data.holder()? {
        None => bail!("nothing runs on {place}; `cargo local up` starts it"),
        Some(holder) => match (holder.state, holder.pid) {
            (Some(state), _) => Ok(state),
            (None, Some(pid)) => bail!("`up` is starting on {place} (process {pid})"),
            (None, None) => bail!("another command is at work on {place}"),
        },
    }
}
