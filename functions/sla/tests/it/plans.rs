use serde_json::json;
use store::testing::CrowdedDatabase;

use crate::service::{Service, json as body};

#[tokio::test]
async fn no_route_reads_a_whole_table() {
    let crowded = CrowdedDatabase::create().await;
    let objective = &crowded.database().store().sla("demo").await.unwrap();
    let objective = &objective.as_ref().unwrap().sla.objectives[7].id;
    let small = json!({"objectives": [{"metric": "cpuUsage", "max": 80}]});
    let mut named = small.clone();
    named["name"] = json!("web");
    let exclusion = json!({
        "from": "2026-11-23T08:00:00Z", "to": "2026-11-23T09:00:00Z",
        "reason": "upgrade", "objective": objective
    });
    let reads = [
        "/sla",
        "/sla?limit=5",
        "/sla?metric=cpuUsage&limit=5",
        "/sla/demo",
        "/check_json",
        "/check_json?sla=demo",
        "/check_json?sla=other-7",
        "/check_json?sla=demo&as_of=2026-11-23T08:44:45Z",
        "/predict_json?sla=demo",
        "/sla/demo/budget",
        "/sla/demo/budget?as_of=2026-11-23T08:44:45Z",
        &format!("/sla/demo/budget?objective={objective}"),
        "/sla/demo/violations",
        "/sla/demo/violations?limit=5",
        "/sla/demo/violations?from=2026-11-23T08:40:00Z&limit=5",
        "/sla/demo/violations?to=2026-11-23T08:40:00Z&limit=5",
        "/sla/demo/violations?metric=cpuUsage&label.instance=host8",
        &format!("/sla/demo/violations?objective={objective}"),
        "/sla/other-7/exclusions",
        "/sla/other-7/exclusions?limit=2",
        "/sla/other-7/exclusions?as_of=2026-11-23T08:44:45Z",
        "/sla/demo/exclusions",
    ];
    let pages = [
        "/ui",
        "/ui?as_of=2026-11-23T08:44:45Z",
        "/ui/sla/other-7",
        &format!("/ui/sla/demo/{objective}"),
    ];
    let (statuses, statements) = crowded
        .answer_by_index(async |store| {
            let service = Service::new(store);
            let mut statuses = Vec::new();
            for uri in reads {
                let reply = service.send("GET", uri, None, "").await;
                statuses.push((uri.to_owned(), reply.status().as_u16()));
                let document = body(&reply);
                if let Some(next) = document["next"].as_str() {
                    let separator = if uri.contains('?') { '&' } else { '?' };
                    let next = format!("{uri}{separator}cursor={next}");
                    statuses.push((uri.to_owned(), service.status("GET", &next, None, "").await));
                }
            }
            for uri in pages {
                let reply = service.browse("GET", uri, "").await;
                statuses.push((uri.to_owned(), reply.status().as_u16()));
            }
            for (method, uri, document) in [
                ("POST", "/sla", &named),
                ("PUT", "/sla/web", &small),
                ("POST", "/sla/demo/exclusions", &exclusion),
                ("DELETE", "/sla/other-7/exclusions/8", &json!("")),
                ("DELETE", "/sla/web", &json!("")),
            ] {
                let if_match = Some("*");
                let status = service.status(method, uri, if_match, document).await;
                statuses.push((format!("{method} {uri}"), status));
            }
            statuses
        })
        .await;
    let refused: Vec<_> = statuses
        .iter()
        // Of many SLAs one has to be named.
        .filter(|(uri, status)| *status > 201 && uri != "/check_json")
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    assert!(statements >= reads.len(), "{statements}");
}
