use serde_json::{Value, json};
use store::testing::TestDatabase;

use crate::{
    budget::{AS_OF, made, told},
    check::store,
    service::{Service, outlook},
};

/// `web` with violations of two objectives on two series: one a minute, of 15 s each.
async fn filled() -> (TestDatabase, Service) {
    let (database, service, objectives) = made(json!([
        {"id": "cpu", "metric": "cpuUsage", "max": 80},
        {"id": "memory", "metric": "memory", "min": 10}
    ]))
    .await;
    let cpu: Vec<f64> = (0..40)
        .map(|k| if k % 4 == 1 { 90.0 } else { 50.0 })
        .collect();
    let memory: Vec<f64> = (0..40)
        .map(|k| if k % 4 == 1 { 5.0 } else { 50.0 })
        .collect();
    let documents = ["a", "b"].map(|instance| {
        [
            told(&objectives[0], AS_OF).of(instance, &cpu, outlook(0.1)),
            told(&objectives[1], AS_OF).of(instance, &memory, outlook(0.1)),
        ]
    });
    store(&database, &documents.concat()).await;
    (database, service)
}

async fn list(service: &Service, query: &str) -> Vec<Value> {
    let mut document = service.get(&format!("/sla/web/violations?{query}")).await;
    match document["violations"].take() {
        Value::Array(violations) => violations,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_violation_is_on_one_page_newest_start_first() {
    let (_database, service) = filled().await;
    let all = list(&service, "limit=1000").await;
    assert_eq!(all.len(), 40);
    let starts: Vec<_> = all.iter().map(|one| one["start"].as_str()).collect();
    assert!(starts.is_sorted_by(|one, other| one >= other));
    insta::assert_json_snapshot!(all[0], @r#"
      {
        "end": "2026-11-23T08:44:45Z",
        "excluded_seconds": 0.0,
        "labels": {
          "instance": "b",
          "job": "node"
        },
        "metric": "memory",
        "objective": "memory",
        "ongoing": false,
        "seconds": 15.0,
        "side": "below",
        "start": "2026-11-23T08:44:30Z",
        "start_known": true,
        "version": 1,
        "worst": 5.0
      }
    "#);
    for limit in [1, 3, 7, 39, 40] {
        let mut paged = Vec::new();
        let mut uri = format!("/sla/web/violations?limit={limit}");
        loop {
            let mut page = service.get(&uri).await;
            match page["violations"].take() {
                Value::Array(violations) => paged.extend(violations),
                other => panic!("{other}"),
            }
            match page["next"].as_str() {
                Some(next) => uri = format!("/sla/web/violations?limit={limit}&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(paged, all, "{limit}");
    }
}

#[tokio::test]
async fn a_filter_leaves_those_alone_that_it_means() {
    let (_database, service) = filled().await;
    for (query, count) in [
        ("objective=cpu", 20),
        ("objective=nobody", 0),
        ("metric=memory", 20),
        ("label.instance=a", 20),
        ("label.instance=a&label.job=node&objective=cpu", 10),
        ("label.instance=c", 0),
        // One that ends then is over; one that starts then is there.
        ("from=2026-11-23T08:44:44.999Z", 4),
        ("from=2026-11-23T08:44:45Z", 0),
        ("to=2026-11-23T08:35:30Z", 4),
        ("to=2026-11-23T08:35:29.999Z", 0),
        ("as_of=2026-11-23T08:44:29.999Z", 0),
        ("as_of=2026-11-23T08:44:30Z", 4),
        ("as_of=2026-11-23T08:44:45Z", 4),
        ("as_of=2026-11-23T08:44:45.001Z", 0),
        (
            "from=2026-11-23T08:40:00Z&to=2026-11-23T08:41:59Z&objective=cpu",
            4,
        ),
    ] {
        assert_eq!(list(&service, query).await.len(), count, "{query}");
    }
}

#[tokio::test]
async fn a_violation_goes_on_while_its_version_is_in_force() {
    let (database, service, objectives) =
        made(json!([{"id": "cpu", "metric": "cpuUsage", "max": 80}])).await;
    let document = told(&objectives[0], AS_OF).of("a", &[50.0, 90.0], outlook(0.9));
    store(&database, &[document]).await;
    assert_eq!(list(&service, "").await[0]["ongoing"], true);
    let next = json!({"objectives": [{"id": "cpu", "metric": "cpuUsage", "max": 85}]});
    let replaced = service.status("PUT", "/sla/web", Some("*"), next).await;
    assert_eq!(replaced, 200);
    // Nobody judges by the range that it is about.
    assert_eq!(list(&service, "").await[0]["ongoing"], false);
}

#[tokio::test]
async fn violations_of_an_sla_outlive_it_and_those_of_none_are_not_found() {
    let (_database, service) = filled().await;
    let retired = service.status("DELETE", "/sla/web", Some("*"), "").await;
    assert_eq!(retired, 200);
    assert_eq!(list(&service, "limit=1000").await.len(), 40);
    for name in ["api", "try", "Web", "%27"] {
        let uri = format!("/sla/{name}/violations");
        assert_eq!(service.status("GET", &uri, None, "").await, 404, "{name}");
    }
}
