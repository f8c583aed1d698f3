//! Replays, as they are asked for, listed and stopped.

use std::time::Duration;

use domain::{
    Span, Timestamp,
    message::{ReplayDocument, ReplayFailure, ReplayProgress, Replayed},
};
use serde_json::{Value, json};
use store::{pipeline::Document, testing::TestDatabase};

use crate::service::{Service, json as body, time};

fn availability() -> Value {
    json!({"id": "availability", "target": 0.99, "budget_window": "7d",
        "events": {"bad": "errors_total", "total": "requests_total"}})
}

fn cpu() -> Value {
    json!({"id": "cpu", "metric": "cpuUsage", "max": 80, "target": 0.9, "budget_window": "3d"})
}

async fn created(sla: Value) -> (TestDatabase, Service) {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    assert_eq!(service.status("POST", "/sla", None, sla).await, 201);
    (database, service)
}

fn now() -> Timestamp {
    chrono::Utc::now().into()
}

fn ago(seconds: u64) -> String {
    (now() - Duration::from_secs(seconds)).to_string()
}

const DAY: u64 = 86_400;

async fn replays(service: &Service) -> Vec<Value> {
    let listed = service.get("/sla/web/replay").await;
    listed["replays"].as_array().unwrap().clone()
}

/// How long a replay is, seconds.
fn length(replay: &Value) -> u64 {
    let at = |field: &str| time(replay[field].as_str().unwrap());
    at("to").since(at("from")).as_secs()
}

#[tokio::test]
async fn an_sla_that_is_created_is_replayed_over_its_longest_budget_window() {
    let sla = json!({"name": "web", "objectives": [availability(), cpu()]});
    let (_database, service) = created(sla).await;
    let listed = replays(&service).await;
    assert_eq!(listed.len(), 1);
    let replay = &listed[0];
    assert_eq!(replay["state"], "waiting");
    assert_eq!(replay["objectives"], Value::Null);
    assert_eq!(replay["done_until"], replay["to"]);
    assert_eq!(replay["failures"], json!([]));
    assert_eq!(length(replay), 7 * DAY);
    // What is replaced adds and redefines objectives: those alone.
    let mut same = availability();
    same["target"] = json!(0.9);
    let put = async |version: &str, objectives: Value| {
        let status = service
            .status(
                "PUT",
                "/sla/web",
                Some(version),
                json!({"objectives": objectives}),
            )
            .await;
        assert_eq!(status, 200);
    };
    put("\"1\"", json!([same, cpu()])).await;
    assert_eq!(replays(&service).await.len(), 1);
    let mut other = availability();
    other["events"]["bad"] = json!("failures_total");
    other["budget_window"] = json!("1d");
    put("\"2\"", json!([other, cpu()])).await;
    let listed = replays(&service).await;
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["objectives"], json!(["availability"]));
    assert_eq!(length(&listed[0]), DAY);
    // Each over its own window.
    let mut third = availability();
    (third["id"], third["events"]["bad"]) = (json!("third"), json!("timeouts_total"));
    let mut fourth = third.clone();
    (fourth["id"], fourth["budget_window"]) = (json!("fourth"), json!("2d"));
    put("\"3\"", json!([other, third, fourth, cpu()])).await;
    let listed = replays(&service).await;
    let mut new: Vec<(&Value, u64)> = listed[..listed.len() - 2]
        .iter()
        .map(|replay| (&replay["objectives"], length(replay)))
        .collect();
    new.sort_by_key(|(_, length)| *length);
    assert_eq!(
        new,
        [(&json!(["fourth"]), 2 * DAY), (&json!(["third"]), 7 * DAY)]
    );
    let count = listed.len();
    let mut range = cpu();
    (range["max"], range["budget_window"]) = (json!(1), json!("3d"));
    put("\"4\"", json!([other, third, fourth, range])).await;
    let listed = replays(&service).await;
    assert_eq!(listed.len(), count + 1);
    assert_eq!(listed[0]["objectives"], json!([range["id"]]));
    assert_eq!(length(&listed[0]), 3 * DAY);
}

#[tokio::test]
async fn the_replays_of_an_sla_that_is_retired_are_stopped() {
    let sla = json!({"name": "web", "objectives": [availability()]});
    let (_database, service) = created(sla).await;
    let retired = service
        .status("DELETE", "/sla/web", Some("\"1\""), "")
        .await;
    assert_eq!(retired, 200);
    assert_eq!(replays(&service).await[0]["state"], "stopped");
}

#[tokio::test]
async fn an_sla_need_not_be_replayed() {
    let sla = json!({"name": "web", "replay": false, "objectives": [availability()]});
    let (_database, service) = created(sla).await;
    assert_eq!(replays(&service).await, Vec::<Value>::new());
    let sla = json!({"name": "api", "replay": 1, "objectives": [availability()]});
    let refused = service.send("POST", "/sla", None, sla).await;
    assert_eq!(refused.status(), 422);
    assert_eq!(body(&refused)["errors"][0]["pointer"], "/replay");
    assert_eq!(
        service.status("GET", "/sla/api/replay", None, "").await,
        404
    );
}

