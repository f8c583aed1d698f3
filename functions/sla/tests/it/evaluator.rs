use std::time::Duration;

use serde_json::{Value, json};
use sla::Evaluator;
use store::testing::TestDatabase;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, header, method, path},
};

use crate::service::{Service, json as body};

/// Creates an SLA while etl answers like this, and tells what was said of its evaluation.
async fn create(etl: &MockServer, token: Option<&str>) -> Value {
    let database = TestDatabase::create().await;
    let token = token.map(config::SecretString::from);
    let evaluator = Evaluator::new(Some(etl.uri().parse().unwrap()), token.as_ref()).unwrap();
    let service = Service::with(database.store().clone(), evaluator);
    let document = json!({"name": "web", "objectives": [{"metric": "m", "max": 1}]});
    let reply = service.send("POST", "/sla", None, document).await;
    assert_eq!(reply.status(), 201);
    assert_eq!(database.count("sla").await, 1);
    body(&reply)["evaluation"].take()
}

#[tokio::test]
async fn a_new_sla_is_evaluated_at_once() {
    let etl = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/ETL"))
        .and(header("authorization", "Bearer writer-writer-writer"))
        .and(body_json(json!({"sla": "web"})))
        .respond_with(
            ResponseTemplate::new(202).set_body_json(json!({"run_id": "r1", "as_of": "x"})),
        )
        .expect(1)
        .mount(&etl)
        .await;
    let evaluation = create(&etl, Some("writer-writer-writer")).await;
    assert_eq!(
        evaluation,
        json!({"requested": true, "run_id": "r1", "reason": null})
    );
}

#[tokio::test]
async fn an_sla_stands_though_etl_fails() {
    for (response, reason) in [
        (ResponseTemplate::new(503), "etl answered 503"),
        (
            ResponseTemplate::new(202).set_body_string("?"),
            "etl's answer is not understood",
        ),
        (
            ResponseTemplate::new(202).set_delay(Duration::from_secs(30)),
            "etl did not answer within 10 s",
        ),
    ] {
        let etl = MockServer::start().await;
        Mock::given(path("/ETL"))
            .respond_with(response)
            .mount(&etl)
            .await;
        let evaluation = create(&etl, None).await;
        assert_eq!(
            evaluation,
            json!({"requested": false, "run_id": null, "reason": reason})
        );
    }
}

#[tokio::test]
async fn an_sla_stands_though_etl_is_away() {
    let database = TestDatabase::create().await;
    // Port 1 is nobody's.
    let url = "http://127.0.0.1:1".parse().unwrap();
    let service = Service::with(
        database.store().clone(),
        Evaluator::new(Some(url), None).unwrap(),
    );
    let reply = service
        .send("POST", "/sla", None, json!({"cpuUsage": {"max": 1}}))
        .await;
    assert_eq!(reply.status(), 201);
    assert_eq!(
        body(&reply)["evaluation"]["reason"],
        "etl cannot be reached"
    );
}
