//! A run ends before its invocation does, whatever Prometheus does.

use std::time::Duration;

use chrono::Utc;
use config::AccessConfig;
use domain::message::{DEADLINE, EvaluationOutcome, Failure, RunDocument, TIMEOUT};
use etl::{
    deadline::Deadline, function::Function, request::RunRequest, run::Etl, shards::Runs,
    subject::Trigger,
};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use store::{pipeline::Document, testing::TestDatabase};
use tokio::net::TcpListener;

use super::{etl, moment_ago};

/// Less than a Prometheus may be silent before it counts as away.
const LEFT: Duration = Duration::from_secs(1);
/// More than are given up one after the other in that time.
const METRICS: std::ops::RangeInclusive<char> = 'a'..='m';

/// A Prometheus that takes every connection and never answers, and an etl that asks it.
async fn patient_etl(database: &TestDatabase) -> Etl {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok(connection) = listener.accept().await {
            connections.push(connection);
        }
    });
    let metrics: String = METRICS
        .map(|name| format!("[[metric]]\nname = \"{name}\"\nquery = \"vector(1)\"\n"))
        .collect();
    let instead = [
        ("DATABASE_URL", database.url()),
        ("PROMETHEUS_URL", &address),
    ];
    etl(&metrics, &instead).await.0
}

/// The metrics that failed for one of these reasons, in the order of the run.
fn failed(document: &RunDocument, reasons: &[&str]) -> Vec<String> {
    let failures = document.failures.iter();
    failures
        .filter(|failure| failure.stage == "fetch" && reasons.contains(&&*failure.reason))
        .filter_map(|failure| failure.metric.clone())
        .collect()
}

#[tokio::test]
async fn a_run_ends_in_time_and_the_next_one_begins_with_what_it_did_not_reach() {
    let database = TestDatabase::create().await;
    let counts = json!({"bad": "a_total", "total": "b_total"});
    let draft = json!({"objectives": [{"id": "o", "events": counts}]});
    let draft = domain::sla::Draft::parse(&draft).unwrap();
    let condition = store::sla::Condition::Any;
    let store = database.store();
    let made = store.put_sla("web", &draft.objectives, &condition, moment_ago());
    made.await.unwrap();
    let etl = patient_etl(&database).await;
    let run = async || {
        let request = RunRequest::everything(moment_ago());
        let deadline = Deadline::of(LEFT);
        let document = etl.run(&request, Trigger::Schedule, deadline).await;
        let document = document.unwrap();
        let record = [Document::Run(document.clone())];
        database.store().store_batch(&record, &[]).await.unwrap();
        document
    };
    // Events are counted after the metrics, unless they were not reached before.
    let events = "web/o".to_owned();
    let names = METRICS.map(String::from).chain([events.clone()]);
    let names: Vec<String> = names.collect();
    let first = run().await;
    assert_eq!(failed(&first, &[DEADLINE, TIMEOUT]), names);
    let unreached = failed(&first, &[DEADLINE]);
    assert_eq!(unreached.last(), names.last());
    let second = run().await;
    let order = failed(&second, &[DEADLINE, TIMEOUT]);
    assert!(
        order.starts_with(&unreached),
        "{order:?} after {unreached:?}"
    );
    // Where it is the turn of the events, they come first.
    let unreached = [events, "c".to_owned()];
    let failures = unreached
        .iter()
        .map(|name| Failure::new("fetch", DEADLINE).of_metric(name));
    let newest = RunDocument {
        run_id: "newest".to_owned(),
        started_at: Utc::now().into(),
        failures: failures.collect(),
        ..second
    };
    let record = [Document::Run(newest)];
    database.store().store_batch(&record, &[]).await.unwrap();
    let order = failed(&run().await, &[DEADLINE, TIMEOUT]);
    assert!(
        order.starts_with(&unreached),
        "{order:?} after {unreached:?}"
    );
}

#[tokio::test]
async fn an_invocation_answers_before_it_is_killed() {
    let database = TestDatabase::create().await;
    let draft = json!({"objectives": [{"metric": "m", "max": 1}]});
    let draft = domain::sla::Draft::parse(&draft).unwrap();
    let condition = store::sla::Condition::Any;
    let store = database.store();
    let made = store.put_sla("web", &draft.objectives, &condition, moment_ago());
    made.await.unwrap();
    let runs = Runs {
        etl: patient_etl(&database).await,
        shards: None,
        waiting: None,
    };
    let function = Function::new(runs, &AccessConfig::Anonymous);
    let mut context = Context::default();
    context.deadline = (Utc::now().timestamp_millis() as u64) + 1_000;
    let answer = function.handle(LambdaEvent::new(json!({}), context)).await;
    let document: RunDocument = serde_json::from_value(answer.unwrap()).unwrap();
    assert!(failed(&document, &[DEADLINE]).contains(&"m".to_owned()));
    let outcome = &document.evaluated[0].outcome;
    assert!(matches!(outcome, EvaluationOutcome::Reason(reason) if reason.contains("deadline")));
}

#[tokio::test]
async fn an_event_of_the_schedule_that_is_too_old_starts_no_run() {
    let database = TestDatabase::create().await;
    let runs = Runs {
        etl: patient_etl(&database).await,
        shards: None,
        waiting: None,
    };
    let function = Function::new(runs, &AccessConfig::Anonymous);
    let event = json!({"detail-type": "Scheduled Event", "time": "2026-11-23T08:45:00Z"});
    let answer: Value = function
        .handle(LambdaEvent::new(event, Context::default()))
        .await
        .unwrap();
    assert_eq!(answer["skipped"], true);
    assert_eq!(answer.get("run_id"), None);
}
