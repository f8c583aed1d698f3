//! Documents as the API answers them.

use domain::Timestamp;
use pages::{Budgets, Check, Prediction, ShownSla};
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
    let alert = |long: &str, short: &str, factor: f64, severity: &str| {
        json!({"long": long, "short": short, "factor": factor, "budget_share": 0.02, "reachable": true,
            "firing": false, "frozen": false, "severity": severity})
    };
    let budget = json!({"kind": "range", "objective": text, "labels": {}, "target": 0.99, "budget_window": "1d", "sli": 0.9774,
        "budget_seconds": 864.0, "bad_seconds": 975.0, "remaining_seconds": 864.0 * left, "remaining_share": left,
        "burn": {"5m": 0.0, "1h": 3.4, "6h": null}, "alerts": [alert("1h", "5m", 14.4, "page"), alert("6h", "30m", 6.0, "page")],
        "exhaustion_seconds": 3600.0, "unjudged_seconds": 0.0, "excluded_seconds": 60.0, "coverage": 0.5});
    let document = json!({"objectives": [budget], "rolled_up": [budget]});
    from_value(document).expect("a document")
}

pub(crate) fn shown(check: Check, prediction: Prediction, budgets: Budgets) -> ShownSla {
    ShownSla::of(check, prediction, budgets, |_| None)
}
