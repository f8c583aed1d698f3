use serde_json::{Value, json};

use super::node::NODE;

/// The SLA that `up` posts: one objective per metric of the demo node, and two about its requests. Usual values keep its
/// ranges, excursions and spikes leave them.
pub(crate) fn demo_sla() -> Value {
    let labels = json!({ "nodeName": NODE });
    json!({
        "name": "demo",
        "objectives": [
            {"id": "cpuUsage", "metric": "cpuUsage", "labels": labels, "min": 0, "max": 70, "for": "1m"},
            {"id": "availableMem", "metric": "availableMem", "labels": labels, "min": 2_147_483_648_u64, "for": "1m"},
            {"id": "cpuTemp", "metric": "cpuTemp", "labels": labels, "max": 75, "for": "1m"},
            {"id": "totProcesses", "metric": "totProcesses", "labels": labels, "max": 400, "for": "1m"},
            {"id": "networkThroughput", "metric": "networkThroughput", "labels": labels, "max": 20_000_000, "for": "1m"},
            {"id": "availability", "target": 0.995,
             "events": {"bad": r#"demo_http_requests_total{code=~"5.."}"#, "total": "demo_http_requests_total"}},
            {"id": "latency", "target": 0.95,
             "events": {"good": r#"demo_http_request_duration_seconds_bucket{le="0.25"}"#,
                        "total": "demo_http_request_duration_seconds_count"}},
        ],
    })
}
