//! A system that a soak runs: an `up`, as a process of its own.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{
    command::Group,
    commands::{down, running},
    data::DataDirectory,
    state::State,
};

/// An `up` that is ready.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) state: State,
    up: Child,
    group: Group,
}

/// How long a start may take; the first one compiles the functions.
const STARTING: Duration = Duration::from_secs(40 * 60);
const ENDING: Duration = Duration::from_secs(60);
/// A busy machine may be too slow for a server's first answer: that is nothing the soak judges.
const ATTEMPTS: usize = 5;

impl Started {
    /// Starts one and waits until it is ready, again if it ends before that.
    ///
    /// # Errors
    /// When it ends again and again, or takes too long.
    pub(super) async fn system(
        data: &DataDirectory,
        arguments: &[&str],
        environment: &[(&str, String)],
    ) -> Result<Self> {
        let mut attempt = 1;
        loop {
            match Self::once(data, arguments, environment).await {
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                started => return started,
            }
            down(data).await?;
        }
    }

    async fn once(
        data: &DataDirectory,
        arguments: &[&str],
        environment: &[(&str, String)],
    ) -> Result<Self> {
        let program = std::env::current_exe().context("finding this program")?;
        let port = data.port("soak")?.to_string();
        let mut up = Command::new(program)
            .arg("--data")
            .arg(data.root())
            .args(["up", "--port", &port])
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("starting `up`")?;
        let group = Group(up.id());
        ready(&mut up).await?;
        let state = running(data)?;
        Ok(Self { state, up, group })
    }

    /// Stops it.
    ///
    /// # Errors
    /// When it does not end.
    pub(super) async fn stop(mut self, data: &DataDirectory) -> Result<()> {
        down(data).await?;
        let ended = timeout(ENDING, self.up.wait()).await;
        ended.context("`up` does not end")??;
        self.group.ended();
        Ok(())
    }
}

async fn ready(up: &mut Child) -> Result<()> {
    let stdout = up.stdout.take().context("`up` has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let told = async {
        while let Some(line) = lines.next_line().await? {
            if line.starts_with("ready ") {
                return Ok(());
            }
        }
        bail!("`up` ended before it was ready")
    };
    timeout(STARTING, told)
        .await
        .context("`up` is not ready")??;
    // Nothing more is read: what `up` prints from now on must not wait for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(())
}
