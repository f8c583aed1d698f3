use std::{collections::BTreeMap, path::Path, process::ExitCode};

use anyhow::{Result, bail};

use crate::{
    control::Control,
    data::DataDirectory,
    demo::Node,
    output,
    process::stop_all,
    progress::Progress,
    servers::{KafkaWithLogin, MiniStack, ServerPrograms, Servers, VictoriaMetrics, Wanted},
    signals::Signals,
};

/// The servers of the tests, or of another host of the functions.
pub(super) struct Running {
    /// The variables by which they are found.
    pub(super) variables: BTreeMap<&'static str, String>,
    _servers: Servers,
    _tests: Option<(KafkaWithLogin, MiniStack, VictoriaMetrics)>,
}

/// Starts the servers that have the data directory `data`, with the demo node's history; downloads go to `software`.
/// With `tests` also those that only tests need.
pub(super) async fn start(
    data: &DataDirectory,
    software: &Path,
    programs: &ServerPrograms,
    tests: bool,
    progress: &Progress,
) -> Result<Running> {
    let control_port = data.port("control")?;
    let (control, _task) = Control::start(control_port, data.path("spikes.json")).await?;
    let wanted = Wanted {
        demo_port: Some(control_port),
        tests,
    };
    let servers = Servers::start(data, programs, wanted, progress).await?;
    if let Some(began) = servers.demo_began {
        control.show_node(Node::new(began));
    }
    let mut variables = BTreeMap::from([
        ("DATABASE_URL", servers.database_url.clone()),
        ("KAFKA_BROKERS", servers.kafka_brokers.clone()),
        ("PROMETHEUS_URL", servers.prometheus_url.clone()),
        ("LOCAL_SOFTWARE", software.display().to_string()),
    ]);
    let tests = if tests {
        let with_login = KafkaWithLogin::start(data, software, progress).await?;
        let brokers = &servers.kafka_brokers;
        let aws = MiniStack::start(data, software, brokers, &with_login, progress).await?;
        let victoria = VictoriaMetrics::start(data, programs, progress).await?;
        let more = with_login.variables().chain(aws.variables());
        let more = more.chain(victoria.variables());
        variables.extend(more.map(|(name, value)| (name, value.to_owned())));
        Some((with_login, aws, victoria))
    } else {
        None
    };
    Ok(Running {
        variables,
        _servers: servers,
        _tests: tests,
    })
}

/// Runs the servers in the foreground until a signal and prints the variables by which they are found, then `ready`.
///
/// # Errors
/// When a server cannot be had.
pub(crate) async fn servers(data: &DataDirectory, tests: bool) -> Result<ExitCode> {
    let software = data.path("software");
    let data = DataDirectory::open(&data.path("servers"))?;
    let mut signals = Signals::listen()?;
    let Some(lock) = data.lock()? else {
        bail!("`servers` runs on {} already", data.root().display());
    };
    lock.sign()?;
    stop_all(&data.run()).await?;
    let progress = Progress::default();
    let outcome = tokio::select! {
        outcome = shown(&data, &software, tests, &progress) => outcome,
        () = signals.received() => Ok(()),
    };
    stop_all(&data.run()).await?;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn shown(
    data: &DataDirectory,
    software: &Path,
    tests: bool,
    progress: &Progress,
) -> Result<()> {
    let programs = ServerPrograms::provide(software, tests, progress).await?;
    let running = start(data, software, &programs, tests, progress).await?;
    for (name, value) in &running.variables {
        output::line(&format!("{name}={value}"))?;
    }
    output::line("ready")?;
    std::future::pending().await
}
