use anyhow::{Context, Result};

use super::{ServerPrograms, healthy, need::Need};
use crate::{data::DataDirectory, process::Supervised, progress::Progress};

/// A `VictoriaMetrics`, for the tests of what speaks Prometheus' API without being it.
#[derive(Debug)]
pub(crate) struct VictoriaMetrics {
    url: String,
    _process: Option<Supervised>,
}

const NAME: &str = "victoria-metrics";

impl VictoriaMetrics {
    /// The one that the environment names, else one of our own.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) async fn start(
        data: &DataDirectory,
        programs: &ServerPrograms,
        progress: &Progress,
    ) -> Result<Self> {
        if let Some(url) = Need::VictoriaMetrics.given() {
            return Ok(Self {
                url,
                _process: None,
            });
        }
        let provided = programs.0.get(Need::VictoriaMetrics);
        let provided = provided.context("no VictoriaMetrics was found")?;
        let step = progress.step("VictoriaMetrics");
        step.at("starting");
        provided.program.remove_leftover(NAME, data).await;
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
        let launch = provided.program.launch(NAME, arguments, data);
        let process = healthy(launch, &url).await?;
        step.done(&format!("127.0.0.1:{port} ({})", provided.source));
        Ok(Self {
            url,
            _process: Some(process),
        })
    }

    /// The variables by which tests find it.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 1] {
        [("VICTORIAMETRICS_URL", &self.url)]
    }
}
