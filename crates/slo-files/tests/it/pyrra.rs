//! Pyrra's Kubernetes kind.

use serde_json::json;

use crate::{adapted, assert_refused, objective, read};

fn object(indicator: &str, more: &str) -> String {
    format!(
        "apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata:
  name: api-errors
  namespace: monitoring
  labels: {{role: alert-rules}}
  annotations: {{owner: web}}
spec:
  target: '99.5'
  window: 4w
  description: Requests of the API
  indicator:
    {indicator}
{more}"
    )
}

const RATIO: &str = "ratio: {errors: {metric: 'r_total{code=~\"5..\"}'}, total: {metric: r_total}, grouping: [handler, code]}";

#[test]
fn an_object_is_an_sla_with_one_objective() {
    let body = object(RATIO, "");
    let import = read(&body);
    assert_eq!(
        json!(import.slas[0].draft.about),
        json!({"description": "Requests of the API", "annotations": {"role": "alert-rules", "owner": "web"}})
    );
    let found = objective(&body);
    assert_eq!(
        (
            &found["events"],
            &found["by"],
            &found["target"],
            &found["budget_window"]
        ),
        (
            &json!({"bad": "r_total{code=~\"5..\"}", "total": "r_total"}),
            &json!(["code", "handler"]),
            &json!(0.995),
            &json!("28d")
        )
    );
    assert_eq!(
        found["alerts"],
        json!([
            {"long": "1h", "short": "5m", "factor": 14.0, "severity": "page"},
            {"long": "6h", "short": "30m", "factor": 7.0, "severity": "page"},
            {"long": "1d", "short": "2h", "factor": 2.0, "severity": "ticket"},
            {"long": "4d", "short": "6h", "factor": 1.0, "severity": "ticket"},
        ])
    );
    assert_eq!(adapted(&body), [""; 0]);
    let share = body.replace("'99.5'", "'0.995'") + "status: {type: x}\n";
    assert_eq!(objective(&share)["target"], 0.00995);
    assert_eq!(adapted(&share), ["0:/spec/target", "0:/status"]);
}

#[test]
fn latency_is_the_share_of_the_fast_ones_and_a_gauge_a_range() {
    let latency = "latency: {success: {metric: 'd_bucket{le=\"1\"}'}, total: {metric: d_count}}";
    let expected = json!({"good": "d_bucket{le=\"1\"}", "total": "d_count"});
    assert_eq!(objective(&object(latency, ""))["events"], expected);
    let gauge = object(
        "bool_gauge: {metric: 'probe_success{job=\"a\"}', grouping: [target]}",
        "",
    );
    let found = objective(&gauge);
    assert_eq!(
        (
            &found["query"],
            &found["min"],
            found.get("max"),
            found.get("by")
        ),
        (&json!("probe_success{job=\"a\"}"), &json!(1.0), None, None)
    );
    assert_eq!(adapted(&gauge), ["0:/spec/indicator/bool_gauge/grouping"]);
}

#[test]
fn alerts_have_the_name_of_the_file_or_are_off() {
    let named = object(RATIO, "  alerting: {name: ApiErrors, absent: true}\n");
    assert_eq!(objective(&named)["alerts"][3]["name"], "ApiErrors");
    assert_eq!(adapted(&named), ["0:/spec/alerting/absent"]);
    for off in ["{disabled: true}", "{burnrates: false}"] {
        assert_eq!(
            objective(&object(RATIO, &format!("  alerting: {off}\n")))["alerts"],
            json!([])
        );
    }
    let named_off = object(RATIO, "  alerting: {disabled: true, name: ApiErrors}\n");
    assert_eq!(adapted(&named_off), ["0:/spec/alerting/name"]);
    let more = object(RATIO, "  partial_response_strategy: warn\n");
    assert_eq!(adapted(&more), ["0:/spec/partial_response_strategy"]);
}

#[test]
fn without_a_window_it_is_30_days_which_is_reported() {
    let body = object(RATIO, "").replace("  window: 4w\n", "");
    assert_eq!(objective(&body).get("budget_window"), None);
    assert_eq!(adapted(&body), ["0:/spec/window"]);
}

#[test]
fn what_is_wrong_is_refused_at_its_place() {
    for (indicator, place, said) in [
        (
            "latencyNative: {latency: 1s, total: {metric: x}}",
            "0:/spec/indicator/latencyNative",
            "native",
        ),
        ("{}", "0:/spec/indicator", "must have one of"),
        (
            "ratio: {errors: {metric: a}}",
            "0:/spec/indicator/ratio/total",
            "is missing",
        ),
        (
            "ratio: {errors: {metric: 'avg(a)'}, total: {metric: b}}",
            "0:/spec/indicator/ratio/errors/metric",
            "not a sum",
        ),
        (
            "latency: {success: {metric: d_bucket}, total: {metric: d_count}}",
            "0:/spec/indicator/latency/success/metric",
            "`le`",
        ),
        (
            "ratio: {errors: {metric: a}, total: {metric: b}, grouping: handler}",
            "0:/spec/indicator/ratio/grouping",
            "list",
        ),
    ] {
        assert_refused(&object(indicator, ""), place, said);
    }
    for (from, to, place) in [
        ("target: '99.5'", "target: '100'", "0:/spec/target"),
        ("window: 4w", "window: 5m", "0:/spec/window"),
        ("  name: api-errors\n", "", "0:/metadata/name"),
        ("kind: ServiceLevelObjective", "kind: Other", "0:/kind"),
    ] {
        assert_refused(&object(RATIO, "").replace(from, to), place, "");
    }
}
