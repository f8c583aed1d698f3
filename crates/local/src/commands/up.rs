use std::{
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::interrupted;
use crate::{
    api::Api,
    cli::UpOptions,
    data::{DataDirectory, Lock},
    demo::{NODE, demo_sla},
    output,
    process::stop_all,
    progress::Progress,
    report::report,
    system::System,
    template::Template,
};

/// How long a run may take from its request to its last row.
const STORING: Duration = Duration::from_secs(60);
/// How long the first table waits for this machine's first scrapes.
const FIRST_SCRAPES: Duration = Duration::from_secs(60);

/// Runs the system until a signal.
///
/// # Errors
/// When another `up` has the data directory, or something does not start.
pub(crate) async fn up(options: &UpOptions, data: &DataDirectory, root: &Path) -> Result<ExitCode> {
    let _lock = locked(data).await?;
    let progress = Progress::default();
    let leftovers = stop_all(&data.run()).await?;
    data.trim_logs()?;
    if leftovers > 0 {
        progress.line(&format!(
            "  stopped {leftovers} processes that an `up` which was killed had left"
        ));
    }
    let mut signal = Box::pin(interrupted());
    let started = tokio::select! {
        started = start(options, data, root, &progress) => Some(started),
        signal = &mut signal => {
            signal?;
            None
        }
    };
    let outcome = match started {
        Some(Ok(system)) => {
            let waited = signal.await;
            let step = progress.step("stopping");
            system.stop().await;
            drop(step);
            waited
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
    match data.state()? {
        Some(state) => bail!(
            "`up` runs on {place} already: {} (process {}); `cargo local down` stops it",
            state.http,
            state.pid
        ),
        None => bail!("another command is at work on {place}"),
    }
}

/// Everything from nothing to the last line.
async fn start(
    options: &UpOptions,
    data: &DataDirectory,
    root: &Path,
    progress: &Progress,
) -> Result<System> {
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
        if system.servers.fresh {
            wait_for_this_machine(&system.servers.prometheus_url, progress).await?;
        }
        let step = progress.step("first run");
        let as_of = run_and_wait(&api, demo).await?;
        step.done(&as_of);
        let sla = demo.then_some(NODE);
        report(&api, &as_of, sla).await.map(Some)
    };
    match at_work.await {
        Ok(Some(table)) => {
            // That nobody reads it is no reason to stop.
            let _ = output::line(&format!("\n{table}\n{}", hints(&system, options)));
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
    let client = http_client::builder().build()?;
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

/// Runs the ETL and waits until all it published is answered over HTTP. Returns the run's time.
async fn run_and_wait(api: &Api, demo: bool) -> Result<String> {
    let (status, run) = api.post("/ETL", &json!({})).await?;
    if status != StatusCode::ACCEPTED {
        bail!("the first run failed: {status}: {run}");
    }
    let text = |name: &str| {
        let value = run[name].as_str().map(str::to_owned);
        value.with_context(|| format!("the answer of POST /ETL has no {name}: {run}"))
    };
    let (run_id, as_of) = (text("run_id")?, text("as_of")?);
    let series = run["series"].as_u64().unwrap_or_default();
    let began = Instant::now();
    while !is_stored(api, &run_id, &as_of, series, demo).await? {
        if began.elapsed() > STORING {
            bail!(
                "the run {run_id} is not stored after {} s; `cargo local logs storage` may say why",
                STORING.as_secs()
            );
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(as_of)
}

async fn is_stored(api: &Api, run_id: &str, as_of: &str, series: u64, demo: bool) -> Result<bool> {
    let runs = api.get("/runs?limit=10").await?;
    let told = runs["runs"]
        .as_array()
        .is_some_and(|runs| runs.iter().any(|run| run["run_id"] == run_id));
    if !told {
        return Ok(false);
    }
    for (route, name) in [
        ("metrics", "metrics"),
        ("metadata", "metadata"),
        ("predict", "predictions"),
    ] {
        let windows = if name == "metrics" { "&window=12h" } else { "" };
        let path = format!("/{route}?as_of={as_of}{windows}");
        if (api.list(&path, name).await?.len() as u64) < series {
            return Ok(false);
        }
    }
    if !demo {
        return Ok(true);
    }
    let check = api.get(&format!("/check_json?sla={NODE}")).await?;
    Ok(check["as_of"]
        .as_str()
        .is_some_and(|judged| judged >= as_of))
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
