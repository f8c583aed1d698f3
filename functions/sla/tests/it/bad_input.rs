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
        (objective(r#""max":1,"labels":{"":"x"}"#), "/objectives/0/labels/"),
        (objective(r#""max":1,"colour":"red""#), "/objectives/0/colour"),
        (objective(r#""max":1,"target":99.5"#), "/objectives/0/target"),
        (objective(r#""max":1,"target":1.2"#), "/objectives/0/target"),
        (objective(r#""max":1,"target":0"#), "/objectives/0/target"),
        (objective(r#""max":1,"target":NaN"#), "/objectives/0/target"),
        (objective(r#""max":1,"target":0.9,"budget_window":"30m""#), "/objectives/0/budget_window"),
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
    for name in [
        "web",
        "Web",
        "%27%3B--",
        "%C3%BC",
        "%C2%84",
        "%F0%9F%98%80",
        "a%2Fb",
        &"x".repeat(64),
    ] {
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

#[tokio::test]
async fn every_route_of_a_name_nobody_could_have_is_not_found() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let exclusion =
        json!({"from": "2026-11-23T08:00:00Z", "to": "2026-11-23T09:00:00Z", "reason": "upgrade"});
    for (method, rest) in [
        ("GET", "budget"),
        ("GET", "violations"),
        ("GET", "exclusions"),
        ("POST", "exclusions"),
        ("DELETE", "exclusions/1"),
    ] {
        let uri = format!("/sla/%C3%BC/{rest}");
        let status = service.status(method, &uri, None, &exclusion).await;
        assert_eq!(status, 404, "{method} {uri}");
    }
}

#[tokio::test]
async fn a_forged_cursor_is_no_cursor() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    for name in ["a", "b", "c"] {
        let document = json!({"name": name, "objectives": [{"metric": "m", "max": 1}]});
        let status = service.status("POST", "/sla", None, &document).await;
        assert_eq!(status, 201);
    }
    let page = service.get("/sla?limit=1").await;
    let cursor = page["next"].as_str().unwrap();
    let text = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, cursor);
    let mut forged: Value = serde_json::from_slice(&text.unwrap()).unwrap();
    for key in [json!("\u{fc}"), json!("A b"), json!(1), json!(null)] {
        forged["k"] = key;
        let forged = base64::Engine::encode(
            &base64::engine::general_purpose::URL_SAFE_NO_PAD,
            forged.to_string(),
        );
        let uri = format!("/sla?limit=1&cursor={forged}");
        assert_eq!(service.status("GET", &uri, None, "").await, 400, "{forged}");
    }
    // A cursor of one SLA's list is none of another's.
    let uri = |name: &str, cursor: &str| format!("/sla/{name}/exclusions?limit=1{cursor}");
    for hour in 1..3 {
        let exclusion = json!({"from": format!("2026-11-23T0{hour}:00:00Z"), "to": "2026-11-23T09:00:00Z", "reason": "upgrade"});
        let status = service
            .status("POST", "/sla/a/exclusions", None, &exclusion)
            .await;
        assert_eq!(status, 201);
    }
    let page = service.get(&uri("a", "")).await;
    let cursor = format!("&cursor={}", page["next"].as_str().unwrap());
    assert_eq!(
        service.status("GET", &uri("a", &cursor), None, "").await,
        200
    );
    assert_eq!(
        service.status("GET", &uri("b", &cursor), None, "").await,
        400
    );
}

#[tokio::test]
async fn an_answer_about_many_objectives_lists_as_much_advice_as_fits() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    // Warnings repeat the metric's name twice, as long as it may be.
    let metric = format!("{}_total", "m".repeat(249));
    let objectives: Vec<Value> = (0..6_000)
        .map(|number| json!({"id": format!("{number}"), "metric": metric, "max": 1}))
        .collect();
    let document = json!({"name": "web", "objectives": objectives});
    let reply = service.send("POST", "/sla", None, &document).await;
    assert_eq!(reply.status(), 201);
    let created = body(&reply);
    let listed = created["objectives"].as_array().unwrap();
    assert_eq!(listed.len(), 6_000);
    let advised = created["advised"].as_u64().unwrap() as usize;
    assert!(advised > 1_000 && advised < 6_000, "{advised}");
    assert!(listed[advised - 1].get("warnings").is_some());
    assert!(listed[advised].get("warnings").is_none());
    assert!(created.to_string().len() <= http_api::MOST_BODY_BYTES);
}

#[tokio::test]
async fn an_sla_that_fits_into_no_answer_is_refused() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    // Quotes take twice the room in an answer that they take here, and twice that once it is escaped.
    let value = "\"".repeat(4_000);
    let objectives: Vec<Value> = (0..500)
        .map(|number| json!({"id": format!("{number}"), "metric": "m", "labels": {"a": value}, "max": 1}))
        .collect();
    let document = json!({"name": "web", "objectives": objectives}).to_string();
    assert!(document.len() < 4_190_000);
    let reply = service.send("POST", "/sla", None, &document).await;
    assert_eq!(reply.status(), 422);
    assert_eq!(body(&reply)["errors"][0]["pointer"], "/objectives");
    assert!(database.contents().await.is_empty());
}
