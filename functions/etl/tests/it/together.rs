//! Many changes of SLAs are a few runs.

use std::{sync::Arc, time::Duration};

use config::AccessConfig;
use domain::sla::Draft;
use etl::{function::Function, shards::Runs};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use store::{sla::Condition, testing::TestDatabase};

use super::{etl, moment_ago, pushed::Fleet};

/// What the function answers to a `POST /ETL` with this body.
async fn post(function: &Function, body: Value) -> (u64, Value) {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/ETL", "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "127.0.0.1"},
        "requestContext": {"accountId": "anonymous", "apiId": "local", "domainName": "local",
            "domainPrefix": "local", "requestId": "r", "routeKey": "$default", "stage": "$default",
            "time": "23/Nov/2026:08:45:00 +0000", "timeEpoch": 1_795_423_500_000_u64,
            "http": {"method": "POST", "path": "/ETL", "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1", "userAgent": "test"}},
        "isBase64Encoded": false, "body": body.to_string(),
    });
    let event = LambdaEvent::new(event, Context::default());
    let answer = function.handle(event).await.unwrap();
    let body = answer["body"].as_str().unwrap_or_default();
    let document = serde_json::from_str(body).unwrap();
    (answer["statusCode"].as_u64().unwrap(), document)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_come_while_a_run_is_under_way_are_answered_by_one_run() {
    let database = TestDatabase::create().await;
    let names: Vec<String> = (0..20).map(|number| format!("sla-{number}")).collect();
    for name in &names {
        let objective = json!({"metric": "availableMem", "min": 1});
        let draft = Draft::parse(&json!({"name": name, "objectives": [objective]})).unwrap();
        let store = database.store();
        let made = store.put_sla(name, &draft.objectives, &Condition::Absent, moment_ago());
        made.await.unwrap();
    }
    let metrics = Fleet::push().await.metrics();
    // Each request in an instance of its own, as in Lambda.
    let mut asked = Vec::new();
    let mut turn = database
        .store()
        .run_turn(Duration::from_secs(10))
        .await
        .unwrap();
    for name in names.iter().map(String::as_str).chain(["unknown"]) {
        let runs = Runs {
            etl: etl(&metrics, &[("DATABASE_URL", database.url())]).await.0,
            shards: None,
            waiting: Some(store::connect(database.url()).unwrap()),
        };
        let function = Arc::new(Function::new(runs, &AccessConfig::Anonymous));
        let body = json!({"sla": name});
        asked.push(tokio::spawn(async move { post(&function, body).await }));
    }
    let turn_of_test = turn.as_mut().unwrap();
    while turn_of_test.waiting(moment_ago()).await.unwrap().len() < asked.len() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(turn);
    let mut runs = std::collections::BTreeSet::new();
    for (number, answer) in asked.into_iter().enumerate() {
        let (status, document) = answer.await.unwrap();
        let Some(name) = names.get(number) else {
            assert_eq!(
                (status, &document["errors"][0]["pointer"]),
                (422, &json!("/sla"))
            );
            continue;
        };
        assert_eq!(status, 202, "{document}");
        let evaluated = document["evaluated"].as_array().unwrap();
        assert!(evaluated.iter().any(|found| found["sla"] == name.as_str()));
        runs.insert(document["run_id"].to_string());
    }
    assert_eq!(runs.len(), 1);
}
