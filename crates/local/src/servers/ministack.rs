use std::path::Path;

use anyhow::{Context, Result};
use tokio::process::Command;

use super::{INSTALLING, emptied, given, healthy, with_login::KafkaWithLogin};
use crate::{
    command::{on_path, run},
    data::DataDirectory,
    process::{Launch, Supervised},
    progress::Progress,
};

/// AWS' APIs on loopback, for the tests of what asks them: `MiniStack`, from `PyPI`.
#[derive(Debug)]
pub(crate) struct MiniStack {
    url: String,
    _process: Option<Supervised>,
}

const NAME: &str = "ministack";
const VERSION: &str = "1.5.33";
const VARIABLE: &str = "AWS_ENDPOINT_URL";

impl MiniStack {
    /// The APIs that the environment names, else some of our own. Their MSK answers with the brokers that are there.
    ///
    /// # Errors
    /// When there is no Python, or it does not start.
    pub(crate) async fn start(
        data: &DataDirectory,
        software: &Path,
        kafka_brokers: &str,
        with_login: &KafkaWithLogin,
        progress: &Progress,
    ) -> Result<Self> {
        if let Some(url) = given(VARIABLE) {
            return Ok(Self {
                url,
                _process: None,
            });
        }
        let environment = software.join(format!("{NAME}-{VERSION}"));
        // The last file that is written.
        if !environment.join("bin").join(NAME).exists() {
            install(software, &environment, progress).await?;
        }
        let step = progress.step("MiniStack");
        step.at("starting");
        let port = data.port(NAME)?;
        let url = format!("http://127.0.0.1:{port}");
        let launch = Launch {
            name: NAME,
            program: environment.join("bin/python"),
            arguments: vec!["-m".into(), NAME.into()],
            environment: vec![
                ("BIND_HOST", "127.0.0.1".into()),
                ("GATEWAY_PORT", port.to_string().into()),
                ("TMPDIR", data.root().into()),
                ("MINISTACK_MSK_BOOTSTRAP", kafka_brokers.into()),
                (
                    "MINISTACK_MSK_BOOTSTRAP_SASL_SCRAM",
                    with_login.brokers.clone().into(),
                ),
            ],
            log: data.log(NAME),
            run: data.run(),
        };
        let process = healthy(launch, &url).await?;
        step.done(&format!("{VERSION} on 127.0.0.1:{port}"));
        Ok(Self {
            url,
            _process: Some(process),
        })
    }

    /// The variables by which tests find it, under the names that AWS' own clients read.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 4] {
        [
            (VARIABLE, &self.url),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
        ]
    }
}

async fn install(software: &Path, environment: &Path, progress: &Progress) -> Result<()> {
    let python = on_path(&["python3"])
        .with_context(|| format!("python3 is not on PATH, and {VARIABLE} is not set"))?;
    let step = progress.step("MiniStack");
    step.at("from PyPI");
    // An environment cannot be moved, so it is made in its place; what is left of an earlier try goes first.
    let name = environment.file_name().unwrap_or_default();
    emptied(software, &name.to_string_lossy())?;
    let mut create = Command::new(python);
    create.args(["-m", "venv"]).arg(environment);
    let created = run(&mut create, INSTALLING).await;
    created.context("on Debian the package python3-venv is needed")?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet"])
        .arg(format!("{NAME}=={VERSION}"));
    run(&mut pip, INSTALLING).await?;
    step.done(&format!("{VERSION} from PyPI"));
    Ok(())
}
