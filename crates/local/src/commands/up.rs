use std::{
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use chrono::Utc;
use domain::Timestamp;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::time::sleep;

use super::{check::why_nothing, first_run::first_run};
use crate::{
    alerts::print_changes,
    api::Api,
    cli::UpOptions,
    data::DataDirectory,
    demo::{NODE, demo_sla},
    lock::Lock,
    output,
    process::stop_all,
    progress::Progress,
    replays::print_progress,
    report::report,
    signals::Signals,
    system::System,
    template::Template,
};

/// How long the first table waits for this machine's scrapes, which are missing where no `up` ran for 5 minutes.
const FIRST_SCRAPES: Duration = Duration::from_secs(60);
/// How often logs are looked at that grow.
const BETWEEN_TRIMS: Duration = Duration::from_secs(60);

/// Runs the system until a signal.
///
/// # Errors
/// When another `up` has the data directory, or something does not start.
pub(crate) async fn up(options: &UpOptions, data: &DataDirectory, root: &Path) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let lock = locked(data).await?;
    lock.sign()?;
    let began = Timestamp::from(Utc::now());
    let progress = Progress::default();
    let started = tokio::select! {
        started = start(options, data, root, &progress) => Some(started),
        () = signals.received() => None,
    };
    let outcome = match started {
        Some(Ok(system)) => {
            let api = Api::new(&system.http)?;
            tokio::select! {
                () = signals.received() => {}
                () = trim_logs(data) => {}
                () = print_changes(&api, began) => {}
                () = print_progress(&api) => {}
            }
            let step = progress.step("stopping");
            system.stop().await;
            drop(step);
            Ok(())
        }
        Some(Err(error)) => Err(error),
        None => Ok(()),
    };
    stop_all(&data.run()).await?;
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Takes the data directory. `status` and others look at the lock for a moment, so one look is not enough.
async fn locked(data: &DataDirectory) -> Result<Lock> {
    for _ in 0..10 {
        if let Some(lock) = data.lock()? {
            return Ok(lock);
        }
        sleep(Duration::from_millis(50)).await;
    }
    let place = data.root().display();
    let Some((pid, state)) = data
        .holder()?
        .and_then(|holder| Some((holder.pid?, holder.state)))
    else {
        bail!("another command is at work on {place}");
    };
    let address = state.map_or("it is starting".to_owned(), |state| state.http);
    bail!("`up` runs on {place} already: {address} (process {pid}); `cargo local down` stops it")
}

/// Ends what an `up` that was killed had left.
async fn clear(data: &DataDirectory, progress: &Progress) -> Result<()> {
    let leftovers = stop_all(&data.run()).await?;
    if leftovers > 0 {
        progress.line(&format!(
            "  stopped {leftovers} processes that an `up` which was killed had left"
        ));
    }
    data.trim_logs().context("trimming the logs")
}

/// Keeps the logs from growing, for as long as it is waited for.
async fn trim_logs(data: &DataDirectory) {
    loop {
        sleep(BETWEEN_TRIMS).await;
        if let Err(error) = data.trim_logs() {
            tracing::warn!(%error, "the logs cannot be trimmed");
        }
    }
}

/// Everything from nothing to the last line.
async fn start(
    options: &UpOptions,
    data: &DataDirectory,
    root: &Path,
    progress: &Progress,
) -> Result<System> {
    clear(data, progress).await?;
    let system = System::start(options, data, root, progress).await?;
    let api = Api::new(&system.http)?;
    let demo = system.demo;
    let at_work = async {
        system.triggers_ready().await?;
        if options.no_demo {
            return every_route_answers(&api, root).await.map(|()| None);
        }
        if demo {
            post_demo_sla(&api).await?;
        }
        if system.servers.show_this_machine() {
            wait_for_this_machine(&system.servers.prometheus_url, progress).await?;
        }
        let step = progress.step("first run");
        let as_of = first_run(&system, &api, &step).await?;
        step.done(&as_of);
        let sla = demo.then_some(NODE);
        let mut table = report(&api, &as_of, sla).await?;
        if !demo {
            let series = api.list("/series", "series").await?;
            let url = &system.servers.prometheus_url;
            for why in why_nothing(url, root, &series).await? {
                table += &format!("{why}\n");
            }
        }
        Ok(Some(table))
    };
    match at_work.await {
        Ok(Some(table)) => {
            // That nobody reads it is no reason to stop.
            let hints = hints(&system, options);
            let http = &system.http;
            let _ = output::line(&format!(
                "\nOpen {http}/ui in a browser.\n\n{table}\n{hints}"
            ));
        }
        Ok(None) => {}
        Err(error) => {
            system.stop().await;
            return Err(error);
        }
    }
    let _ = output::line(&format!("ready {}", system.http));
    Ok(system)
}

async fn every_route_answers(api: &Api, root: &Path) -> Result<()> {
    let template = Template::read(&root.join("template.yaml"))?;
    for route in &template.routes {
        let path = route.path.replace("{name}", "demo");
        api.answers(&path).await?;
    }
    Ok(())
}

/// One that is there already is left as it is.
async fn post_demo_sla(api: &Api) -> Result<()> {
    match api.post("/sla", &demo_sla()).await? {
        (StatusCode::CREATED | StatusCode::CONFLICT, _) => Ok(()),
        (status, answer) => bail!("the demo SLA is refused: {status}: {answer}"),
    }
}

/// A rate needs two scrapes before the last multiple of its step. Where they do not come the table says what is missing.
async fn wait_for_this_machine(prometheus: &str, progress: &Progress) -> Result<()> {
    let step = progress.step("this machine");
    step.at("waiting for two scrapes");
    let query = format!(r#"min(count_over_time(up{{nodeName!="{NODE}"}}[5m] offset 20s)) >= 2"#);
    let client = http_client::direct().build()?;
    let began = Instant::now();
    while began.elapsed() < FIRST_SCRAPES {
        let asked = client
            .get(format!("{prometheus}/api/v1/query"))
            .query(&[("query", &query)])
            .send()
            .await;
        if let Ok(answer) = asked {
            let document: Value = answer.json().await.unwrap_or_default();
            if document["data"]["result"].get(0).is_some() {
                break;
            }
        }
        sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

/// What to try next.
fn hints(system: &System, options: &UpOptions) -> String {
    let http = &system.http;
    let mut text = format!(
        "Every {} from now on. Try:\n\
         \x20 curl '{http}/metrics?window=1h'\n\
         \x20 curl '{http}/predict?metric=cpuUsage'\n",
        domain::duration::format(options.every)
    );
    if system.demo {
        text += &format!(
            "\x20 curl '{http}/check_json?sla={NODE}'\n\
             \x20 curl '{http}/predict_json?sla={NODE}'\n\
             \x20 cargo local spike cpuUsage 3m\n"
        );
    }
    text + &format!(
        "\x20 {http}/openapi.json\n\
         \x20 {}  (Prometheus)\n",
        system.servers.prometheus_url
    )
}
