//! Documents as the API answers them.

use domain::{
    Labels, Timestamp,
    budget::{Alert, Burn},
    sla::{Missing, Severity},
};
use pages::{Budget, Budgets, Check, Prediction, ShownSla, Spent};
use serde_json::{from_value, json};

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn check(text: &str, state: &str, min: f64, max: f64) -> Check {
    let counts = json!({"violations": 3, "out_of_range_samples": 14, "seconds": 345.0, "observed_samples": 240, "coverage": 0.98});
    let episode = |start: &str, end: &str, ongoing: bool| {
        json!({"start": start, "start_known": true, "end": end, "seconds": 105.0, "worst": max * 1.2, "side": "above",
            "ongoing": ongoing, "excluded_seconds": 0.0})
    };
    let document = json!({"sla": text, "version": 1, "as_of": "2026-11-23T08:45:00Z", "age_seconds": 6.0, "stale": false,
        "complete": true, "state": state, "objectives": [{
            "kind": "range", "objective": text, "metric": text, "unit": text, "series_id": "0".repeat(32),
            "labels": {text: text}, "selector": {}, "min": min, "max": max, "for_seconds": 60.0,
            "as_of": "2026-11-23T08:45:00Z", "state": state, "reason": text, "series": 2, "firing": 1, "no_data": 0,
            "windows": {"1h": counts, "3h": counts, "12h": counts},
            "episodes": [
                episode("2026-11-23T08:40:00Z", "2026-11-23T08:45:00Z", true),
                episode("2026-11-23T07:10:00Z", "2026-11-23T07:12:00Z", false),
                episode("2026-11-23T06:10:00Z", "2026-11-23T06:13:00Z", false),
            ],
            "episodes_total": 3}]});
    from_value(document).expect("a document")
}

pub(crate) fn prediction(text: &str, probability: f64) -> Prediction {
    let document = json!({"objectives": [{"objective": text, "labels": {text: text}, "probability": probability,
        "reason": null, "first_crossing": null, "expected_seconds": 12.0,
        "predicted": {"min": 22.0, "max": 61.0, "average": 40.0}}]});
    from_value(document).expect("a document")
}

pub(crate) fn budgets(text: &str, left: f64) -> Budgets {
    let alert = |long: &str, short: &str, factor: f64| Alert {
        long: long.to_owned(),
        short: short.to_owned(),
        factor,
        budget_share: 0.02,
        reachable: true,
        firing: false,
        frozen: false,
        unmeasured_since: None,
        severity: Severity::Page,
        name: Some(text.to_owned()),
        labels: Labels::default(),
        annotations: Labels::default(),
    };
    let burn = [("5m", Some(0.0)), ("1h", Some(3.4)), ("6h", None)];
    let burn = burn.map(|(window, burn)| (window.to_owned(), burn));
    let budget = Budget {
        objective: text.to_owned(),
        labels: Labels::default(),
        spent: Spent::Time(domain::budget::Budget {
            target: Some(0.99),
            budget_window: from_value(json!("1d")).expect("a window"),
            missing: Missing::Excluded,
            sli: Some(0.9774),
            budget_seconds: Some(864.0),
            bad_seconds: 975.0,
            remaining_seconds: Some(864.0 * left),
            remaining_share: Some(left),
            burn: Burn(burn.to_vec()),
            alerts: vec![alert("1h", "5m", 14.4), alert("6h", "30m", 6.0)],
            exhaustion_seconds: Some(3600.0),
            unjudged_seconds: 0.0,
            excluded_seconds: 60.0,
            coverage: 0.5,
        }),
    };
    Budgets {
        objectives: vec![budget.clone()],
        rolled_up: vec![budget],
    }
}

pub(crate) fn shown(check: Check, prediction: Prediction, budgets: Budgets) -> ShownSla {
    ShownSla::of(check, prediction, budgets, |_| None)
}
