//! SLAs of files, and files of SLAs.

use http_api::Reply;
use lambda_http::Body;
use serde_json::{Value, json};
use store::testing::TestDatabase;

use crate::service::{Service, etag, json as body};

fn pyrra(name: &str, target: &str) -> String {
    format!(
        "apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {{name: {name}, namespace: web, labels: {{team: a}}}}
spec:
  target: '{target}'
  window: 4w
  description: Requests
  indicator: {{ratio: {{errors: {{metric: 'r_total{{code=~\"5..\"}}'}}, total: {{metric: r_total}}, grouping: [handler]}}}}
"
    )
}

const THRESHOLD: &str = "apiVersion: openslo/v1
kind: SLO
metadata: {name: lag, displayName: Lag}
spec:
  service: queue
  indicator: {metadata: {name: i}, spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: max(lag)}}}}}
  budgetingMethod: Occurrences
  timeWindow: [{duration: 7d, isRolling: true}]
  objectives: [{op: lte, value: 5, target: 0.9}]
";

async fn imported(service: &Service, query: &str, text: &str) -> Value {
    let reply = service
        .send("POST", &format!("/sla/import{query}"), None, text)
        .await;
    let document = body(&reply);
    assert_eq!(reply.status(), 200, "{document}");
    document
}

const SAVE: &str = "?dry_run=false";

#[tokio::test]
async fn nothing_is_saved_unless_that_is_asked_for() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let dry = imported(&service, "", &pyrra("api", "99.5")).await;
    assert_eq!(
        (&dry["created"][0]["name"], &dry["created"][0]["version"]),
        (&json!("api"), &json!(1))
    );
    assert_eq!(service.status("GET", "/sla/api", None, "").await, 404);
    let saved = imported(&service, SAVE, &pyrra("api", "99.5")).await;
    let stored = service.get("/sla/api").await;
    // Its past is judged too, as that of an SLA made by hand.
    let replays = service.get("/sla/api/replay").await;
    assert_eq!(replays["replays"].as_array().unwrap().len(), 1);
    for field in [
        "name",
        "version",
        "objectives",
        "description",
        "annotations",
        "origin",
    ] {
        assert_eq!(saved["created"][0][field], stored[field], "{field}");
        assert_eq!(dry["created"][0][field], stored[field], "{field}");
    }
    assert_eq!(stored["description"], "Requests");
    assert_eq!(stored["annotations"], json!({"team": "a"}));
    assert_eq!(stored["objectives"][0]["by"], json!(["handler"]));
    assert_eq!(
        stored["origin"],
        json!({"format": "pyrra.dev/v1alpha1", "kind": "ServiceLevelObjective", "namespace": "web", "name": "api"})
    );
}