#[tokio::test]
async fn a_replay_is_asked_for_progresses_and_is_stopped() {
    let sla = json!({"name": "web", "replay": false, "objectives": [availability(), cpu()]});
    let (database, service) = created(sla).await;
    let post = async |document: &Value| {
        let reply = service
            .send("POST", "/sla/web/replay", None, document)
            .await;
        assert_eq!(reply.status(), 202, "{}", body(&reply));
        body(&reply)["replay"].clone()
    };
    let first = post(&json!({"from": ago(2 * DAY)})).await;
    // What is not settled is left to runs.
    let newest = now() - Duration::from_secs(300);
    assert!(time(first["to"].as_str().unwrap()) <= newest);
    let second = post(
        &json!({"from": ago(2 * DAY), "to": ago(DAY), "objectives": ["cpu"], "replace": true}),
    )
    .await;
    assert_eq!(
        (&second["replace"], &second["objectives"]),
        (&json!(true), &json!(["cpu"]))
    );
    assert_eq!(length(&second), DAY + 60);
    let listed = replays(&service).await;
    assert_eq!(listed, [second.clone(), first.clone()]);

    // Storage notes how far they are; what comes late or again changes nothing.
    let (from, to) = (
        time(second["from"].as_str().unwrap()),
        time(second["to"].as_str().unwrap()),
    );
    let half = to - Duration::from_secs(12 * 3_600);
    let failure = ReplayFailure {
        from: half,
        to,
        objective: "cpu".parse().unwrap(),
        reason: "its metric took too long".to_owned(),
    };
    let done = |end: Timestamp, done_until: Timestamp, failures: &[ReplayFailure]| {
        Document::Replay(Box::new(ReplayDocument {
            piece: Span {
                start: done_until,
                end,
            },
            replace: false,
            found: Replayed::Done(vec![ReplayProgress {
                id: second["id"].as_u64().unwrap(),
                done_until,
                failures: failures.to_vec(),
            }]),
        }))
    };
    let first_half = done(to, half, &[failure]);
    let second_half = done(half, from, &[]);
    let store = async |document: &Document| {
        let documents = std::slice::from_ref(document);
        database.store().store_batch(documents, &[]).await.unwrap();
    };
    for _ in 0..2 {
        store(&first_half).await;
        let shown = &replays(&service).await[0];
        assert_eq!(shown["state"], "running");
        assert_eq!(shown["done_until"], half.to_string());
        assert_eq!(shown["failures"].as_array().unwrap().len(), 1);
    }
    store(&second_half).await;
    store(&first_half).await;
    let shown = &replays(&service).await[0];
    assert_eq!(shown["state"], "failed");
    assert_eq!(shown["done_until"], shown["from"]);
    assert_eq!(shown["failures"][0]["reason"], "its metric took too long");

    let delete = async |id: &Value| {
        let uri = format!("/sla/web/replay/{id}");
        body(&service.send("DELETE", &uri, None, "").await)["replay"].clone()
    };
    // One that is over cannot be stopped.
    assert_eq!(delete(&second["id"]).await["state"], "failed");
    let stopped = delete(&first["id"]).await;
    assert_eq!(stopped["state"], "stopped");
    assert_eq!(delete(&first["id"]).await, stopped);
    assert_eq!(database.store().waiting_replays().await.unwrap(), []);
    for id in ["0", "99", "x"] {
        let uri = format!("/sla/web/replay/{id}");
        assert_eq!(service.status("DELETE", &uri, None, "").await, 404, "{id}");
    }
}

#[tokio::test]
async fn a_replay_that_is_wrong_is_refused_by_pointer() {
    let sla = json!({"name": "web", "replay": false, "objectives": [cpu()]});
    let (_database, service) = created(sla).await;
    for (field, value, pointer) in [
        ("from", Value::Null, "/from"),
        ("from", json!("yesterday"), "/from"),
        ("from", json!(1), "/from"),
        ("from", json!(ago(60)), "/from"),
        ("from", json!(ago(401 * DAY)), "/from"),
        ("to", json!("2999-01-01T00:00:00Z"), "/to"),
        ("to", json!(ago(3 * DAY)), "/to"),
        ("to", json!(1), "/to"),
        ("objectives", json!("cpu"), "/objectives"),
        ("objectives", json!([]), "/objectives"),
        ("objectives", json!(["cpu", 1]), "/objectives/1"),
        ("objectives", json!(["memory"]), "/objectives/0"),
        ("replace", json!("yes"), "/replace"),
        ("step", json!("1h"), "/step"),
    ] {
        let mut document = json!({"from": ago(2 * DAY)});
        document[field] = value;
        let reply = service
            .send("POST", "/sla/web/replay", None, &document)
            .await;
        let problem = body(&reply);
        assert_eq!(reply.status(), 422, "{document}: {problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{document}");
    }
    assert_eq!(replays(&service).await, Vec::<Value>::new());
    for (uri, document, status) in [
        ("/sla/api/replay", json!({"from": ago(DAY)}), 404),
        ("/sla/web/replay", json!([]), 422),
    ] {
        assert_eq!(service.status("POST", uri, None, document).await, status);
    }
    // So many may wait.
    let document = json!({"from": ago(DAY)});
    for _ in 0..100 {
        let status = service
            .status("POST", "/sla/web/replay", None, &document)
            .await;
        assert_eq!(status, 202);
    }
    let status = service
        .status("POST", "/sla/web/replay", None, &document)
        .await;
    assert_eq!(status, 409);
}
