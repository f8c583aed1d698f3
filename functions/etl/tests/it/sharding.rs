//! A run in shards says what a whole run says.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws::Functions;
use axum::{
    Router, body::Bytes, extract::State, http::StatusCode, response::IntoResponse, routing::post,
};
use chrono::Utc;
use config::{AccessConfig, Environment};
use domain::{
    Labels, MetricName, Part,
    message::{EvaluatedObjective, EvaluationOutcome},
    sla::Draft,
};
use etl::{
    deadline::Deadline,
    function::Function,
    request::RunRequest,
    run::Etl,
    shards::{Runs, Shards},
    subject::Trigger,
};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use store::{sla::Condition, testing::TestDatabase};
use tokio::net::TcpListener;

use super::{etl, moment_ago, pushed::crowd, records};

/// However slow the machine is, no metric takes too long.
const HOUR: Duration = Duration::from_secs(3_600);
/// Of each metric.
const SERIES: usize = 500;

/// Two metrics of many series, one of which each part reads without most of the others' series, and one that has none.
async fn metrics() -> String {
    let many = crowd(SERIES).await;
    format!(
        "[[metric]]\nname = \"first\"\nquery = '{many}'\n\
         [[metric]]\nname = \"second\"\nquery = '{many} * 1'\nstep = \"5m\"\n\
         [[metric]]\nname = \"nothing\"\nquery = 'absent_metric'\n"
    )
}

/// Objectives on some of the series, on none, on a metric without series and on one that nobody knows.
async fn database() -> TestDatabase {
    let database = TestDatabase::create().await;
    let draft = Draft::parse(&json!({"name": "web", "objectives": [
        {"metric": "first", "max": 1},
        {"metric": "first", "labels": {"copy": "7"}, "max": 1e9, "for": "1m"},
        {"metric": "second", "labels": {"copy": "none"}, "min": 0},
        {"metric": "nothing", "min": 0},
        {"metric": "unknown", "min": 0},
    ]}))
    .unwrap();
    let change =
        database
            .store()
            .put_sla("web", &draft.objectives, &Condition::Absent, moment_ago());
    change.await.unwrap();
    database
}

/// How many rows of an objective were published, none if they do not count.
fn rows(evaluated: &EvaluatedObjective) -> u64 {
    match evaluated.outcome {
        EvaluationOutcome::Rows(rows) => rows,
        EvaluationOutcome::Reason(_) => 0,
    }
}

