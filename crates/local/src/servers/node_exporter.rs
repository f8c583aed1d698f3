use anyhow::{Context, Result, bail};

use super::{PATIENCE, Server, program::Provided};
use crate::{data::DataDirectory, progress::Progress};

pub(super) const NAME: &str = "node-exporter";

/// Starts node exporter on this machine, if there is one.
pub(super) async fn start(
    data: &DataDirectory,
    provided: Option<&Provided>,
    progress: &Progress,
) -> Result<Option<Server>> {
    let Some(provided) = provided else {
        return Ok(None);
    };
    let step = progress.step("node exporter");
    provided.program.remove_leftover(NAME, data).await;
    let port = data.port(NAME)?;
    let arguments = vec![
        format!("--web.listen-address=127.0.0.1:{port}").into(),
        "--collector.processes".into(),
        "--log.level=warn".into(),
    ];
    let process = provided.program.launch(NAME, arguments, data).start()?;
    let (process, version) = process
        .ready(PATIENCE, async || version(port).await)
        .await?;
    step.done(&format!(
        "{version} on 127.0.0.1:{port} ({})",
        provided.source
    ));
    Ok(Some(Server {
        name: NAME,
        version: Some(version),
        source: provided.source.clone(),
        port: Some(port),
        process: Some(process),
    }))
}

/// The version that the exporter reports among its metrics.
async fn version(port: u16) -> Result<String> {
    let answer = http_client::direct()
        .build()?
        .get(format!("http://127.0.0.1:{port}/metrics"))
        .send()
        .await?;
    let text = answer.error_for_status()?.text().await?;
    let Some(line) = text
        .lines()
        .find(|line| line.starts_with("node_exporter_build_info{"))
    else {
        bail!("there is no node_exporter_build_info");
    };
    line.split(",version=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .map(str::to_owned)
        .context("node_exporter_build_info has no version")
}
