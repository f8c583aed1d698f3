//! A system that nobody breaks, on the same data: budgets and violations have to be the same.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    load::{PATIENCE, SLA, last_run, prepare},
    reader::Reader,
    verdict::Verdict,
};

/// How far back the budgets reach, and some more.
const BACK: TimeDelta = TimeDelta::hours(25);
/// The last run covers what a replay leaves out.
const REPLAY_ENDS: TimeDelta = TimeDelta::minutes(10);
const BETWEEN_LOOKS: Duration = Duration::from_secs(3);
/// A replay that gets no further for so many looks has come to an end that is wrong.
const LOOKS: usize = 100;

/// Fields that say when something was asked for, not what is so.
const ASIDE: [&str; 1] = ["age_seconds"];

/// Has a system evaluate the same SLA once, at `as_of`, and replay what was before.
///
/// # Errors
/// When it does not.
pub(super) async fn evaluate(http: &str, as_of: &str) -> Result<()> {
    prepare(http, "?evaluate=false", false).await?;
    last_run(http, Some(as_of)).await?;
    let time: DateTime<Utc> = as_of.parse().context("reading the time of a run")?;
    let minute = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:00Z").to_string();
    let span = json!({"from": minute(time - BACK), "to": minute(time - REPLAY_ENDS)});
    let client = http_client::direct().timeout(PATIENCE).build()?;
    let asked = client.post(format!("{http}/sla/{SLA}/replay")).json(&span);
    let answer = asked.send().await?;
    if !answer.status().is_success() {
        bail!("the replay is refused: {}", answer.text().await?);
    }
    Ok(())
}

/// Waits until every replay of the SLA is done; etl is asked to work them off, since no schedule does.
///
/// # Errors
/// When one fails or gets no further.
pub(super) async fn replayed(http: &str) -> Result<()> {
    let client = http_client::direct().timeout(PATIENCE).build()?;
    let (mut before, mut looks) = (Value::Null, 0);
    loop {
        let answer = client
            .get(format!("{http}/sla/{SLA}/replay"))
            .send()
            .await?;
        let document: Value = answer.error_for_status()?.json().await?;
        let replays = document["replays"].as_array();
        let replays = replays.context("there are no replays")?;
        if let Some(failed) = replays.iter().find(|replay| replay["state"] == "failed") {
            bail!("a replay failed: {failed}");
        }
        if replays.iter().all(|replay| replay["state"] == "done") {
            return Ok(());
        }
        looks = if before == document { looks + 1 } else { 0 };
        if looks > LOOKS {
            bail!("a replay gets no further: {document}");
        }
        before = document;
        let invocations = format!("{http}/2015-03-31/functions/etl/invocations");
        let asked = client.post(invocations).json(&json!({"replay": {}})).send();
        // It may take longer than anybody waits; the next look shows how far it came.
        let _ = asked.await;
        sleep(BETWEEN_LOOKS).await;
    }
}

/// Compares budgets, violations and states of the one system with those of the other, as of the last run.
///
/// # Errors
/// When one of them does not answer.
pub(super) async fn compare(
    verdict: &mut Verdict,
    disturbed: &str,
    undisturbed: &str,
    as_of: &str,
) -> Result<()> {
    let budget = format!("/sla/{SLA}/budget?as_of={as_of}");
    let violations = format!("/sla/{SLA}/violations?limit=200");
    let check = format!("/check_json?sla={SLA}");
    for (path, key) in [
        (&budget, "objectives"),
        (&budget, "rolled_up"),
        (&violations, "violations"),
        (&check, "objectives"),
    ] {
        let one = items(disturbed, path, key).await?;
        let other = items(undisturbed, path, key).await?;
        verdict.compared_with_undisturbed(one.len());
        for (items, others, whose) in [
            (&one, &other, "the soaked"),
            (&other, &one, "the undisturbed"),
        ] {
            for item in items.difference(others) {
                verdict.wrong(format!("{path}: {whose} system alone says {item}"));
            }
        }
    }
    Ok(())
}

async fn items(http: &str, path: &str, key: &str) -> Result<BTreeSet<String>> {
    let items = Reader::new(http)?.all(path, key).await?;
    // Without a target there is no budget, only how much was judged: of a young series that depends on the first run.
    let items = items
        .into_iter()
        .filter(|item| item.get("target") != Some(&Value::Null));
    Ok(items.map(|item| comparable(item).to_string()).collect())
}

/// Without what is said about now; numbers to nine digits, since sums may be made in any order.
fn comparable(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter();
            let kept = fields.filter(|(name, _)| !ASIDE.contains(&name.as_str()));
            kept.map(|(name, value)| (name, comparable(value)))
                .collect()
        }
        Value::Array(items) => items.into_iter().map(comparable).collect(),
        Value::Number(number) => match number.as_f64() {
            Some(number) => json!(format!("{number:.9e}")),
            None => Value::Null,
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_by_the_moment_or_the_order_of_sums_is_the_same() {
        let one = json!({"age_seconds": 1.5, "labels": {"n": "1"}, "share": [0.1 + 0.2]});
        let other = json!({"labels": {"n": "1"}, "share": [0.3]});
        assert_eq!(comparable(one), comparable(other.clone()));
        let third = json!({"labels": {"n": "1"}, "share": [0.300001]});
        assert_ne!(comparable(third), comparable(other));
    }
}
