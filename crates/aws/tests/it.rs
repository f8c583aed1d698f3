//! Secrets of a real Secrets Manager API, found at `AWS_ENDPOINT_URL`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use aws::resolved;
use config::Environment;
use serde_json::{Value, json};

/// Asks the API and returns its answer.
async fn ask(target: &str, document: Value) -> Value {
    let url = std::env::var("AWS_ENDPOINT_URL");
    let url = url.expect("AWS_ENDPOINT_URL is not set: run the tests with `cargo local test`");
    let answer = http_client::builder()
        .build()
        .unwrap()
        .post(url)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("secretsmanager.{target}"))
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/secretsmanager/aws4_request, \
             SignedHeaders=host, Signature=0",
        )
        .body(document.to_string())
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

/// Stores a secret and returns its ARN.
async fn secret(text: &str) -> String {
    let name = format!("aws-test-{}", uuid::Uuid::new_v4());
    let answer = ask("CreateSecret", json!({"Name": name, "SecretString": text})).await;
    answer["ARN"].as_str().unwrap().to_owned()
}

/// The environment of the tests with some variables on top.
fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::of_process().with(variables.iter().copied())
}

#[tokio::test]
async fn each_secret_becomes_the_variables_that_it_stands_for() {
    let login = r#"{"username": "alice", "password": "p@ss/word:1"}"#;
    let database = r#"{"engine": "mysql", "host": "db.example", "port": 3307, "username": "alice", "password": "p@ss/word:1"}"#;
    for (text, variables, expected) in [
        (
            database,
            vec![("DATABASE_SECRET_ARN", ""), ("DATABASE_URL", "")],
            vec![(
                "DATABASE_URL",
                "mysql://alice:p%40ss%2Fword%3A1@db.example:3307/DataStorage",
            )],
        ),
        (
            login,
            vec![
                ("DATABASE_SECRET_ARN", ""),
                ("DATABASE_URL", "mysql://cluster.example/Metrics"),
            ],
            vec![(
                "DATABASE_URL",
                "mysql://alice:p%40ss%2Fword%3A1@cluster.example/Metrics",
            )],
        ),
        (
            login,
            vec![("KAFKA_SECRET_ARN", "")],
            vec![
                ("KAFKA_USERNAME", "alice"),
                ("KAFKA_PASSWORD", "p@ss/word:1"),
            ],
        ),
        (
            r#"{"certificate": "-----BEGIN CERTIFICATE-----"}"#,
            vec![("KAFKA_CA_SECRET_ARN", "")],
            vec![("KAFKA_CA_PEM", "-----BEGIN CERTIFICATE-----")],
        ),
        (
            login,
            vec![("PROMETHEUS_SECRET_ARN", ""), ("PROMETHEUS_AUTH", "basic")],
            vec![
                ("PROMETHEUS_USERNAME", "alice"),
                ("PROMETHEUS_PASSWORD", "p@ss/word:1"),
            ],
        ),
        (
            r#"{"token": "sesame"}"#,
            vec![("PROMETHEUS_SECRET_ARN", ""), ("PROMETHEUS_AUTH", "bearer")],
            vec![("PROMETHEUS_TOKEN", "sesame")],
        ),
        (
            r#"{"tokens": "aaaaaaaaaaaaaaaa,ro:bbbbbbbbbbbbbbbb"}"#,
            vec![("API_TOKENS_SECRET_ARN", "")],
            vec![("API_TOKENS", "aaaaaaaaaaaaaaaa,ro:bbbbbbbbbbbbbbbb")],
        ),
    ] {
        let arn = secret(text).await;
        let mut variables = variables;
        variables[0].1 = &arn;
        let found = resolved(environment(&variables)).await.unwrap();
        for (variable, value) in expected {
            assert_eq!(found.get(variable), Some(value));
        }
    }
}

#[tokio::test]
async fn what_is_missing_is_named_and_nothing_is_shown() {
    for (text, variable, key) in [
        (
            r#"{"username": "hunter2"}"#,
            "DATABASE_SECRET_ARN",
            "password",
        ),
        (r#"{"password": "hunter2"}"#, "KAFKA_SECRET_ARN", "username"),
        (r#"{"ca": "hunter2"}"#, "KAFKA_CA_SECRET_ARN", "certificate"),
        (
            r#"{"username": "hunter2"}"#,
            "PROMETHEUS_SECRET_ARN",
            "password",
        ),
        (r#"{"token": "hunter2"}"#, "API_TOKENS_SECRET_ARN", "tokens"),
        ("hunter2", "API_TOKENS_SECRET_ARN", "JSON object"),
    ] {
        let arn = secret(text).await;
        let error = resolved(environment(&[(variable, &arn)]))
            .await
            .unwrap_err();
        assert_eq!(error.variable, variable);
        let text = error.to_string();
        assert!(text.contains(key) && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_asked_for_is_named() {
    let absent = "arn:aws:secretsmanager:us-east-1:000000000000:secret:absent-AbCdEf";
    let variable = "KAFKA_SECRET_ARN";
    let away = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    for (variables, named) in [
        (vec![(variable, absent)], "ResourceNotFoundException"),
        (vec![(variable, "kafka-login")], "arn:aws:secretsmanager"),
        (vec![(variable, absent), away], "127.0.0.1"),
    ] {
        let error = resolved(environment(&variables)).await.unwrap_err();
        assert_eq!(error.variable, variable);
        assert!(error.reason.contains(named), "{error}");
    }
    let nobody = [(variable, absent), ("AWS_ACCESS_KEY_ID", "")];
    let error = resolved(environment(&nobody)).await.unwrap_err();
    assert_eq!(error.variable, "AWS_ACCESS_KEY_ID");
}
