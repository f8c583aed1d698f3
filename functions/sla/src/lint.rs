//! What an objective says that it cannot mean, whatever there is in Prometheus.

use std::time::Duration;

use domain::{
    sla::{AlertPair, AnyObjective, BudgetWindow, EventsObjective},
    time::duration,
};
use promql::EventsSum;

use crate::advice::Warning;

/// What looks wrong about an objective by itself.
pub(crate) fn of(objective: &AnyObjective) -> Vec<Warning> {
    match objective {
        AnyObjective::Range(objective) => {
            let alerts = objective.alerts.as_deref();
            unreachable(alerts, objective.target, objective.budget_window)
        }
        AnyObjective::Events(objective) => {
            let alerts = objective.alerts.as_deref();
            let mut found = contradictions(objective);
            found.extend(unreachable(
                alerts,
                objective.target,
                objective.budget_window,
            ));
            found
        }
    }
}

fn contradictions(objective: &EventsObjective) -> Vec<Warning> {
    let sums: Vec<(&str, EventsSum)> = objective
        .events
        .sums()
        .filter_map(|(name, text)| Some((name, EventsSum::parse(text).ok()?)))
        .collect();
    let total = sums.iter().find(|(name, _)| *name == "total");
    let total = total.map(|(_, sum)| sum);
    let found = sums.iter().flat_map(|(name, sum)| {
        let found = sum.contradictions(name, total).into_iter();
        found.map(move |said| Warning::Contradiction {
            detail: format!("`{name}`: {said}"),
        })
    });
    found.collect()
}

/// The alerts of an objective that can never fire: all events being bad spends the budget too slowly for them.
fn unreachable(
    own: Option<&[AlertPair]>,
    target: Option<f64>,
    window: BudgetWindow,
) -> Vec<Warning> {
    let (Some(own), Some(target), Some(length)) = (own, target, length(window)) else {
        return Vec::new();
    };
    let fastest = 1.0 / (1.0 - target);
    let never = own.iter().filter_map(|pair| {
        let factor = pair.pace.factor(pair.long, length);
        (factor >= fastest).then(|| Warning::Unreachable {
            detail: format!(
                "the alert of {} and {} never fires: it takes a burn rate above {factor}, and with the target {target} there \
                 is none above {fastest:.4}",
                duration::format(pair.long),
                duration::format(pair.short),
            ),
        })
    });
    never.collect()
}

/// How long the budget is; of a calendar its periods differ.
fn length(window: BudgetWindow) -> Option<Duration> {
    match window {
        BudgetWindow::Rolling(length) => Some(length),
        BudgetWindow::Calendar(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use domain::sla::Draft;
    use serde_json::{Value, json};

    use super::*;

    fn warnings(objective: Value) -> Vec<String> {
        let draft = Draft::parse(&json!({"name": "web", "objectives": [objective]})).unwrap();
        let found = of(&draft.objectives[0]).into_iter();
        found
            .map(|found| serde_json::to_value(found).unwrap()["warning"].to_string())
            .collect()
    }

    #[test]
    fn sums_that_contradict_themselves_and_alerts_that_never_fire_are_found() {
        let events = json!({"good": "r_total{code=~\"5..\"}", "total": "r_total"});
        let slow = json!([{"long": "1h", "short": "5m", "factor": 14.4}]);
        for (objective, expected) in [
            (json!({"events": events}), &["\"contradiction\""][..]),
            (
                json!({"metric": "m", "max": 1, "target": 0.5, "alerts": slow}),
                &["\"unreachable\""],
            ),
            (
                json!({"metric": "m", "max": 1, "target": 0.99, "alerts": slow}),
                &[],
            ),
            (json!({"metric": "m", "max": 1, "target": 0.5}), &[]),
            (
                json!({"events": events, "target": 0.5, "alerts": slow}),
                &["\"contradiction\"", "\"unreachable\""],
            ),
        ] {
            assert_eq!(warnings(objective.clone()), expected, "{objective}");
        }
    }
}
