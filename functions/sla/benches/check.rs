//! The routes in process, from request to reply, and bare indexed queries beside them: `GET /check_json` of an SLA of
//! 100 objectives that were evaluated 100 times, `GET /sla/{name}/budget` over 30 days with 1,000 violations.

use std::time::Duration;

use config::{AccessConfig, Bounds};
use criterion::{Criterion, criterion_group, criterion_main};
use domain::{
    Sample, Span, Timestamp,
    evaluation::{Episode, Outlook, STALENESS, Side, evaluate},
    message::{SeriesReference, ViolationsDocument},
    sla::{Draft, Objective},
};
use http_api::Api;
use lambda_http::{Body, RequestExt, aws_lambda_events::query_map::QueryMap, http};
use serde_json::json;
use sla::{Evaluator, ROUTES, ReadLast, SlaManager};
use store::{
    pipeline::Document,
    sla::Condition,
    testing::{Documents, TestDatabase},
};

const OBJECTIVES: u32 = 100;
const EVALUATIONS: u64 = 100;
/// The newest evaluation, as a column has it.
const LAST: &str = "2026-11-23 08:49:30";

async fn filled() -> TestDatabase {
    let database = TestDatabase::create().await;
    let objectives: Vec<_> = (0..OBJECTIVES)
        .map(|number| json!({"metric": "cpuUsage", "labels": {"instance": format!("host{number}")}, "max": 80}))
        .collect();
    let draft = Draft::parse(&json!({"objectives": objectives})).expect("an SLA");
    let objectives = draft.ranges();
    let first: Timestamp = "2026-11-23T08:00:00Z".parse().expect("a time");
    let store = database.store();
    store
        .put_sla("web", &draft.objectives, &Condition::Any, first)
        .await
        .expect("stored");
    for evaluation in 0..EVALUATIONS {
        let as_of = first + Duration::from_secs(30 * evaluation);
        let documents = objectives.iter().enumerate().map(|(number, objective)| {
            let samples = (0..240).rev().map(|age| Sample {
                time: as_of - Duration::from_secs(15 * age),
                value: if age % 50 < 3 { 90.0 } else { 50.0 },
            });
            let judgement = evaluate(objective, &samples.collect::<Vec<_>>(), STALENESS, as_of)
                .judgement()
                .expect("samples");
            let about = Documents::about("cpuUsage", &format!("host{number}"));
            let series = SeriesReference::new(about.series(), None);
            let outlook = Outlook::unavailable("too_short");
            let web = "web".parse().expect("an SLA name");
            Document::Violations(Box::new(ViolationsDocument::judged(
                &web, 1, objective, series, judgement, outlook,
            )))
        });
        store
            .store_batch(&documents.collect::<Vec<_>>(), &[])
            .await
            .expect("stored");
    }
    database
}

const VIOLATIONS: u64 = 1_000;
const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// An SLA of one objective on one series, judged for 30 days, with 1,000 violations and as many gaps.
async fn month() -> TestDatabase {
    let database = TestDatabase::create().await;
    let objective = json!({"metric": "cpuUsage", "max": 80, "target": 0.99});
    let draft = Draft::parse(&json!({"objectives": [objective]})).expect("an SLA");
    let end: Timestamp = "2026-11-23T08:00:00Z".parse().expect("a time");
    let store = database.store();
    store
        .put_sla("web", &draft.objectives, &Condition::Any, end - MONTH)
        .await
        .expect("stored");
    let document = Document::Violations(Box::new(history(&draft.ranges()[0], end)));
    store.store_batch(&[document], &[]).await.expect("stored");
    database
}

fn history(objective: &Objective, end: Timestamp) -> ViolationsDocument {
    let last = Sample {
        time: end,
        value: 50.0,
    };
    let evaluated = evaluate(objective, &[last], STALENESS, end);
    let judgement = evaluated.judgement().expect("a sample");
    let about = Documents::about("cpuUsage", "host");
    let series = SeriesReference::new(about.series(), None);
    let outlook = Outlook::unavailable("too_short");
    let web = "web".parse().expect("an SLA name");
    let document = ViolationsDocument::judged(&web, 1, objective, series, judgement, outlook);
    let spans = |offset: u64| {
        (0..VIOLATIONS).map(move |number| {
            let start = end - MONTH + Duration::from_secs(offset + 2_590 * number);
            Span {
                start,
                end: start + Duration::from_secs(60),
            }
        })
    };
    ViolationsDocument {
        judged: Span {
            start: end - MONTH,
            end,
        },
        episodes: spans(600)
            .map(|span| Episode {
                start: span.start,
                start_known: true,
                end: span.end,
                seconds: span.seconds(),
                worst: Some(90.0),
                worst_infinite: false,
                side: Side::Above,
                ongoing: false,
            })
            .collect(),
        gaps: spans(1_800).collect(),
        ..document
    }
}

fn request(uri: &str) -> lambda_http::Request {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    http::Request::builder()
        .body(Body::Empty)
        .expect("a request")
        .with_raw_http_path(path)
        .with_query_string_parameters(query.parse::<QueryMap>().expect("a query"))
}

fn routes(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let database = runtime.block_on(filled());
    let api = Api::new(ROUTES, &AccessConfig::Anonymous);
    let manager = SlaManager {
        store: database.store().clone(),
        evaluator: Evaluator::new(None, None).expect("nobody to ask"),
        schedule_interval: Duration::from_secs(30),
        settle: Duration::from_secs(5),
        bounds: Bounds::default(),
        queries_allowed: true,
        read_last: ReadLast::default(),
    };
    let store = database.store();
    criterion.bench_function("one bare indexed query, one row", |bencher| {
        bencher.iter(|| runtime.block_on(store.newest_run()).expect("a query"));
    });
    criterion.bench_function("one bare indexed query, 100 objectives", |bencher| {
        bencher.iter(|| runtime.block_on(store.sla("web")).expect("a query"));
    });
    let bare = "SELECT document FROM violation WHERE sla = 'web' AND version = 1 AND as_of = ?";
    criterion.bench_function("one bare indexed query, 100 evaluations", |bencher| {
        bencher.iter(|| {
            let query = sqlx::query(bare).bind(LAST);
            let rows = runtime.block_on(query.fetch_all(database.pool()));
            assert_eq!(rows.expect("a query").len(), OBJECTIVES as usize);
        });
    });
    for uri in [
        "/sla/web",
        "/check_json",
        "/check_json?sla=web&as_of=2026-11-23T08:49:30Z",
        "/predict_json",
    ] {
        criterion.bench_function(uri, |bencher| {
            bencher.iter(|| {
                let reply = runtime.block_on(api.answer(&manager, request(uri)));
                assert_eq!(reply.status(), 200);
            });
        });
    }
}

fn budget(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let database = runtime.block_on(month());
    let api = Api::new(ROUTES, &AccessConfig::Anonymous);
    let manager = SlaManager {
        store: database.store().clone(),
        evaluator: Evaluator::new(None, None).expect("nobody to ask"),
        schedule_interval: Duration::from_secs(30),
        settle: Duration::from_secs(5),
        bounds: Bounds::default(),
        queries_allowed: true,
        read_last: ReadLast::default(),
    };
    for uri in ["/sla/web/budget", "/sla/web/violations"] {
        criterion.bench_function(uri, |bencher| {
            bencher.iter(|| {
                let reply = runtime.block_on(api.answer(&manager, request(uri)));
                assert_eq!(reply.status(), 200);
            });
        });
    }
}

criterion_group!(benches, routes, budget);
criterion_main!(benches);
