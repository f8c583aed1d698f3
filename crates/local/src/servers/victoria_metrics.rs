use std::{env, path::Path};

use anyhow::{Context, Result};

use super::{
    PATIENCE, debian,
    program::{Program, Provided},
    provide::docker,
};
use crate::{command::on_path, data::DataDirectory, process::Supervised, progress::Progress};

/// A VictoriaMetrics, for the tests of what speaks Prometheus' API without being it.
#[derive(Debug)]
pub(crate) struct VictoriaMetrics {
    url: String,
    _process: Option<Supervised>,
}

const NAME: &str = "victoria-metrics";
const IMAGE: &str = "victoriametrics/victoria-metrics:v1.79.5";
const VARIABLE: &str = "VICTORIAMETRICS_URL";

impl VictoriaMetrics {
    /// The one that the environment names, else one of our own.
    ///
    /// # Errors
    /// When there is neither a package of Debian nor Docker, or it does not start.
    pub(crate) async fn start(
        data: &DataDirectory,
        software: &Path,
        progress: &Progress,
    ) -> Result<Self> {
        if let Some(url) = env::var(VARIABLE).ok().filter(|url| !url.is_empty()) {
            return Ok(Self {
                url,
                _process: None,
            });
        }
        let Provided { program, source } = provided(software, progress).await?;
        let step = progress.step("VictoriaMetrics");
        step.at("starting");
        program.remove_leftover(NAME, data).await;
        let port = data.port(NAME)?;
        let url = format!("http://127.0.0.1:{port}");
        let arguments = vec![
            format!("-httpListenAddr=127.0.0.1:{port}").into(),
            format!("-storageDataPath={}", data.path(NAME).display()).into(),
            "-loggerLevel=WARN".into(),
            // Samples are there as soon as they are written, however old they are.
            "-search.disableCache".into(),
            "-search.latencyOffset=0s".into(),
        ];
        let client = http_client::direct().build()?;
        let (process, ()) = program
            .launch(NAME, arguments, data)
            .start()?
            .ready(PATIENCE, async || {
                let health = client.get(format!("{url}/health")).send().await?;
                health.error_for_status().map(drop)
            })
            .await?;
        step.done(&format!("127.0.0.1:{port} ({source})"));
        Ok(Self {
            url,
            _process: Some(process),
        })
    }

    /// What tests are told of it.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 1] {
        [(VARIABLE, &self.url)]
    }
}

async fn provided(software: &Path, progress: &Progress) -> Result<Provided> {
    for name in [NAME, "victoria-metrics-prod"] {
        if let Some(path) = on_path(&[name]) {
            return Ok(Provided {
                program: Program::Native(path),
                source: "PATH".to_owned(),
            });
        }
    }
    let unpacked = debian::unpacked(NAME, software, progress).await;
    match unpacked {
        Ok(Some(provided)) => return Ok(provided),
        Ok(None) => {}
        Err(error) => progress.line(&format!("  {NAME}: {error:#}")),
    }
    let docker = docker().await.with_context(|| {
        format!(
            "{NAME} is neither on PATH nor a package of this system, there is no Docker, and {VARIABLE} is not set"
        )
    })?;
    Ok(Provided::image(&docker, IMAGE, "/victoria-metrics-prod"))
}
