//! A line for each alert that fires or is resolved, while `up` runs.

use std::{collections::HashMap, time::Duration};

use domain::Timestamp;
use serde_json::Value;
use tokio::time::sleep;

use crate::{api::Api, output};

/// How often alerts are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Prints a line for each change, for as long as it is waited for. What was resolved before `began` is not news.
pub(crate) async fn print_changes(api: &Api, began: Timestamp) {
    let mut seen = Seen::default();
    loop {
        // While the database is away there is nothing to print.
        if let Ok(document) = api.get("/alerts?limit=1000").await {
            for alert in document["alerts"].as_array().into_iter().flatten() {
                if seen.is_news(alert, began) {
                    // That nobody reads it is no reason to stop.
                    let _ = output::line(&line(alert));
                }
            }
        }
        sleep(EVERY).await;
    }
}

/// How each alert was when it was looked at last: its state, and since when it fires or fired.
#[derive(Debug, Default)]
struct Seen(HashMap<String, (String, String)>);

impl Seen {
    /// Whether an alert is another one than before, and notes it.
    fn is_news(&mut self, alert: &Value, began: Timestamp) -> bool {
        if is_watchdog(alert) {
            return false;
        }
        let now = (
            text(&alert["state"]).to_owned(),
            text(&alert["since"]).to_owned(),
        );
        let before = self
            .0
            .insert(text(&alert["fingerprint"]).to_owned(), now.clone());
        let resolved_at: Option<Timestamp> = text(&alert["resolved_at"]).parse().ok();
        let is_old = before.is_none() && resolved_at.is_some_and(|at| at < began);
        before != Some(now) && !is_old
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
    fn what_was_resolved_before_is_no_news_and_what_was_resolved_meanwhile_is() {
        let began: Timestamp = "2026-11-23T08:45:00Z".parse().unwrap();
        let mut seen = Seen::default();
        let mut is_news = |name: &str, state: &str, since: &str, resolved_at: Option<&str>| {
            let labels = json!({"alertname": name});
            let alert = json!({"fingerprint": name, "labels": labels, "state": state,
                "since": since, "resolved_at": resolved_at});
            seen.is_news(&alert, began)
        };
        let (first, second) = ("2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z");
        assert!(!is_news(
            "old",
            "resolved",
            first,
            Some("2026-11-23T08:44:59Z")
        ));
        // By the first run after a restart, before anyone looked.
        assert!(is_news(
            "new",
            "resolved",
            first,
            Some("2026-11-23T08:45:30Z")
        ));
        assert!(!is_news(
            "new",
            "resolved",
            first,
            Some("2026-11-23T08:45:30Z")
        ));
        assert!(is_news("old", "firing", second, None));
        assert!(!is_news("old", "firing", second, None));
        assert!(is_news(
            "old",
            "resolved",
            second,
            Some("2026-11-23T09:05:00Z")
        ));
        assert!(!is_news("SlacastWatchdog", "firing", first, None));
    }

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
