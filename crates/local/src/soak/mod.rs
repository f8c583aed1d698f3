//! A soak: the whole system at work while its parts are killed, stopped, slowed and parted, and a record of its own of what came of it.
//!
//! The system is an `up` like any other, a process of its own. What checks it shares no code with the product: it reads the
//! topic and the answers as JSON, and compares them. At the end the system starts again without its schedule, so that what is
//! compared stays as it is, and a second system evaluates the same data while nobody breaks it.

mod answers;
mod delivered;
mod disk;
mod faults;
mod letters;
mod load;
mod network;
mod reader;
mod receiver;
mod record;
mod started;
mod undisturbed;
mod verdict;

use std::{
    path::Path,
    process::ExitCode,
    slice,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use chrono::Utc;
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    cli::SoakOptions, commands::down, data::DataDirectory, output, progress::Progress,
    signals::Signals, state::State,
};
use answers::Answer;
use disk::Disk;
use faults::Target;
use network::Network;
use reader::Reader;
use receiver::Receiver;
use record::Record;
use started::Started;
use verdict::Verdict;

/// At the end nothing is broken any more: what is missing has to become less within so long, again and again.
const SETTLING: Duration = Duration::from_secs(180);
const BETWEEN_COMPARISONS: Duration = Duration::from_secs(5);
const SCHEDULE: [&str; 2] = ["--every", "5s"];
/// The schedule is not due before the end.
const NO_SCHEDULE: [&str; 3] = ["--every", "1d", "--no-demo"];

/// Runs a soak and prints what the checker found. The exit code is 1 if that is anything.
///
/// # Errors
/// When the system does not start, or what is checked cannot be read.
pub(crate) async fn soak(parent: &DataDirectory, options: &SoakOptions) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let (data, disk) = emptied(parent, "soak", true)?;
    let (undisturbed, _) = emptied(parent, "soak-undisturbed", false)?;
    let soaked = tokio::select! {
        verdict = soaked(&data, disk.as_ref(), &undisturbed, options) => Some(verdict),
        () = signals.received() => None,
    };
    if !matches!(soaked, Some(Ok(_))) {
        down(&data).await?;
        down(&undisturbed).await?;
    }
    if disk.is_some() {
        keep_logs(&data, parent).context("keeping the logs")?;
    }
    let Some(verdict) = soaked else {
        return Ok(ExitCode::FAILURE);
    };
    let verdict = verdict?;
    output::line(&verdict.to_string())?;
    Ok(match verdict.is_good() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// A data directory that nobody uses and that holds nothing; what was downloaded before is found by a link.
fn emptied(
    parent: &DataDirectory,
    name: &str,
    with_disk: bool,
) -> Result<(DataDirectory, Option<Disk>)> {
    let path = parent.path(name);
    if path.exists() {
        if DataDirectory::open(&path)?.holder()?.is_some() {
            bail!("another soak is at work on {}", path.display());
        }
        Disk::clear(&path);
        std::fs::remove_dir_all(&path).with_context(|| format!("emptying {}", path.display()))?;
    }
    let mut disk = None;
    if with_disk {
        disk = Disk::mount(&parent.directory(name)?);
        if disk.is_none() {
            output::note("  this user may mount nothing: no disk gets full");
        }
    }
    let data = DataDirectory::open(&path)?;
    let software = parent.directory("software")?;
    std::os::unix::fs::symlink(software, data.path("software"))?;
    Ok((data, disk))
}

/// What was in memory is gone with the disk; what the programs said may be asked for.
fn keep_logs(data: &DataDirectory, parent: &DataDirectory) -> Result<()> {
    let kept = parent.directory("soak-logs")?;
    for entry in std::fs::read_dir(data.path("logs"))? {
        let path = entry?.path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            std::fs::copy(&path, kept.join(name))?;
        }
    }
    Ok(())
}

