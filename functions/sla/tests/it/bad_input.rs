use serde_json::{Value, json};
use store::testing::TestDatabase;

use crate::service::{Service, json as body};

#[tokio::test]
async fn an_invalid_sla_is_refused_by_pointer_and_nothing_is_stored() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let objective = |fields: &str| {
        format!(r#"{{"name":"web","objectives":[{{"metric":"cpuUsage",{fields}}}]}}"#)
    };
    let many = vec![json!({"metric": "m", "max": 1}); 10_001];
    for (document, pointer) in [
        (objective(r#""min":81,"max":80"#), "/objectives/0/min"),
        (objective(r#""max":1e400"#), "/objectives/0/max"),
        (objective(r#""min":NaN,"max":1"#), "/objectives/0/min"),
        (objective(r#""min":-Infinity,"max":1"#), "/objectives/0/min"),
        (objective(r#""for":"1m""#), "/objectives/0"),
        (objective(r#""max":1,"for":"61m""#), "/objectives/0/for"),
        (objective(r#""max":1,"labels":{"__name__":"x"}"#), "/objectives/0/labels/__name__"),
        (objective(r#""max":1,"labels":{"a b":"x"}"#), "/objectives/0/labels/a b"),
        (objective(r#""max":1,"colour":"red""#), "/objectives/0/colour"),
        (objective(r#""max":1,"target":99.5"#), "/objectives/0/target"),
        (objective(r#""max":1,"target":1.2"#), "/objectives/0/target"),
        (objective(r#""max":1,"target":0"#), "/objectives/0/target"),
        (objective(r#""max":1,"target":NaN"#), "/objectives/0/target"),
        (objective(r#""max":1,"target":0.9,"budget_window":"3d""#), "/objectives/0/budget_window"),
        (objective(r#""max":1,"target":0.9,"missing":"ignored""#), "/objectives/0/missing"),
        (r#"{"name":"try","objectives":[{"metric":"m","max":1}]}"#.to_owned(), "/name"),
        (r#"{"name":"web","objectives":[]}"#.to_owned(), "/objectives"),
        (r#"{"name":"web","objectives":[{"id":"a","metric":"m","max":1},{"id":"a","metric":"n","max":1}]}"#.to_owned(), "/objectives/1/id"),
        (json!({"name": "web", "objectives": many}).to_string(), "/objectives"),
        (r#"{"cpuUsage":{"min":"0"}}"#.to_owned(), "/cpuUsage/min"),
        (r#"{"cpuUsage":{"max":80},"cpuUsage":{"max":90}}"#.to_owned(), "/cpuUsage"),
        (objective(r#""max":80,"max":90"#), "/objectives/0/max"),
        ("{}".to_owned(), ""),
        ("[]".to_owned(), ""),
    ] {
        for (method, uri, if_match) in [("POST", "/sla", None), ("PUT", "/sla/web", Some("\"1\""))] {
            let reply = service.send(method, uri, if_match, &document).await;
            let problem = body(&reply);
            assert_eq!(reply.status(), 422, "{method} {document:.100}: {problem}");
            assert_eq!(reply.headers()["content-type"], "application/problem+json");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{method} {document:.100}");
        }
    }
    assert!(database.contents().await.is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    for document in ["", "{", "cpuUsage=80", "{\"name\":\"web\",}"] {
        assert_eq!(
            service.status("POST", "/sla", None, document).await,
            400,
            "{document}"
        );
    }
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(4 << 20));
    assert_eq!(service.status("POST", "/sla", None, &long).await, 413);
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(service.status("POST", "/sla/try", None, &long).await, 413);
    assert_eq!(service.status("POST", "/sla", None, &long).await, 422);
}

#[tokio::test]
async fn an_sla_may_have_ten_thousand_objectives_with_everything_they_may_say() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let objective = |number: usize| {
        json!({
            "id": format!("processor-usage-of-machine-{number}"), "metric": "cpuUsage",
            "labels": {"nodeName": format!("sv{number}"), "job": "node", "datacentre": "somewhere"},
            "min": 0, "max": 80.5, "for": "1m30s", "target": 0.999, "budget_window": "28d", "missing": "bad"
        })
    };
    let mut objectives: Vec<Value> = (0..10_001).map(objective).collect();
    let document = json!({"name": "web", "objectives": objectives}).to_string();
    assert!(document.len() > 2_000_000);
    let reply = service.send("POST", "/sla", None, &document).await;
    assert_eq!(reply.status(), 422);
    assert_eq!(body(&reply)["errors"][0]["pointer"], "/objectives");
    objectives.pop();
    let document = json!({"name": "web", "objectives": objectives}).to_string();
    assert_eq!(service.status("POST", "/sla", None, &document).await, 201);
}

#[tokio::test]
async fn the_name_in_the_body_is_the_one_in_the_path() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let document = json!({"name": "other", "objectives": [{"metric": "m", "max": 1}]});
    let reply = service.send("PUT", "/sla/web", Some("*"), &document).await;
    assert_eq!(
        (
            reply.status().as_u16(),
            &body(&reply)["errors"][0]["pointer"]
        ),
        (422, &json!("/name"))
    );
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    for (uri, parameter) in [
        ("/check_json?as_of=tomorrow", "as_of"),
        ("/check_json?sla=Not+a+name", "sla"),
        ("/check_json?window=1h", "window"),
        ("/predict_json?sla=a&sla=b", "sla"),
        ("/sla?limit=0", "limit"),
        ("/sla?cursor=x", "cursor"),
        ("/sla/web?as_of=2026-11-23T08:45:00Z", "as_of"),
        ("/sla/web/budget?as_of=tomorrow", "as_of"),
        ("/sla/web/budget?objective=a+b", "objective"),
        ("/sla/web/budget?window=1d", "window"),
        (
            "/sla/web/violations?from=2026-11-23T08:45:00Z&to=2026-11-23T08:44:00Z",
            "from",
        ),
        ("/sla/web/violations?limit=1001", "limit"),
        ("/sla/web/violations?as_of=tomorrow", "as_of"),
        ("/sla/web/exclusions?cursor=x", "cursor"),
    ] {
        let reply = service.send("GET", uri, None, "").await;
        assert_eq!(
            (
                reply.status().as_u16(),
                &body(&reply)["errors"][0]["parameter"]
            ),
            (400, &Value::from(parameter)),
            "{uri}"
        );
    }
}

#[tokio::test]
async fn names_nobody_could_have_are_not_found() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let document = json!({"objectives": [{"metric": "m", "max": 1}]});
    for name in ["web", "try", "Web", "%27%3B--", &"x".repeat(64)] {
        assert_eq!(
            service
                .status("GET", &format!("/sla/{name}"), None, "")
                .await,
            404,
            "{name}"
        );
        assert_eq!(
            service
                .status("PUT", &format!("/sla/{name}"), Some("*"), &document)
                .await,
            404,
            "{name}"
        );
        assert_eq!(
            service
                .status("DELETE", &format!("/sla/{name}"), Some("*"), "")
                .await,
            404,
            "{name}"
        );
    }
    assert!(database.contents().await.is_empty());
}
