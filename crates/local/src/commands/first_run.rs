use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use event_sources::{InvocationType, InvokeError};
use serde_json::Value;
use tokio::time::sleep;

use crate::{api::Api, demo::NODE, progress::Step, system::System};

/// How long it may take until what a run published is stored: once, and for each series.
const STORING: Duration = Duration::from_secs(60);
const STORING_A_SERIES: Duration = Duration::from_millis(20);

/// Runs the ETL and waits until all it published is answered over HTTP. Returns the run's time.
///
/// # Errors
/// When the run comes to nothing or is not stored in time.
pub(super) async fn first_run(system: &System, api: &Api, step: &Step) -> Result<String> {
    let run = run(system).await?;
    let text = |name: &str| {
        let value = run[name].as_str().map(str::to_owned);
        value.with_context(|| format!("the run's answer has no {name}: {run}"))
    };
    let (run_id, as_of) = (text("run_id")?, text("as_of")?);
    let series = run["series"].as_u64().unwrap_or_default();
    step.at(format!("storing {series} series"));
    let (began, patience) = (Instant::now(), patience(series));
    while !is_stored(api, &run_id, &as_of, series, system.demo).await? {
        if began.elapsed() > patience {
            bail!(
                "the run {run_id} is not stored after {} s; `cargo local logs storage` may say why",
                patience.as_secs()
            );
        }
        // The more there is, the dearer is the question.
        sleep((began.elapsed() / 10).max(Duration::from_millis(50))).await;
    }
    Ok(as_of)
}

/// The route would give up after 29 s, as API Gateway does; an invocation has as long as the function may take.
async fn run(system: &System) -> Result<Value> {
    let kind = InvocationType::RequestResponse;
    let event = b"{}".to_vec();
    match system.invoker.invoke(&system.runner, kind, event).await {
        Ok(answer) => serde_json::from_slice(&answer).context("the run's answer is not JSON"),
        Err(InvokeError::Function { payload, .. }) => bail!(
            "the first run failed: {}; `cargo local logs {}` may say why",
            reason(&payload),
            system.runner
        ),
        Err(error) => Err(error).context("the first run failed"),
    }
}

/// What a function's error document says.
fn reason(payload: &str) -> String {
    let document: Value = serde_json::from_str(payload).unwrap_or_default();
    let message = document["errorMessage"].as_str();
    message.unwrap_or(payload).to_owned()
}

fn patience(series: u64) -> Duration {
    let series = u32::try_from(series).unwrap_or(u32::MAX);
    STORING + STORING_A_SERIES * series
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_functions_error_is_told_by_its_message() {
        let document = r#"{"errorType":"KafkaAway","errorMessage":"Kafka cannot be reached"}"#;
        assert_eq!(reason(document), "Kafka cannot be reached");
        assert_eq!(reason("killed"), "killed");
    }

    #[test]
    fn more_series_may_take_longer() {
        assert_eq!(patience(9).as_secs(), 60);
        assert_eq!(patience(10_000).as_secs(), 260);
    }
}
