//! One sentence per objective and series.

use std::time::Duration;

use super::{
    documents::{BudgetEntry, Budgets, Check, CheckedObjective, ExpectedObjective, Outlook},
    numbers::{duration, probability},
    table::node,
};

/// Of a range what was violated in the last 3 hours, and what is likely in the next 10 minutes; of events how many were
/// good, and what is left of the budget.
pub(super) fn sentences(check: &Check, outlook: &Outlook, budgets: &Budgets) -> Vec<String> {
    check
        .objectives
        .iter()
        .map(|checked| {
            if checked.kind == "events" {
                let budget = budgets.objectives.iter().find(|budget| {
                    budget.objective == checked.objective && budget.labels == checked.labels
                });
                return of_events(checked, budget);
            }
            let expected = outlook.objectives.iter().find(|expected| {
                expected.objective == checked.objective && expected.labels == checked.labels
            });
            sentence(checked, expected)
        })
        .collect()
}

fn of_events(checked: &CheckedObjective, budget: Option<&BudgetEntry>) -> String {
    let name = format!("{} {}", checked.objective, node(&checked.labels));
    let name = name.trim_end();
    let known = budget.and_then(|budget| Some((budget, budget.sli?, budget.total?)));
    let Some((budget, sli, total)) = known else {
        let reason = checked.reason.as_deref().unwrap_or("no_data");
        return format!("{name}: {}", reason.replace('_', " "));
    };
    let state = match checked.state.as_str() {
        "ok" => String::new(),
        state => format!("{}, ", state.replace('_', " ")),
    };
    let left = match budget.remaining_share {
        Some(left) => format!("; {:.0} % of the budget left", 100.0 * left),
        None => String::new(),
    };
    format!(
        "{name}: {state}{:.3} % of {total:.0} events good{left}",
        100.0 * sli
    )
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
            "kind": "range", "objective": "o", "metric": "cpuUsage", "labels": { "nodeName": "demo" },
            "state": checked["state"], "reason": checked["reason"], "windows": checked["windows"],
        });
        let expected = json!({
            "objective": "o", "labels": { "nodeName": "demo" },
            "probability": expected["probability"], "reason": expected["reason"],
        });
        let check = from_value(json!({ "objectives": [checked] })).unwrap();
        let outlook = from_value(json!({ "objectives": [expected] })).unwrap();
        let budgets = from_value(json!({ "objectives": [] })).unwrap();
        sentences(&check, &outlook, &budgets).remove(0)
    }

    #[test]
    fn an_objective_of_events_says_what_is_left() {
        let check = json!({ "objectives": [{
            "kind": "events", "objective": "availability", "metric": "demo/availability",
            "labels": {}, "state": "pending", "reason": null, "windows": null,
        }]});
        let outlook = json!({ "objectives": [] });
        let budgets = json!({ "objectives": [{
            "objective": "availability", "labels": {}, "sli": 0.9975, "total": 24000.0, "remaining_share": 0.5,
        }]});
        let said = sentences(
            &from_value(check).unwrap(),
            &from_value(outlook).unwrap(),
            &from_value(budgets).unwrap(),
        );
        let expected =
            "availability: pending, 99.750 % of 24000 events good; 50 % of the budget left";
        assert_eq!(said, [expected]);
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