async fn soaked(
    data: &DataDirectory,
    disk: Option<&Disk>,
    undisturbed: &DataDirectory,
    options: &SoakOptions,
) -> Result<Verdict> {
    let progress = Progress::default();
    let step = progress.step("soak");
    step.at("starting the system");
    let receivers = [
        Receiver::start("steady", None).await?,
        Receiver::start("failing", Some(options.seed)).await?,
    ];
    let webhooks: Vec<Value> = receivers.iter().map(Receiver::webhook).collect();
    let webhooks = ("ALERT_WEBHOOKS", Value::from(webhooks).to_string());
    let system = Started::system(data, &SCHEDULE, slice::from_ref(&webhooks)).await?;
    load::prepare(&system.state.http, "", true).await?;

    let over = Arc::new(AtomicBool::new(false));
    let state = &system.state;
    let readers: Vec<_> = (0..2)
        .map(|_| tokio::spawn(answers::read(state.http.clone(), over.clone())))
        .collect();
    let asking = tokio::spawn(load::ask_for_runs(state.http.clone(), over.clone()));
    let spiking = tokio::spawn(load::spike(data.clone(), options.seed, over.clone()));
    let publishing = tokio::spawn(load::publish_unreadable(
        state.kafka_brokers.clone(),
        state.kafka_topic.clone(),
        over.clone(),
    ));
    let network = Network::take();
    if network.is_none() {
        progress.line("  without nftables, or the right to use them, no server is parted");
    }
    let plan = faults::plan(
        options.seed,
        options.faults,
        Duration::from_secs(60 * options.minutes),
    );
    let began = Instant::now();
    let mut happened = 0;
    for (number, fault) in plan.iter().enumerate() {
        sleep(fault.at.saturating_sub(began.elapsed())).await;
        step.at(format!("fault {} of {}: {fault}", number + 1, plan.len()));
        tracing::info!(number, %fault, "something breaks");
        let target = Target {
            data,
            state,
            disk,
            network: network.as_ref(),
        };
        happened += usize::from(fault.happen(&target).await);
    }
    drop(network);
    sleep(Duration::from_secs(60 * options.minutes).saturating_sub(began.elapsed())).await;
    over.store(true, Ordering::Relaxed);
    asking.await?;
    spiking.await?;
    publishing.await??;
    let mut answers = Vec::new();
    for reader in readers {
        answers.push(reader.await?);
    }

    step.at("starting the system again, without its schedule");
    system.stop(data).await?;
    receivers.iter().for_each(Receiver::calm);
    let metrics = ("METRICS_FILE", path_text(&data.path("metrics.toml")));
    let calm = [webhooks, metrics.clone()];
    let system = Started::system(data, &NO_SCHEDULE, &calm).await?;
    step.at("evaluating for the last time");
    let as_of = last_run(&system.state).await?;
    step.at("waiting until everything is stored and delivered");
    let about = format!(
        "{} minutes, {} faults, seed {}; {happened} faults found something to break",
        options.minutes, options.faults, options.seed
    );
    let mut verdict = settled(&about, &system.state, &answers, &receivers).await?;
    // What comes now takes its time, and this is known already.
    let known = format!("before the comparison with an undisturbed system:\n{verdict}");
    progress.line(&known);

    step.at("evaluating the same data by a system that nobody breaks");
    let given = [
        ("PROMETHEUS_URL", system.state.prometheus_url.clone()),
        metrics,
    ];
    let other = Started::system(undisturbed, &NO_SCHEDULE, &given).await?;
    let (http, other_http) = (&system.state.http, &other.state.http);
    undisturbed::evaluate(other_http, &as_of).await?;
    undisturbed::replayed(other_http).await?;
    undisturbed::replayed(http).await?;
    undisturbed::compare(&mut verdict, http, other_http, &as_of).await?;
    other.stop(undisturbed).await?;
    system.stop(data).await?;
    step.done("over");
    Ok(verdict)
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}

/// The last run is newer than every other, also than one whose clock was ahead.
async fn last_run(state: &State) -> Result<String> {
    let record = read(state).await?;
    if let Some(newest) = record.newest() {
        let newest: chrono::DateTime<Utc> = newest.parse().context("reading the time of a run")?;
        let ahead = (newest - Utc::now()).to_std().unwrap_or_default();
        sleep(ahead + Duration::from_secs(10)).await;
    }
    load::last_run(&state.http, None).await
}

async fn read(state: &State) -> Result<Record> {
    let (brokers, topic) = (state.kafka_brokers.clone(), state.kafka_topic.clone());
    tokio::task::spawn_blocking(move || Record::read(&brokers, &topic)).await?
}

/// Compares until nothing is missing any more, or what is missing becomes no less.
async fn settled(
    about: &str,
    state: &State,
    answers: &[Vec<Answer>],
    receivers: &[Receiver],
) -> Result<Verdict> {
    let (mut fewest, mut since) = (usize::MAX, Instant::now());
    let client = http_client::direct().timeout(load::PATIENCE).build()?;
    loop {
        let record = read(state).await?;
        let mut verdict = Verdict::new(about.to_owned(), &record);
        verdict.compare_answers(&record, answers);
        verdict.compare_stored(&record, state).await?;
        let deliveries = "/alerts/deliveries?limit=200";
        let deliveries = Reader::new(&state.http)?
            .all(deliveries, "deliveries")
            .await?;
        // What waits for its next attempt need not wait for hours: the receivers take everything now.
        for waiting in deliveries.iter().filter(|own| own["state"] != "delivered") {
            let retry = format!("{}/alerts/deliveries/{}/retry", state.http, waiting["id"]);
            let _ = client.post(retry).send().await;
        }
        for receiver in receivers {
            delivered::compare(
                &mut verdict,
                &record,
                receiver.name,
                &receiver.taken(),
                &deliveries,
            );
        }
        let (missing, _) = verdict.counts();
        if missing < fewest {
            (fewest, since) = (missing, Instant::now());
        }
        if missing == 0 || since.elapsed() > SETTLING {
            return Ok(verdict);
        }
        sleep(BETWEEN_COMPARISONS).await;
    }
}
