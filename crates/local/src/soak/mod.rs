//! A soak: the whole system at work while its parts are killed and stopped, and a record of its own of what came of it.
//!
//! The system is an `up` like any other, a process of its own. What checks it shares no code with the product: it reads the
//! topic and the answers as JSON, and compares them.

mod answers;
mod faults;
mod load;
mod record;
mod verdict;

use std::{
    process::{ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{
    cli::SoakOptions,
    command::Group,
    commands::{down, running},
    data::DataDirectory,
    output,
    progress::Progress,
    signals::Signals,
    state::State,
};
use record::Record;
use verdict::Verdict;

/// How long the first start may take; it compiles the functions.
const STARTING: Duration = Duration::from_secs(40 * 60);
/// At the end nothing is broken any more, and what is published has to be stored within so long.
const SETTLING: Duration = Duration::from_secs(180);

/// Runs a soak and prints what the checker found. The exit code is 1 if that is anything.
///
/// # Errors
/// When the system does not start, or what is checked cannot be read.
pub(crate) async fn soak(data: &DataDirectory, options: &SoakOptions) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let data = emptied(data)?;
    tokio::select! {
        verdict = soaked(&data, options) => {
            let verdict = verdict?;
            output::line(&verdict.to_string())?;
            Ok(match verdict.is_good() {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            })
        }
        () = signals.received() => {
            down(&data).await?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A data directory that nobody uses and that holds nothing; what was downloaded before is found by a link.
fn emptied(parent: &DataDirectory) -> Result<DataDirectory> {
    let path = parent.path("soak");
    if path.exists() {
        if DataDirectory::open(&path)?.holder()?.is_some() {
            bail!("another soak is at work on {}", path.display());
        }
        std::fs::remove_dir_all(&path).with_context(|| format!("emptying {}", path.display()))?;
    }
    let data = DataDirectory::open(&path)?;
    let software = parent.directory("software")?;
    std::os::unix::fs::symlink(software, data.path("software"))?;
    Ok(data)
}

async fn soaked(data: &DataDirectory, options: &SoakOptions) -> Result<Verdict> {
    let progress = Progress::default();
    let step = progress.step("soak");
    step.at("starting the system");
    let (mut up, group) = start(data)?;
    ready(&mut up).await?;
    let state = running(data)?;
    let span = Duration::from_secs(60 * options.minutes);
    load::prepare(&state.http).await?;

    let over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| tokio::spawn(answers::read(state.http.clone(), over.clone())))
        .collect();
    let asking = tokio::spawn(load::ask_for_runs(state.http.clone(), over.clone()));
    let plan = faults::plan(options.seed, options.faults, span);
    let began = Instant::now();
    for (number, fault) in plan.iter().enumerate() {
        sleep(fault.at.saturating_sub(began.elapsed())).await;
        step.at(format!("fault {} of {}: {fault}", number + 1, plan.len()));
        fault.happen(data, &state.control).await;
    }
    sleep(span.saturating_sub(began.elapsed())).await;

    step.at("waiting until everything is stored");
    over.store(true, Ordering::Relaxed);
    asking.await?;
    let mut answers = Vec::new();
    for reader in readers {
        answers.push(reader.await?);
    }
    let verdict = checked(&state, plan.len(), answers).await?;
    down(data).await?;
    let ended = timeout(Duration::from_secs(60), up.wait()).await;
    ended.context("`up` does not end")??;
    group.ended();
    step.done("over");
    Ok(verdict)
}

/// Compares until nothing is missing any more, or the time for that is over.
async fn checked(
    state: &State,
    faults: usize,
    answers: Vec<Vec<answers::Answer>>,
) -> Result<Verdict> {
    let began = Instant::now();
    loop {
        let (brokers, topic) = (state.kafka_brokers.clone(), state.kafka_topic.clone());
        let record = tokio::task::spawn_blocking(move || Record::read(&brokers, &topic)).await??;
        let mut verdict = Verdict::new(faults, &record);
        verdict.compare_answers(&record, &answers);
        verdict.compare_stored(&record, &state.http).await?;
        if verdict.is_stored() || began.elapsed() > SETTLING {
            return Ok(verdict);
        }
        sleep(Duration::from_secs(5)).await;
    }
}

fn start(data: &DataDirectory) -> Result<(Child, Group)> {
    let program = std::env::current_exe().context("finding this program")?;
    let port = data.port("soak")?.to_string();
    let child = Command::new(program)
        .arg("--data")
        .arg(data.root())
        .args(["up", "--every", "5s", "--port", &port])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("starting `up`")?;
    let group = Group(child.id());
    Ok((child, group))
}

async fn ready(up: &mut Child) -> Result<()> {
    let stdout = up.stdout.take().context("`up` has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let told = async {
        while let Some(line) = lines.next_line().await? {
            if line.starts_with("ready ") {
                return Ok(());
            }
        }
        bail!("`up` ended before it was ready")
    };
    timeout(STARTING, told)
        .await
        .context("`up` is not ready")??;
    // Nothing more is read: what `up` prints from now on must not wait for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(())
}