#[tokio::test]
async fn the_same_document_is_the_next_version_only_where_it_differs() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    imported(&service, SAVE, &pyrra("api", "99.5")).await;
    let again = imported(&service, SAVE, &pyrra("api", "99.5")).await;
    assert_eq!(
        (
            &again["created"][0]["unchanged"],
            &again["created"][0]["version"]
        ),
        (&json!(true), &json!(1))
    );
    let changed = imported(&service, SAVE, &pyrra("api", "99.9")).await;
    assert_eq!(
        (
            changed["created"][0].get("unchanged"),
            &changed["created"][0]["version"]
        ),
        (None, &json!(2))
    );
    // What was changed by hand is the SLA of the document still, which makes it what the document says.
    let by_hand = json!({"objectives": [{"metric": "m", "max": 1}]});
    assert_eq!(
        service.status("PUT", "/sla/api", Some("*"), by_hand).await,
        200
    );
    let repaired = imported(&service, SAVE, &pyrra("api", "99.9")).await;
    assert_eq!(repaired["created"][0]["version"], 4);
    // Versions of a name go on after it was retired.
    let retired = service.status("DELETE", "/sla/api", Some("*"), "").await;
    assert_eq!(retired, 200);
    for query in ["", SAVE] {
        let anew = imported(&service, query, &pyrra("api", "99.9")).await;
        assert_eq!(anew["created"][0]["version"], 5, "{query}");
    }
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_and_the_others_are_made() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let by_hand = json!({"name": "api", "objectives": [{"metric": "m", "max": 1}]});
    assert_eq!(service.status("POST", "/sla", None, by_hand).await, 201);
    imported(&service, SAVE, &pyrra("shop", "99.5")).await;
    let elsewhere = pyrra("shop", "99.5").replace("namespace: web", "namespace: bank");
    let text = [
        pyrra("api", "99") + "status: {}\n",
        elsewhere,
        pyrra("import", "99"),
        pyrra("new", "99"),
    ]
    .join("---\n");
    let document = imported(&service, SAVE, &text).await;
    let refused: Vec<(&Value, &Value)> = document["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| (&refused["document"], &refused["pointer"]))
        .collect();
    let name = json!("/metadata/name");
    assert_eq!(
        refused,
        [(&json!(0), &name), (&json!(1), &name), (&json!(2), &name)]
    );
    assert!(
        document["refused"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("by hand")
    );
    assert!(
        document["refused"][1]["reason"]
            .as_str()
            .unwrap()
            .contains("namespace `web`")
    );
    let created: Vec<&Value> = document["created"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sla| &sla["name"])
        .collect();
    assert_eq!(created, [&json!("new")]);
    // What the first document says is of no SLA: `api` is somebody else's.
    let adapted = &document["adapted"][0];
    assert_eq!(
        (&adapted["sla"], &adapted["pointer"]),
        (&Value::Null, &json!("/status"))
    );
    assert_eq!(service.get("/sla/api").await["version"], 1);
    let by_hand = json!({"name": "import", "objectives": [{"metric": "m", "max": 1}]});
    assert_eq!(service.status("POST", "/sla", None, by_hand).await, 422);
}

#[tokio::test]
async fn what_is_said_in_another_way_is_reported() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let text = THRESHOLD.to_owned()
        + "---\n{apiVersion: openslo/v1, kind: Service, metadata: {name: other}, spec: {}}\n---\nkind: X\n";
    let document = imported(&service, SAVE, &text).await;
    let places: Vec<(&Value, &Value, &Value)> = document["adapted"]
        .as_array()
        .unwrap()
        .iter()
        .map(|adapted| (&adapted["sla"], &adapted["document"], &adapted["pointer"]))
        .collect();
    assert_eq!(
        places,
        [
            (&json!("lag"), &json!(0), &json!("/spec/budgetingMethod")),
            (&Value::Null, &json!(1), &json!("")),
        ]
    );
    assert_eq!(document["refused"][0]["pointer"], "/apiVersion");
    let stored = service.get("/sla/lag").await;
    assert_eq!(
        (&stored["display_name"], &stored["annotations"]),
        (&json!("Lag"), &json!({"service": "queue"}))
    );
    let objective = &stored["objectives"][0];
    assert_eq!(
        (
            &objective["query"],
            &objective["metric"],
            &objective["max"],
            &objective["step"]
        ),
        (
            &json!("max(lag)"),
            &json!("lag/lag"),
            &json!(5.0),
            &json!("1m")
        )
    );
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_an_error() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let long = "#".repeat((1 << 20) + 1);
    let deep = "[".repeat(70) + &"]".repeat(70);
    for (uri, text, status) in [
        ("/sla/import", "a: [", 400),
        ("/sla/import", "a: 1\na: 2", 400),
        ("/sla/import", "", 400),
        ("/sla/import", long.as_str(), 413),
        ("/sla/import", deep.as_str(), 422),
        ("/sla/import?dry_run=perhaps", "a: 1", 400),
        ("/sla/import?window=5m", "a: 1", 400),
        ("/sla/import?evaluate=true", "a: 1", 400),
    ] {
        assert_eq!(
            service.status("POST", uri, None, text).await,
            status,
            "{uri} {text:.20}"
        );
    }
    assert_eq!(service.status("GET", "/sla/import", None, "").await, 405);
}

