use std::time::Duration;

use config::Environment;
use serde_json::{Value, json};
use sla::Evaluator;
use store::testing::TestDatabase;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, header, method, path},
};

use crate::service::{Service, json as body};

/// Creates an SLA while etl answers like this, and returns what was said of its evaluation.
async fn create(etl: &MockServer, token: Option<&str>) -> Value {
    let token = token.map(config::SecretString::from);
    create_by(Evaluator::new(Some(etl.uri().parse().unwrap()), token.as_ref()).unwrap()).await
}

async fn create_by(evaluator: Evaluator) -> Value {
    let database = TestDatabase::create().await;
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
            "etl did not answer within 8 s",
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

/// An evaluator that invokes the function `stack-etl` at a stand-in for Lambda.
fn by_lambda(lambda: &MockServer) -> Evaluator {
    let environment: Environment = [
        ("ETL_FUNCTION", "stack-etl"),
        ("AWS_ENDPOINT_URL_LAMBDA", &lambda.uri()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]
    .into_iter()
    .collect();
    Evaluator::read(&environment, Some(&"writer-writer-writer".into())).unwrap()
}

#[tokio::test]
async fn etl_is_invoked_as_a_function_with_the_request_that_its_route_would_get() {
    let lambda = MockServer::start().await;
    let reply = json!({"statusCode": 202, "body": "{\"run_id\": \"r1\", \"as_of\": \"x\"}"});
    Mock::given(method("POST"))
        .and(path("/2015-03-31/functions/stack-etl/invocations"))
        .respond_with(ResponseTemplate::new(200).set_body_json(reply))
        .expect(1)
        .mount(&lambda)
        .await;
    let evaluation = create_by(by_lambda(&lambda)).await;
    assert_eq!(
        evaluation,
        json!({"requested": true, "run_id": "r1", "reason": null})
    );
    let request = &lambda.received_requests().await.unwrap()[0];
    let signature = request.headers["authorization"].to_str().unwrap();
    assert!(signature.starts_with("AWS4-HMAC-SHA256 "), "{signature}");
    let event: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        event["headers"]["authorization"],
        "Bearer writer-writer-writer"
    );
    assert_eq!(event["body"], r#"{"sla":"web"}"#);
    // It is a request to whoever reads events as etl does.
    let parsed: lambda_http::request::LambdaRequest = serde_json::from_value(event).unwrap();
    let request = lambda_http::Request::from(parsed);
    assert_eq!(
        (request.method().as_str(), request.uri().path()),
        ("POST", "/ETL")
    );
}

#[tokio::test]
async fn the_answer_of_a_function_may_be_as_long_as_lambda_lets_it_be() {
    let lambda = MockServer::start().await;
    let run = json!({"run_id": "r1", "as_of": "x", "much": "\"".repeat(1_500_000)});
    // As JSON in JSON each quote of it takes four bytes.
    let reply = json!({"statusCode": 202, "body": run.to_string()});
    assert!(reply.to_string().len() > 6_000_000);
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(reply))
        .mount(&lambda)
        .await;
    let evaluation = create_by(by_lambda(&lambda)).await;
    assert_eq!(
        evaluation,
        json!({"requested": true, "run_id": "r1", "reason": null})
    );
}

#[tokio::test]
async fn an_sla_stands_though_the_function_fails() {
    let failed = ResponseTemplate::new(200)
        .insert_header("x-amz-function-error", "Unhandled")
        .set_body_json(json!({"errorMessage": "x"}));
    let refused = ResponseTemplate::new(200).set_body_json(json!({"statusCode": 401}));
    for (response, reason) in [
        (failed, "etl failed"),
        (refused, "etl answered 401"),
        (ResponseTemplate::new(403), "etl cannot be reached"),
        (
            ResponseTemplate::new(200).set_body_json(json!({"statusCode": 202})),
            "etl's answer is not understood",
        ),
    ] {
        let lambda = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(response)
            .mount(&lambda)
            .await;
        let evaluation = create_by(by_lambda(&lambda)).await;
        assert_eq!(
            evaluation,
            json!({"requested": false, "run_id": null, "reason": reason})
        );
    }
}
