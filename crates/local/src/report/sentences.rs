//! One sentence per objective and series.

use std::time::Duration;

use super::{
    documents::{Check, CheckedObjective, ExpectedObjective, Outlook},
    numbers::{duration, probability},
    table::node,
};

/// What was violated in the last 3 hours, and what is likely in the next 10 minutes.
pub(super) fn sentences(check: &Check, outlook: &Outlook) -> Vec<String> {
    check
        .objectives
        .iter()
        .map(|checked| {
            let expected = outlook.objectives.iter().find(|expected| {
                expected.objective == checked.objective && expected.labels == checked.labels
            });
            sentence(checked, expected)
        })
        .collect()
}

fn sentence(checked: &CheckedObjective, expected: Option<&ExpectedObjective>) -> String {
    let labels = if checked.labels.is_empty() {
        &checked.selector
    } else {
        &checked.labels
    };
    let name = format!("{} {}", checked.metric, node(labels));
    let name = name.trim_end();
    let windows = checked.windows.as_ref();
    let Some(counts) = windows.and_then(|windows| windows.get("3h")) else {
        let reason = checked.reason.as_deref().unwrap_or("no_data");
        return format!("{name}: {}", reason.replace('_', " "));
    };
    let state = match checked.state.as_str() {
        "ok" => String::new(),
        state => format!("{}, ", state.replace('_', " ")),
    };
    let past = match counts.violations {
        0 => "no violation in 3h".to_owned(),
        1 => format!("1 violation in 3h, {}", seconds(counts.seconds)),
        many => format!("{many} violations in 3h, {}", seconds(counts.seconds)),
    };
    let future = match expected.and_then(|expected| expected.probability) {
        Some(chance) => format!("{} likely in the next 10 min", probability(chance)),
        None => {
            let reason = expected.and_then(|expected| expected.reason.as_deref());
            format!(
                "no forecast ({})",
                reason.unwrap_or("unknown").replace('_', " ")
            )
        }
    };
    format!("{name}: {state}{past}; {future}")
}

fn seconds(seconds: f64) -> String {
    duration(Duration::from_secs_f64(seconds.max(0.0)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    fn said(checked: Value, expected: Value) -> String {
        let checked = json!({
            "objective": "o", "metric": "cpuUsage", "labels": { "nodeName": "demo" },
            "state": checked["state"], "reason": checked["reason"], "windows": checked["windows"],
        });
        let expected = json!({
            "objective": "o", "labels": { "nodeName": "demo" },
            "probability": expected["probability"], "reason": expected["reason"],
        });
        let check = from_value(json!({ "objectives": [checked] })).unwrap();
        let outlook = from_value(json!({ "objectives": [expected] })).unwrap();
        sentences(&check, &outlook).remove(0)
    }

    #[test]
    fn an_objective_is_one_sentence() {
        let windows = |violations: u64, seconds: f64| json!({ "3h": { "violations": violations, "seconds": seconds } });
        for (checked, expected, sentence) in [
            (
                json!({ "state": "ok", "windows": windows(2, 210.0) }),
                json!({ "probability": 0.12 }),
                "cpuUsage demo: 2 violations in 3h, 3 m 30 s; 12 % likely in the next 10 min",
            ),
            (
                json!({ "state": "ok", "windows": windows(0, 0.0) }),
                json!({ "reason": "too_short" }),
                "cpuUsage demo: no violation in 3h; no forecast (too short)",
            ),
            (
                json!({ "state": "firing", "windows": windows(1, 45.0) }),
                json!({ "probability": 1.0 }),
                "cpuUsage demo: firing, 1 violation in 3h, 45 s; 100 % likely in the next 10 min",
            ),
            (
                json!({ "state": "no_data", "reason": "no_series", "windows": null }),
                json!({}),
                "cpuUsage demo: no series",
            ),
        ] {
            assert_eq!(said(checked, expected), sentence);
        }
    }
}
