//! `GET /metrics` in process: a page of 100 rows out of 600,000, from request to reply.

use std::time::Duration;

use config::AccessConfig;
use criterion::{Criterion, criterion_group, criterion_main};
use domain::Timestamp;
use http_api::Api;
use lambda_http::{Body, RequestExt, aws_lambda_events::query_map::QueryMap, http};
use retrieval::{ROUTES, Retrieval};
use store::testing::{Documents, TestDatabase};

const SERIES: usize = 2_000;
const RUNS: u64 = 100;

async fn filled() -> TestDatabase {
    let database = TestDatabase::create().await;
    let first: Timestamp = "2026-11-23T08:00:00Z".parse().expect("a time");
    let about: Vec<Documents> = (0..SERIES)
        .map(|number| Documents::about(&format!("metric{}", number % 20), &format!("host{number}")))
        .collect();
    for run in 0..RUNS {
        let as_of = first + Duration::from_secs(30 * run);
        for chunk in about.chunks(500) {
            let documents: Vec<_> = chunk.iter().map(|about| about.metrics(as_of)).collect();
            database
                .store()
                .store_batch(&documents, &[])
                .await
                .expect("stored");
        }
    }
    database
}

fn request(uri: &str) -> lambda_http::Request {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    http::Request::builder()
        .body(Body::Empty)
        .expect("a request")
        .with_raw_http_path(path)
        .with_query_string_parameters(query.parse::<QueryMap>().expect("a query"))
}

fn lists(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let database = runtime.block_on(filled());
    let api = Api::new(ROUTES, &AccessConfig::Anonymous);
    let retrieval = Retrieval {
        store: database.store().clone(),
        schedule_interval: Duration::from_secs(30),
    };
    for uri in [
        "/metrics",
        "/metrics?metric=metric7&window=1h",
        "/metrics?label.instance=host77",
        "/metrics?from=2026-11-23T08:00:00Z",
        "/series",
    ] {
        criterion.bench_function(uri, |bencher| {
            bencher.iter(|| {
                let reply = runtime.block_on(api.answer(&retrieval, request(uri)));
                assert_eq!(reply.status(), 200);
            });
        });
    }
}

criterion_group!(benches, lists);
criterion_main!(benches);
