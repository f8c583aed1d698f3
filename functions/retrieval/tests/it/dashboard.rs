//! `grafana/slacast.json`: what Grafana needs of a dashboard is there, and each of its queries is answered.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::prometheus::{asked, filled};

fn dashboard() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../grafana/slacast.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field]
        .as_array()
        .unwrap_or_else(|| panic!("{field} of {value}"))
}

#[test]
fn the_dashboard_has_what_grafana_needs() {
    let dashboard = dashboard();
    for (field, kind) in [
        ("uid", "string"),
        ("title", "string"),
        ("schemaVersion", "number"),
        ("time", "object"),
        ("templating", "object"),
        ("annotations", "object"),
        ("panels", "array"),
    ] {
        let value = &dashboard[field];
        let is_it = match kind {
            "string" => value.is_string(),
            "number" => value.is_u64(),
            "object" => value.is_object(),
            _ => value.is_array(),
        };
        assert!(is_it, "{field} is no {kind}: {value}");
    }
    // One that is imported gets an id of its own.
    assert_eq!(dashboard.get("id"), None);
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in list(&dashboard, "panels") {
        let title = panel["title"].as_str().unwrap();
        assert!(
            ids.insert(panel["id"].as_u64().unwrap()),
            "{title} has the id of another panel"
        );
        assert!(["table", "bargauge", "timeseries"].contains(&panel["type"].as_str().unwrap()));
        assert!(
            !panel["description"].as_str().unwrap().is_empty(),
            "{title}"
        );
        assert!(
            panel["fieldConfig"]["defaults"].is_object()
                && panel["fieldConfig"]["overrides"].is_array()
        );
        let [x, y, w, h] =
            ["x", "y", "w", "h"].map(|field| panel["gridPos"][field].as_u64().unwrap());
        assert!(x + w <= 24, "{title} is beyond the grid");
        for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(place), "{title} lies on another panel");
        }
        let mut references = BTreeSet::new();
        for target in list(panel, "targets") {
            assert!(
                references.insert(target["refId"].as_str().unwrap()),
                "{title}"
            );
            let source = json!({"type": "prometheus", "uid": "${datasource}"});
            assert_eq!(
                (&target["datasource"], &panel["datasource"]),
                (&source, &source)
            );
        }
    }
    let variables = list(&dashboard["templating"], "list");
    assert_eq!(
        (&variables[0]["name"], &variables[0]["type"]),
        (&json!("datasource"), &json!("datasource"))
    );
    assert!(
        variables[1..]
            .iter()
            .all(|variable| variable["type"] == "query")
    );
}

/// A query with the values that Grafana puts in.
fn filled_in(query: &str) -> String {
    query
        .replace("$sla", ".*")
        .replace("$objective", ".*")
        .replace("$window", ".*")
        .replace("$metric", "cpuUsage")
}

#[tokio::test]
async fn each_query_of_the_dashboard_is_answered() {
    let (_database, service) = filled().await;
    let dashboard = dashboard();
    for panel in list(&dashboard, "panels") {
        for target in list(panel, "targets") {
            let query = filled_in(target["expr"].as_str().unwrap());
            let found = if target["instant"] == true {
                let parameters = [("query", query.as_str()), ("time", "2026-11-23T08:45:30Z")];
                asked(&service, "query", &parameters).await
            } else {
                let parameters = [
                    ("query", query.as_str()),
                    ("start", "2026-11-23T07:45:00Z"),
                    ("end", "2026-11-23T08:55:00Z"),
                    ("step", "30"),
                ];
                asked(&service, "query_range", &parameters).await
            };
            let is_of_infinite_values = query.contains("history_max");
            assert!(
                !list(&found, "result").is_empty() || is_of_infinite_values,
                "{query}: {found}"
            );
        }
    }
    for variable in &list(&dashboard["templating"], "list")[1..] {
        let query = filled_in(variable["query"]["query"].as_str().unwrap());
        let inner = query
            .strip_prefix("label_values(")
            .and_then(|rest| rest.strip_suffix(')'));
        let (selector, label) = inner.unwrap().rsplit_once(", ").unwrap();
        let path = format!("label/{label}/values");
        let found = asked(&service, &path, &[("match[]", selector)]).await;
        assert!(!found.as_array().unwrap().is_empty(), "{query}");
    }
}
