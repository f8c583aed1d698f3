//! A line for each alert that fires or is resolved, while `up` runs.

use std::{collections::HashMap, time::Duration};

use serde_json::Value;
use tokio::time::sleep;

use crate::{api::Api, output};

/// How often alerts are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Prints a line for each change, for as long as it is waited for. What was resolved before is not news.
pub(crate) async fn print_changes(api: &Api) {
    let mut seen: Option<HashMap<String, String>> = None;
    loop {
        // While the database is away there is nothing to print.
        if let Ok(document) = api.get("/alerts?limit=1000").await {
            let alerts = document["alerts"].as_array().cloned().unwrap_or_default();
            let is_first = seen.is_none();
            let known = seen.get_or_insert_default();
            for alert in alerts.iter().filter(|alert| !is_watchdog(alert)) {
                let key = text(&alert["fingerprint"]).to_owned();
                let now = format!("{} {}", text(&alert["state"]), text(&alert["since"]));
                let is_old = is_first && alert["state"] == "resolved";
                if known.insert(key, now.clone()).as_ref() != Some(&now) && !is_old {
                    // That nobody reads it is no reason to stop.
                    let _ = output::line(&line(alert));
                }
            }
        }
        sleep(EVERY).await;
    }
}

fn is_watchdog(alert: &Value) -> bool {
    alert["labels"]["alertname"] == "SlacastWatchdog"
}

fn line(alert: &Value) -> String {
    let (name, summary) = (
        text(&alert["labels"]["alertname"]),
        text(&alert["annotations"]["summary"]),
    );
    let severity = text(&alert["labels"]["severity"]);
    match text(&alert["state"]) {
        "resolved" => {
            let reason = match text(&alert["reason"]) {
                "" => String::new(),
                reason => format!(" ({reason})"),
            };
            let at = text(&alert["resolved_at"]);
            format!("resolved {name} {severity} at {at}{reason}: {summary}")
        }
        _ => format!(
            "firing   {name} {severity} since {}: {summary}",
            text(&alert["since"])
        ),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_what_changes_and_since_when() {
        let mut alert = json!({
            "labels": {"alertname": "SlacastViolation", "severity": "page"},
            "annotations": {"summary": "`cpuUsage` is above 80"},
            "state": "firing", "since": "2026-11-23T08:45:00Z", "resolved_at": null, "reason": null,
        });
        assert_eq!(
            line(&alert),
            "firing   SlacastViolation page since 2026-11-23T08:45:00Z: `cpuUsage` is above 80"
        );
        alert["state"] = json!("resolved");
        alert["resolved_at"] = json!("2026-11-23T08:50:00Z");
        alert["reason"] = json!("ended");
        assert_eq!(
            line(&alert),
            "resolved SlacastViolation page at 2026-11-23T08:50:00Z (ended): `cpuUsage` is above 80"
        );
    }
}
