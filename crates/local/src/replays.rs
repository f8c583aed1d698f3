//! A line for each replay that goes on, while `up` runs.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::sleep;

use crate::{api::Api, output};

/// How often replays are looked at.
const EVERY: Duration = Duration::from_secs(5);
/// Progress is printed in such steps, percent.
const STEP: u32 = 20;

/// Prints a line for each step, for as long as it is waited for. What was over before is not news.
pub(crate) async fn print_progress(api: &Api) {
    let mut seen: Option<HashMap<u64, String>> = None;
    loop {
        // While the database is away there is nothing to print.
        if let Ok(slas) = api.list("/sla", "slas").await {
            let is_first = seen.is_none();
            let known = seen.get_or_insert_default();
            for sla in slas.iter().filter_map(|sla| sla["name"].as_str()) {
                let Ok(document) = api.get(&format!("/sla/{sla}/replay")).await else {
                    continue;
                };
                for replay in document["replays"].as_array().into_iter().flatten() {
                    let id = replay["id"].as_u64().unwrap_or_default();
                    let line = line(sla, replay);
                    let is_old = is_first && is_over(replay);
                    if known.insert(id, line.clone()).as_ref() != Some(&line) && !is_old {
                        // That nobody reads it is no reason to stop.
                        let _ = output::line(&line);
                    }
                }
            }
        }
        sleep(EVERY).await;
    }
}

fn is_over(replay: &Value) -> bool {
    !matches!(replay["state"].as_str(), Some("waiting" | "running"))
}

fn line(sla: &str, replay: &Value) -> String {
    let text = |field: &str| replay[field].as_str().unwrap_or_default();
    let (from, to) = (text("from"), text("to"));
    let progress = match text("state") {
        "running" => format!("{} % done", done(replay).unwrap_or_default()),
        "failed" => {
            let failures = replay["failures"].as_array().map_or(0, Vec::len);
            format!("done, but for {failures} pieces of objectives")
        }
        state => state.to_owned(),
    };
    format!("replay   {sla} from {from} to {to}: {progress}")
}

/// How much is done, percent, in steps.
fn done(replay: &Value) -> Option<u32> {
    let at = |field: &str| replay[field].as_str()?.parse::<DateTime<Utc>>().ok();
    let (from, to, left) = (at("from")?, at("to")?, at("done_until")?);
    let all = (to - from).num_seconds().max(1);
    let share = (to - left).num_seconds().clamp(0, all) * 100 / all;
    Some(share as u32 / STEP * STEP)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_how_far_a_replay_is() {
        let mut replay = json!({
            "id": 1, "from": "2026-11-01T00:00:00Z", "to": "2026-11-11T00:00:00Z",
            "done_until": "2026-11-06T12:00:00Z", "state": "running", "failures": [],
        });
        let span = "replay   web from 2026-11-01T00:00:00Z to 2026-11-11T00:00:00Z";
        assert_eq!(line("web", &replay), format!("{span}: 40 % done"));
        replay["state"] = json!("done");
        assert_eq!(line("web", &replay), format!("{span}: done"));
        replay["state"] = json!("failed");
        replay["failures"] = json!([{}, {}]);
        assert_eq!(
            line("web", &replay),
            format!("{span}: done, but for 2 pieces of objectives")
        );
    }
}
