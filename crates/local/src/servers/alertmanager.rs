use std::{env, path::Path};

use anyhow::Result;

use super::{
    PATIENCE, Server, debian,
    program::{Program, Provided},
    provide::docker,
};
use crate::{command::on_path, data::DataDirectory, files, progress::Progress};

/// An Alertmanager that alerts are sent to.
pub(crate) struct Alertmanager {
    /// Where it is.
    pub(crate) url: String,
    /// As the state of `up` lists it.
    pub(super) server: Server,
}

const NAME: &str = "alertmanager";
const PACKAGE: &str = "prometheus-alertmanager";
const IMAGE: &str = "prom/alertmanager:v0.28.1";
/// Alertmanagers of somebody's own.
pub(crate) const VARIABLE: &str = "ALERTMANAGER_URLS";

/// Shows what fires and notifies nobody.
const CONFIG: &str =
    "route: {receiver: nobody, group_wait: 1s, group_interval: 1s}\nreceivers: [{name: nobody}]\n";

/// Starts one, if there is one and the environment names no other. A machine without one is worth a line, not an error.
pub(super) async fn start(
    data: &DataDirectory,
    software: &Path,
    progress: &Progress,
) -> Result<Option<Alertmanager>> {
    if env::var(VARIABLE).is_ok_and(|urls| !urls.is_empty()) {
        return Ok(None);
    }
    let Some(Provided { program, source }) = provided(software, progress).await else {
        progress.line("  there is no Alertmanager: alerts show here and at /alerts alone");
        return Ok(None);
    };
    let step = progress.step("Alertmanager");
    step.at("starting");
    program.remove_leftover(NAME, data).await;
    let port = data.port(NAME)?;
    let url = format!("http://127.0.0.1:{port}");
    let config = data.path("alertmanager.yml");
    files::write(&config, CONFIG)?;
    let arguments = vec![
        format!("--config.file={}", config.display()).into(),
        format!("--storage.path={}", data.path(NAME).display()).into(),
        format!("--web.listen-address=127.0.0.1:{port}").into(),
        // Alone: no gossip, which would listen everywhere.
        "--cluster.listen-address=".into(),
        "--log.level=warn".into(),
    ];
    let client = http_client::direct().build()?;
    let (process, version) = program
        .launch(NAME, arguments, data)
        .start()?
        .ready(PATIENCE, async || {
            let status = client.get(format!("{url}/api/v2/status")).send().await?;
            let status: serde_json::Value = status.error_for_status()?.json().await?;
            let version = status["versionInfo"]["version"].as_str();
            Ok::<_, reqwest::Error>(version.unwrap_or_default().to_owned())
        })
        .await?;
    step.done(&format!("{version} on 127.0.0.1:{port} ({source})"));
    let server = Server {
        name: NAME,
        version: Some(version),
        source,
        port: Some(port),
        process: Some(process),
    };
    Ok(Some(Alertmanager { url, server }))
}

async fn provided(software: &Path, progress: &Progress) -> Option<Provided> {
    if let Some(path) = on_path(&[PACKAGE, NAME]) {
        return Some(Provided {
            program: Program::Native(path),
            source: "PATH".to_owned(),
        });
    }
    match debian::unpacked(PACKAGE, software, progress).await {
        Ok(Some(provided)) => return Some(provided),
        Ok(None) => {}
        Err(error) => progress.line(&format!("  {PACKAGE}: {error:#}")),
    }
    let docker = docker().await?;
    Some(Provided::image(&docker, IMAGE, "/bin/alertmanager"))
}
