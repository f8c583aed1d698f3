use std::{
    ffi::OsString,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result};
use chrono::Utc;
use serde_json::{Value, json};

use super::{
    PATIENCE, PROMETHEUS_VARIABLE, Server, Wanted, emptied,
    program::{Program, Provided},
};
use crate::{
    command::{on_path, run},
    data::DataDirectory,
    demo::{NODE, Node, Spikes, history},
    files,
    progress::{Progress, Step},
};

/// A Prometheus that answers.
pub(super) struct Prometheus {
    pub(super) url: String,
    pub(super) server: Server,
    pub(super) node_exporter: Option<Server>,
    pub(super) demo_began: Option<i64>,
}

const NAME: &str = "prometheus";
const JOB: &str = "node";
const SCRAPE_SECONDS: i64 = 15;
/// The longest window, the longest `for` and some more.
const HISTORY_SECONDS: i64 = 13 * 3600 + 30 * 60;

/// The Prometheus that the environment names, if it answers.
pub(super) async fn given(url: String) -> Result<Prometheus> {
    let version = version(&url)
        .await
        .with_context(|| format!("{PROMETHEUS_VARIABLE}: no Prometheus answers at {url}"))?;
    Ok(Prometheus {
        url,
        server: Server {
            name: NAME,
            version: Some(version),
            source: PROMETHEUS_VARIABLE.to_owned(),
            port: None,
            process: None,
        },
        node_exporter: None,
        demo_began: None,
    })
}

/// Starts a Prometheus of our own. If it is new, the demo node's history is written for it first.
pub(super) async fn start(
    data: &DataDirectory,
    provided: Option<&Provided>,
    node_exporter: Option<Server>,
    wanted: Wanted,
    progress: &Progress,
) -> Result<Prometheus> {
    let provided = provided.context("no Prometheus was found")?;
    let step = progress.step("Prometheus");
    let program = &provided.program;
    program.remove_leftover(NAME, data).await;
    if wanted.tests && data.path(NAME).exists() {
        // The demo node's history has to reach back from now, whenever there were tests before.
        fs::remove_dir_all(data.path(NAME))?;
    }
    let fresh = !data.path(NAME).exists();
    let demo_began = match wanted.demo_port {
        Some(_) => Some(demo_began(data, program, fresh, &step).await?),
        None => None,
    };
    let configuration = data.path("prometheus.yml");
    let exporter_port = node_exporter.as_ref().and_then(|server| server.port);
    files::write_json(&configuration, &scrape_configuration(wanted, exporter_port))?;
    let port = data.port(NAME)?;
    let mut arguments: Vec<OsString> = vec![
        format!("--web.listen-address=127.0.0.1:{port}").into(),
        "--storage.tsdb.retention.time=30d".into(),
        "--log.level=warn".into(),
    ];
    if wanted.tests {
        arguments.push("--web.enable-remote-write-receiver".into());
    }
    for (option, path) in [
        ("--config.file=", configuration),
        ("--storage.tsdb.path=", data.path(NAME)),
    ] {
        let mut argument = OsString::from(option);
        argument.push(path);
        arguments.push(argument);
    }
    step.at("starting");
    let url = format!("http://127.0.0.1:{port}");
    let process = program.launch(NAME, arguments, data).start()?;
    let (process, version) = process
        .ready(PATIENCE, async || version(&url).await)
        .await?;
    step.done(&format!(
        "{version} on 127.0.0.1:{port} ({})",
        provided.source
    ));
    Ok(Prometheus {
        url,
        server: Server {
            name: NAME,
            version: Some(version),
            source: provided.source.clone(),
            port: Some(port),
            process: Some(process),
        },
        node_exporter,
        demo_began,
    })
}

/// Since when the demo node counts. History is written before Prometheus' first start alone: a block that is newer than
/// the samples in its log would make it drop them.
async fn demo_began(
    data: &DataDirectory,
    program: &Program,
    fresh: bool,
    step: &Step,
) -> Result<i64> {
    let now = Utc::now().timestamp();
    let file = data.path("demo.json");
    if !fresh {
        if let Some(began) = files::read_json(&file)? {
            return Ok(began);
        }
        files::write_json(&file, &now)?;
        return Ok(now);
    }
    step.at("writing 13 h of history");
    let to = now - now.rem_euclid(SCRAPE_SECONDS);
    let from = to - HISTORY_SECONDS;
    let partial = emptied(data.root(), "prometheus.partial")?;
    let samples = data.path("history.openmetrics");
    let spikes = Spikes::read(&data.path("spikes.json"))?;
    write_history(&samples, from, to, spikes).await?;
    let mut command = promtool(program).command("promtool", data);
    command
        .args(["tsdb", "create-blocks-from", "--quiet", "openmetrics"])
        .arg(&samples)
        .arg(&partial);
    run(&mut command, Duration::from_secs(300)).await?;
    fs::remove_file(samples)?;
    files::write_json(&file, &from)?;
    fs::rename(partial, data.path(NAME))?;
    Ok(from)
}

async fn write_history(path: &Path, from: i64, to: i64, spikes: Spikes) -> Result<()> {
    let target = format!(r#"instance="{NODE}",job="{JOB}",nodeName="{NODE}""#);
    let path = path.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let mut file = BufWriter::new(File::create(path)?);
        let node = Node::new(from);
        history(
            &mut file,
            node,
            &spikes,
            (from, to),
            SCRAPE_SECONDS,
            &target,
        )?;
        file.flush()
    });
    written.await?.context("writing the history")
}

fn promtool(program: &Program) -> Program {
    let beside = program.sibling("promtool");
    match &beside {
        Program::Native(path) if !path.exists() => {
            on_path(&["promtool"]).map_or(beside, Program::Native)
        }
        _ => beside,
    }
}

/// YAML takes JSON as it is.
fn scrape_configuration(wanted: Wanted, exporter_port: Option<u16>) -> Value {
    let host = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned());
    let target = |port: u16, node: &str| {
        json!({
            "targets": [format!("127.0.0.1:{port}")],
            "labels": { "instance": node, "nodeName": node },
        })
    };
    let targets: Vec<Value> = [
        wanted.demo_port.map(|port| target(port, NODE)),
        exporter_port.map(|port| target(port, &host)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut global = json!({ "scrape_interval": format!("{SCRAPE_SECONDS}s") });
    if wanted.tests {
        // Remote read adds them to every series.
        global["external_labels"] = json!({ "zone": "test" });
    }
    let mut configuration = json!({
        "global": global,
        "scrape_configs": [{ "job_name": JOB, "static_configs": targets }],
    });
    if wanted.tests {
        // Tests push series with a past, which is older than this Prometheus.
        configuration["storage"] = json!({ "tsdb": { "out_of_order_time_window": "14h" } });
    }
    configuration
}

async fn version(url: &str) -> Result<String> {
    let client = http_client::direct()
        .timeout(Duration::from_secs(5))
        .build()?;
    let url = url.trim_end_matches('/');
    let ready = client.get(format!("{url}/-/ready")).send().await?;
    // Services that only speak the API have no such page.
    if ready.status().is_server_error() {
        ready.error_for_status()?;
    }
    let answer = client
        .get(format!("{url}/api/v1/status/buildinfo"))
        .send()
        .await?;
    let document: Value = answer.json().await.unwrap_or_default();
    let version = document["data"]["version"].as_str();
    Ok(version.unwrap_or("unknown").to_owned())
}