#[tokio::test]
async fn where_queries_are_not_allowed_they_are_refused_everywhere() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone()).without_queries();
    let objectives = json!([{"metric": "m", "max": 1}, {"query": "max(x)", "max": 1}]);
    let reply = service
        .send(
            "POST",
            "/sla",
            None,
            json!({"name": "a", "objectives": objectives}),
        )
        .await;
    assert_eq!(
        (
            reply.status().as_u16(),
            &body(&reply)["errors"][0]["pointer"]
        ),
        (422, &json!("/objectives/1/query"))
    );
    assert!(
        body(&reply)["detail"]
            .as_str()
            .unwrap()
            .contains("ALLOW_QUERIES")
    );
    let tried = json!({"objectives": objectives});
    assert_eq!(service.status("POST", "/sla/try", None, tried).await, 422);
    // What has no query is imported all the same.
    let text = format!("{THRESHOLD}---\n{}", pyrra("api", "99"));
    let document = imported(&service, SAVE, &text).await;
    let refused = document["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 1, "{document}");
    assert_eq!(
        (&refused[0]["document"], &refused[0]["pointer"]),
        (&json!(0), &json!("/spec/objectives/0"))
    );
    let reason = refused[0]["reason"].as_str().unwrap();
    assert!(reason.contains("ALLOW_QUERIES"), "{reason}");
    let created = document["created"].as_array().unwrap();
    assert_eq!((created.len(), &created[0]["name"]), (1, &json!("api")));
    assert_eq!(service.status("GET", "/sla/lag", None, "").await, 404);
}

#[tokio::test]
async fn so_many_different_queries_may_be_asked_and_no_more() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let queries = |from: usize, to: usize| -> Value {
        (from..to)
            .map(|k| json!({"query": format!("x{k}"), "max": 1}))
            .collect()
    };
    let first = json!({"name": "a", "objectives": queries(0, 100)});
    assert_eq!(service.status("POST", "/sla", None, first).await, 201);
    // The same queries once more are none more.
    let same = json!({"name": "b", "objectives": queries(50, 100)});
    assert_eq!(service.status("POST", "/sla", None, same).await, 201);
    let more = json!({"name": "c", "objectives": queries(100, 101)});
    let reply = service.send("POST", "/sla", None, more).await;
    assert_eq!(reply.status(), 422);
    assert!(
        body(&reply)["detail"]
            .as_str()
            .unwrap()
            .contains("101 different queries")
    );
    assert_eq!(
        service.status("POST", "/sla/import", None, THRESHOLD).await,
        422
    );
}

fn yaml(reply: &Reply) -> String {
    assert_eq!(reply.headers()["content-type"], "application/yaml");
    match reply.body() {
        Body::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_export_comes_back_as_the_same_sla_in_this_system_and_in_another() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let by_hand = json!({"name": "web", "display_name": "Web", "annotations": {"team": "a"}, "objectives": [
        {"id": "cpu", "metric": "cpuUsage", "labels": {"job": "node"}, "min": 1, "max": 80, "for": "1m"},
        {"id": "lag", "query": "max(lag)", "max": 5, "target": 0.9, "description": "Of the queue"},
        {"id": "errors", "events": {"bad": "e", "total": "t"}, "by": ["service"], "min_bad": 5},
    ]});
    assert_eq!(service.status("POST", "/sla", None, by_hand).await, 201);
    let reply = service
        .send("GET", "/sla/web?format=openslo", None, "")
        .await;
    assert_eq!(etag(&reply), "\"1\"");
    let text = yaml(&reply);
    let again = imported(&service, SAVE, &text).await;
    assert_eq!(again["created"][0]["unchanged"], true, "{again}\n{text}");
    assert_eq!(
        (&again["adapted"], &again["refused"]),
        (&json!([]), &json!([]))
    );
    let other = TestDatabase::create().await;
    let elsewhere = Service::new(other.store().clone());
    imported(&elsewhere, SAVE, &text).await;
    let (here, there) = (
        service.get("/sla/web").await,
        elsewhere.get("/sla/web").await,
    );
    for field in ["objectives", "display_name", "annotations"] {
        assert_eq!(here[field], there[field], "{field}");
    }
    assert_eq!(
        service
            .status("GET", "/sla/web?format=sloth", None, "")
            .await,
        400
    );
    let changed = text.replacen("target: 0.9\n", "target: 0.95\n", 1);
    let document = imported(&service, SAVE, &changed).await;
    assert_eq!(document["created"][0]["version"], 2);
    assert_eq!(
        document["adapted"][0]["pointer"],
        "/spec/objectives/0/target"
    );
    assert_eq!(service.get("/sla/web").await.get("origin"), None);
}
