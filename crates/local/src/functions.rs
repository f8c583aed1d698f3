//! The functions: built for release, told where everything is.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Command,
};

use crate::{
    command::{Group, on_path},
    data::DataDirectory,
    demo::demo_metrics,
    files,
    progress::{Progress, Step},
    servers::Servers,
    template::Template,
};

/// The programs of functions, by name.
pub(crate) type Programs = BTreeMap<String, PathBuf>;

/// Variables of the functions that are handed on as they are, if they are set.
const HANDED_ON: [&str; 16] = [
    "SETTLE",
    "SHARDS",
    "RUN_RETENTION",
    "RETENTION_DAYS",
    "RUST_LOG",
    "API_TOKENS",
    "PROMETHEUS_AUTH",
    "PROMETHEUS_TOKEN",
    "PROMETHEUS_USERNAME",
    "PROMETHEUS_PASSWORD",
    "PROMETHEUS_HEADERS",
    "PROMETHEUS_CA_FILE",
    "PROMETHEUS_CA_PEM",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "RUST_BACKTRACE",
];

/// The same for a Kafka that is not ours: our own asks nobody who they are.
const HANDED_ON_OF_KAFKA: [&str; 6] = [
    "KAFKA_AUTH",
    "KAFKA_USERNAME",
    "KAFKA_PASSWORD",
    "KAFKA_TLS",
    "KAFKA_CA_FILE",
    "KAFKA_CA_PEM",
];

/// Builds the functions of the template for release.
///
/// # Errors
/// When they do not compile, or there is neither cargo nor an earlier build beside this program.
pub(crate) async fn build(
    root: &Path,
    template: &Template,
    progress: &Progress,
) -> Result<Programs> {
    let names: Vec<&str> = template.functions.iter().map(|f| f.name.as_str()).collect();
    let Some(cargo) = cargo() else {
        return built_before(&names);
    };
    let step = progress.step("functions");
    let mut command = Command::new(cargo);
    command
        .args(["build", "--release"])
        // As in the alias `local`: it saves minutes of a first build.
        .args(["--config", "profile.release.lto=false"])
        .args(["--config", "profile.release.codegen-units=16"])
        .args(names.iter().flat_map(|name| ["--package", name]))
        .current_dir(root);
    let programs = built(&mut command, &step).await?;
    if let Some(name) = names.iter().find(|name| !programs.contains_key(**name)) {
        bail!("cargo built no program `{name}`");
    }
    step.done(&names.join(", "));
    Ok(programs)
}

/// Builds the functions as `cargo lambda watch` does, one by one, so that it has nothing left to build when it is first
/// asked for one.
///
/// # Errors
/// When they do not compile or there is no cargo.
pub(crate) async fn build_for_watch(
    root: &Path,
    template: &Template,
    progress: &Progress,
) -> Result<()> {
    let cargo = cargo().context("cargo is not on PATH")?;
    for function in &template.functions {
        let step = progress.step(&function.name);
        let mut command = Command::new(&cargo);
        command
            .args(["build", "--bin", &function.name])
            .current_dir(root);
        built(&mut command, &step).await?;
        step.done("built");
    }
    Ok(())
}

/// Runs cargo and returns the programs it built.
async fn built(command: &mut Command, step: &Step) -> Result<Programs> {
    step.at("building");
    command
        .arg("--message-format=json-render-diagnostics")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    forget_own_package(command);
    let mut child = command.spawn().context("starting cargo")?;
    let group = Group(child.id());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let artifacts = async {
        let mut programs = Programs::new();
        let mut crates = 0;
        let mut lines = BufReader::new(stdout.context("cargo has no output")?).lines();
        while let Some(line) = lines.next_line().await? {
            // Messages of other kinds have other fields.
            let Ok(message) = serde_json::from_str::<Artifact>(&line) else {
                continue;
            };
            crates += 1;
            step.at(format!("{crates} crates, {}", message.target.name));
            if let Some(program) = message.executable {
                programs.insert(message.target.name, program);
            }
        }
        anyhow::Ok(programs)
    };
    let diagnostics = async {
        let mut text = String::new();
        let mut stderr = stderr.context("cargo has no output")?;
        stderr.read_to_string(&mut text).await?;
        anyhow::Ok(text)
    };
    let (programs, diagnostics) = tokio::try_join!(artifacts, diagnostics)?;
    let status = child.wait().await?;
    group.ended();
    if !status.success() {
        bail!("the functions do not compile:\n{diagnostics}");
    }
    Ok(programs)
}

