//! The Invoke API.

use std::{collections::BTreeMap, fs, time::Duration};

use lambda_host::HostSpec;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::fixture::{Fixture, function};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_the_functions_own() {
    let fixture = Fixture::with(|_| {}).await;
    let answer = fixture.invoke(json!({"a": [1, 2.5, "ü"]})).await.unwrap();
    assert_eq!(answer["event"], json!({"a": [1, 2.5, "ü"]}));
    let status = fixture.status();
    assert_eq!((status.invocations, status.errors), (1, 0));
    assert_eq!(answer["pid"], status.pids[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_and_a_panic_are_the_functions_own_errors() {
    let fixture = Fixture::with(|_| {}).await;
    let error = fixture.invoke(json!({"do": "fail"})).await.unwrap_err();
    assert_eq!(error["errorMessage"], "as it was told");
    let error = fixture.invoke(json!({"do": "panic"})).await.unwrap_err();
    assert!(
        error["errorMessage"]
            .as_str()
            .unwrap()
            .contains("as it was told")
    );
    let status = fixture.status();
    assert_eq!(
        (status.invocations, status.errors, status.pids.len()),
        (2, 2, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_told_its_name_its_deadline_and_nothing_of_the_hosts_environment() {
    let fixture = Fixture::with(|function| {
        function
            .environment
            .insert("SETTING".to_owned(), "value".to_owned());
    })
    .await;
    let environment = fixture.invoke(json!({"do": "environment"})).await.unwrap();
    let environment: BTreeMap<String, String> = serde_json::from_value(environment).unwrap();
    let expected = [
        ("SETTING", "value"),
        ("AWS_LAMBDA_FUNCTION_NAME", "function"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_REGION", "us-east-1"),
        ("TZ", ":UTC"),
    ];
    for (name, value) in expected {
        assert_eq!(
            environment.get(name).map(String::as_str),
            Some(value),
            "{name}"
        );
    }
    // Cargo sets it for tests.
    assert!(std::env::var("CARGO_MANIFEST_DIR").is_ok());
    assert_eq!(environment.get("CARGO_MANIFEST_DIR"), None);

    let context = fixture.invoke(json!({"do": "context"})).await.unwrap();
    assert_eq!(
        context["arn"],
        "arn:aws:lambda:us-east-1:000000000000:function:function"
    );
    let left = context["left_ms"].as_u64().unwrap();
    assert!((1..=30_000).contains(&left), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_lambda_refuses_are_refused() {
    let fixture = Fixture::with(|_| {}).await;
    let large = format!("\"{}\"", "x".repeat(6 * 1024 * 1024));
    let cases: [(Option<&str>, &str, String, u16, &str); 5] = [
        (
            None,
            "unknown",
            "{}".to_owned(),
            404,
            "ResourceNotFoundException",
        ),
        (
            None,
            "function",
            large,
            413,
            "RequestEntityTooLargeException",
        ),
        (
            None,
            "function",
            "{".to_owned(),
            400,
            "InvalidRequestContentException",
        ),
        (
            Some("event"),
            "function",
            "{}".to_owned(),
            400,
            "InvalidParameterValueException",
        ),
        (
            Some("Event"),
            "function",
            "not json".to_owned(),
            400,
            "InvalidRequestContentException",
        ),
    ];
    for (kind, name, payload, status, error) in cases {
        let response = fixture.post(kind, name, payload).await;
        assert_eq!(response.status().as_u16(), status, "{error}");
        assert_eq!(response.headers()["x-amzn-errortype"], error);
        assert!(response.json::<Value>().await.unwrap()["Message"].is_string());
    }
    assert_eq!(fixture.status().invocations, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_payload_is_an_empty_document_and_a_dry_run_invokes_nothing() {
    let fixture = Fixture::with(|_| {}).await;
    let response = fixture.post(Some("DryRun"), "function", "{}").await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let response = fixture.post(Some("RequestResponse"), "function", "").await;
    assert_eq!(response.headers()["x-amz-executed-version"], "$LATEST");
    assert_eq!(response.json::<Value>().await.unwrap()["event"], json!({}));
    assert_eq!(fixture.status().invocations, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_up_to_the_limit_go_both_ways_and_a_larger_answer_is_an_error() {
    let fixture = Fixture::with(|_| {}).await;
    let longest = 6 * 1024 * 1024;
    let answer = fixture
        .invoke(json!({"do": "large", "argument": longest}))
        .await
        .unwrap();
    assert_eq!(answer.as_str().map(str::len), Some(longest));
    let payload = format!("\"{}\"", "x".repeat(longest - 100));
    let response = fixture.post(None, "function", payload).await;
    assert_eq!(
        response.json::<Value>().await.unwrap()["event"]
            .as_str()
            .map(str::len),
        Some(longest - 100)
    );
    let error = fixture
        .invoke(json!({"do": "large", "argument": longest + 200}))
        .await
        .unwrap_err();
    assert_eq!(error["errorType"], "Function.ResponseSizeTooLarge");
    fixture.invoke(json!({})).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_answered_at_once_and_tried_three_times() {
    let folder = tempfile::tempdir().unwrap();
    let attempts = folder.path().join("attempts");
    let mut spec = HostSpec::new(vec![function(&folder)], Vec::new());
    spec.event_retry_delays = vec![Duration::from_millis(10); 2];
    let fixture = Fixture::start(folder, spec).await;

    let event = json!({"do": "third_time", "argument": attempts});
    let response = fixture
        .post(Some("Event"), "function", event.to_string())
        .await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(response.text().await.unwrap(), "");
    let status = fixture.until(|status| status.invocations == 3).await;
    assert_eq!(status.errors, 2);
    assert_eq!(fs::read_to_string(attempts).unwrap().lines().count(), 3);

    fixture
        .post(Some("Event"), "function", json!({"do": "fail"}).to_string())
        .await;
    let status = fixture.until(|status| status.invocations == 6).await;
    assert_eq!(status.errors, 5);
    // Were it tried again, this one would not be the seventh.
    fixture.invoke(json!({})).await.unwrap();
    assert_eq!(fixture.status().invocations, 7);
}
