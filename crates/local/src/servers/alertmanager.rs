use anyhow::Result;

use super::{PATIENCE, Server, program::Provided};
use crate::{data::DataDirectory, files, progress::Progress};

/// An Alertmanager that alerts are sent to.
pub(crate) struct Alertmanager {
    /// Where it is.
    pub(crate) url: String,
    /// As the state of `up` lists it.
    pub(super) server: Server,
}

const NAME: &str = "alertmanager";

/// Shows what fires and notifies nobody.
const CONFIG: &str =
    "route: {receiver: nobody, group_wait: 1s, group_interval: 1s}\nreceivers: [{name: nobody}]\n";

/// Starts it.
///
/// # Errors
/// When it does not answer.
pub(super) async fn start(
    data: &DataDirectory,
    Provided { program, source }: &Provided,
    progress: &Progress,
) -> Result<Alertmanager> {
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
        source: source.clone(),
        port: Some(port),
        process: Some(process),
    };
    Ok(Alertmanager { url, server })
}