/// The variables of the functions.
///
/// # Errors
/// When the file of metrics is not there.
pub(crate) fn environment(
    root: &Path,
    data: &DataDirectory,
    template: &Template,
    servers: &Servers,
    http: &str,
    every: Duration,
) -> Result<BTreeMap<String, String>> {
    let given = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let metrics = match given("METRICS_FILE") {
        Some(path) => PathBuf::from(path),
        None if servers.demo_began.is_some() => metrics_of_demo(root, data)?,
        None => root.join("metrics.toml"),
    };
    let metrics = metrics
        .canonicalize()
        .with_context(|| format!("METRICS_FILE: {} cannot be read", metrics.display()))?;
    let of_kafka = (!servers.own_kafka).then_some(HANDED_ON_OF_KAFKA);
    let mut environment: BTreeMap<String, String> = HANDED_ON
        .iter()
        .chain(of_kafka.iter().flatten())
        .filter_map(|name| Some(((*name).to_owned(), given(name)?)))
        .collect();
    for (name, value) in [
        ("DATABASE_URL", servers.database_url.clone()),
        ("KAFKA_BROKERS", servers.kafka_brokers.clone()),
        ("KAFKA_TOPIC", topic(template)),
        ("PROMETHEUS_URL", servers.prometheus_url.clone()),
        ("METRICS_FILE", metrics.display().to_string()),
        ("ETL_URL", format!("{http}/ETL")),
        ("SCHEDULE_INTERVAL", domain::duration::format(every)),
        // The host is etl's way to itself; it asks nobody who they are.
        ("AWS_ENDPOINT_URL_LAMBDA", http.to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        // Loopback alone; tokens win if there are any.
        ("ALLOW_ANONYMOUS", "true".to_owned()),
        ("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true".to_owned()),
    ] {
        environment.insert(name.to_owned(), value);
    }
    Ok(environment)
}

/// The repository's metrics as the demo reads them, in the data directory.
fn metrics_of_demo(root: &Path, data: &DataDirectory) -> Result<PathBuf> {
    let shipped = root.join("metrics.toml");
    let text = fs::read_to_string(&shipped)
        .with_context(|| format!("{} cannot be read", shipped.display()))?;
    let path = data.path("metrics.toml");
    files::write(&path, &demo_metrics(&text))?;
    Ok(path)
}

/// The topic: `KAFKA_TOPIC`, else the template's.
pub(crate) fn topic(template: &Template) -> String {
    let given = env::var("KAFKA_TOPIC")
        .ok()
        .filter(|topic| !topic.is_empty());
    let of_trigger = || template.kafka_triggers.first().map(|t| t.topic.clone());
    given.or_else(of_trigger).unwrap_or_default()
}

/// The lines of an environment file.
pub(crate) fn environment_file(environment: &BTreeMap<String, String>) -> String {
    environment
        .iter()
        .fold(String::new(), |mut text, (name, value)| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}={value}");
            text
        })
}

/// `cargo`, as it called this program or as it is on PATH.
pub(crate) fn cargo() -> Option<PathBuf> {
    let calling = env::var_os("CARGO").map(PathBuf::from);
    calling
        .filter(|cargo| cargo.exists())
        .or_else(|| on_path(&["cargo"]))
}

/// What `cargo run` tells of this package must not reach other packages' builds, or they are built twice.
pub(crate) fn forget_own_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}

#[derive(Deserialize)]
struct Artifact {
    target: ArtifactTarget,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct ArtifactTarget {
    name: String,
}

/// The programs beside this one.
fn built_before(names: &[&str]) -> Result<Programs> {
    let own = env::current_exe().context("finding this program")?;
    let programs: Programs = names
        .iter()
        .map(|name| ((*name).to_owned(), own.with_file_name(name)))
        .collect();
    if let Some(program) = programs.values().find(|program| !program.exists()) {
        bail!(
            "cargo is not on PATH, and there is no {} from an earlier build",
            program.display()
        );
    }
    Ok(programs)
}