/// The Invoke API in front of a function, on a free port of loopback. The shard `lost` is never started.
async fn invoke_api(function: Function, lost: Option<u64>) -> String {
    async fn invoke(
        State((function, lost)): State<(Arc<Function>, Option<u64>)>,
        event: Bytes,
    ) -> impl IntoResponse {
        let event: Value = serde_json::from_slice(&event).unwrap();
        if lost.is_some() && event["shard"]["part"]["index"].as_u64() == lost {
            let headers = [("x-of", "nobody")];
            return (StatusCode::TOO_MANY_REQUESTS, headers, String::new());
        }
        let mut context = Context::default();
        context.deadline = (Utc::now() + HOUR).timestamp_millis() as u64;
        let event = LambdaEvent::new(event, context);
        match function.handle(event).await {
            Ok(answer) => (StatusCode::OK, [("x-of", "etl")], answer.to_string()),
            Err(error) => (
                StatusCode::OK,
                [("x-amz-function-error", "Unhandled")],
                error.to_string(),
            ),
        }
    }
    let routes = Router::new()
        .route("/2015-03-31/functions/etl/invocations", post(invoke))
        .with_state((Arc::new(function), lost));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

fn shards(count: &str, url: &str) -> Option<Shards> {
    let environment: Environment = [
        ("SHARDS", count),
        ("AWS_LAMBDA_FUNCTION_NAME", "etl"),
        ("AWS_ENDPOINT_URL_LAMBDA", url),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]
    .into_iter()
    .collect();
    Functions::read(&environment).unwrap();
    Shards::read(&environment).unwrap()
}

/// Runs of four parts, which `part` makes and publishes where it always does.
async fn in_four(mut asking: Etl, part: Etl) -> Runs {
    asking.publisher = part.publisher.clone();
    let answering = Runs {
        etl: part,
        shards: None,
        waiting: None,
    };
    let url = invoke_api(Function::new(answering, &AccessConfig::Anonymous), None).await;
    Runs {
        etl: asking,
        shards: shards("4", &url),
        waiting: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_shards_give_the_bytes_that_one_gives() {
    let database = database().await;
    let instead = [("DATABASE_URL", database.url())];
    let request = RunRequest::everything(moment_ago());
    let metrics = metrics().await;
    let (whole, whole_topic) = etl(&metrics, &instead).await;
    let began = Instant::now();
    let expected = whole
        .run(&request, Trigger::Invoke, Deadline::of(HOUR))
        .await
        .unwrap();
    eprintln!("in one: {:?}", began.elapsed());
    assert_eq!(expected.series as usize, 2 * SERIES, "{expected:?}");

    let (part, topic) = etl(&metrics, &instead).await;
    let (asking, _) = etl(&metrics, &instead).await;
    let runs = in_four(asking, part).await;
    let began = Instant::now();
    let document = runs
        .run(&request, Trigger::Invoke, Deadline::of(HOUR))
        .await
        .unwrap();
    eprintln!("in four: {:?}", began.elapsed());
    assert_eq!(
        (
            document.series,
            document.samples,
            document.messages,
            document.bytes
        ),
        (
            expected.series,
            expected.samples,
            expected.messages,
            expected.bytes
        )
    );
    assert_eq!(document.failures, expected.failures);
    let rows: Vec<u64> = document.evaluated.iter().map(rows).collect();
    assert_eq!(rows, [SERIES as u64, 1, 1, 1, 1]);
    assert_eq!(document.evaluated, expected.evaluated);
    for index in 0..4 {
        let stage = format!("shard {index}");
        assert!(document.stages.iter().any(|told| told.stage == stage));
    }
    let facts = |topic: &str| {
        let mut all = records(topic, expected.messages as usize + 1);
        all.retain(|_, told| !told[0].headers["ce_type"].contains(".run."));
        all
    };
    let (of_one, of_four) = (facts(&whole_topic), facts(&topic));
    assert_eq!(of_one.len(), expected.messages as usize);
    assert_eq!(of_one, of_four);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_shards_judge_the_pairs_that_one_judges_where_a_bound_cuts() {
    let database = database().await;
    let instead = [("DATABASE_URL", database.url())];
    let request = RunRequest::everything(moment_ago());
    let metrics = metrics().await;
    let most = SERIES as u64 / 2;
    let (mut whole, whole_topic) = etl(&metrics, &instead).await;
    whole.bounds.judged_pairs = most;
    let expected = whole
        .run(&request, Trigger::Invoke, Deadline::of(HOUR))
        .await
        .unwrap();
    let judged: u64 = expected.evaluated.iter().map(rows).sum();
    // Three objectives are without a series, which takes no pair.
    assert_eq!(judged, most + 3, "{:?}", expected.evaluated);

    let (mut part, topic) = etl(&metrics, &instead).await;
    part.bounds.judged_pairs = most;
    let (asking, _) = etl(&metrics, &instead).await;
    let runs = in_four(asking, part).await;
    let document = runs
        .run(&request, Trigger::Invoke, Deadline::of(HOUR))
        .await
        .unwrap();
    assert_eq!(document.evaluated, expected.evaluated);
    assert_eq!(document.failures, expected.failures);
    let facts = |topic: &str| {
        let mut all = records(topic, expected.messages as usize + 1);
        all.retain(|_, told| !told[0].headers["ce_type"].contains(".run."));
        all
    };
    assert_eq!(facts(&whole_topic), facts(&topic));
}

#[tokio::test]
async fn shards_that_do_not_come_back_are_told() {
    let database = TestDatabase::create().await;
    let (etl, _) = etl(&metrics().await, &[("DATABASE_URL", database.url())]).await;
    let runs = Runs {
        etl,
        shards: shards("3", "http://127.0.0.1:1"),
        waiting: None,
    };
    let request = RunRequest::everything(moment_ago());
    let document = runs
        .run(&request, Trigger::Invoke, Deadline::of(HOUR))
        .await
        .unwrap();
    assert_eq!(document.series, 0);
    let reasons: Vec<_> = document
        .failures
        .iter()
        .map(|failure| failure.reason.as_str())
        .collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(
        reasons[0].contains("shard 0 of 3 did not come back"),
        "{reasons:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_shard_is_a_reason_for_every_objective_its_series_may_belong_to() {
    let database = database().await;
    // Of these objectives of events, some belong to either shard.
    let counts = json!({"bad": "absent_a_total", "total": "absent_b_total"});
    let mut objectives: Vec<Value> = (0..8)
        .map(|number| json!({"id": format!("events-{number}"), "events": counts}))
        .collect();
    objectives.push(json!({"id": "share", "metric": "shop/events-0", "max": 1}));
    let draft = Draft::parse(&json!({"name": "shop", "objectives": objectives})).unwrap();
    let store = database.store();
    let made = store.put_sla("shop", &draft.objectives, &Condition::Absent, moment_ago());
    made.await.unwrap();
    let instead = [("DATABASE_URL", database.url())];
    let metrics = metrics().await;
    let (part, _) = etl(&metrics, &instead).await;
    let publisher = part.publisher.clone();
    let answering = Runs {
        etl: part,
        shards: None,
        waiting: None,
    };
    let function = Function::new(answering, &AccessConfig::Anonymous);
    let url = invoke_api(function, Some(1)).await;
    let (mut asking, _) = etl(&metrics, &instead).await;
    asking.publisher = publisher;
    let runs = Runs {
        etl: asking,
        shards: shards("2", &url),
        waiting: None,
    };
    let request = RunRequest::everything(moment_ago());
    let document = runs
        .run(&request, Trigger::Invoke, Deadline::of(HOUR))
        .await
        .unwrap();
    assert!(document.series > 0 && (document.series as usize) < 2 * SERIES);
    let outcomes: Vec<_> = document
        .evaluated
        .iter()
        .filter(|found| found.sla == "web")
        .map(|found| &found.outcome)
        .collect();
    let lost = EvaluationOutcome::Reason("shard 1 of 2 did not come back".to_owned());
    // Whether a metric that nobody knows has series is no question.
    assert_eq!(
        outcomes,
        [&lost, &lost, &lost, &lost, &EvaluationOutcome::Rows(1)]
    );

    let of_events: Vec<_> = document
        .evaluated
        .iter()
        .filter(|found| found.sla == "shop")
        .collect();
    assert_eq!(of_events.len(), 9);
    let second = Part { index: 1, of: 2 };
    let (mut counted, mut not_counted) = (0, 0);
    for found in of_events {
        let metric = MetricName::of_objective(&found.sla, &found.objective);
        if found.objective == "share" || second.owns(&metric, &Labels::default()) {
            assert_eq!(found.outcome, lost, "{metric:?}");
            not_counted += 1;
        } else {
            assert_eq!(found.outcome, EvaluationOutcome::Rows(1), "{metric:?}");
            counted += 1;
        }
    }
    assert!(
        counted > 0 && not_counted > 1,
        "{counted} and {not_counted}"
    );
}
