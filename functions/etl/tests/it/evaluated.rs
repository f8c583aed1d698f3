//! What a run's record says of each objective, next to what was published about it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Uri},
    response::{IntoResponse, Response},
};
use domain::{
    SeriesId, Timestamp,
    message::{BOUND, EvaluationOutcome, Kind, MetricsDocument, RunDocument, ViolationsDocument},
    sla::Draft,
};
use etl::{deadline::Deadline, request::RunRequest, subject::Trigger};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use store::{sla::Condition, testing::TestDatabase};
use tokio::net::TcpListener;

use super::{
    environment, etl, moment_ago,
    pushed::Fleet,
    records,
    scoring::{Pipeline, store},
    servers::stand_in,
};

/// SLA, version and objective.
type Name = (String, u32, String);

/// A database with these SLAs in force.
async fn database(slas: &[Value]) -> TestDatabase {
    let database = TestDatabase::create().await;
    for sla in slas {
        let draft = Draft::parse(sla).unwrap();
        let name = draft.name.unwrap();
        let store = database.store();
        let made = store.put_sla(&name, &draft.objectives, &Condition::Absent, moment_ago());
        made.await.unwrap();
    }
    database
}

/// How many messages about each objective are on the topic, of one run.
fn published(topic: &str, document: &RunDocument) -> BTreeMap<Name, u64> {
    let records = records(topic, document.messages as usize + 1);
    let mut counts = BTreeMap::new();
    for record in records.into_values().flatten() {
        if record.headers["ce_type"] == Kind::Violations.ce_type() {
            let found: ViolationsDocument = serde_json::from_str(&record.value).unwrap();
            let name = (found.sla.into(), found.version, found.objective.id.into());
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
}

/// What the record says, by objective: rows, or the reason.
fn said(document: &RunDocument) -> BTreeMap<Name, Result<u64, String>> {
    let evaluated = document.evaluated.iter().map(|found| {
        let (sla, objective) = (found.sla.to_string(), found.objective.to_string());
        let name = (sla, found.version, objective);
        let outcome = match &found.outcome {
            EvaluationOutcome::Rows(rows) => Ok(*rows),
            EvaluationOutcome::Reason(reason) => Err(reason.clone()),
        };
        (name, outcome)
    });
    evaluated.collect()
}

fn name(sla: &str, objective: &str) -> Name {
    (sla.to_owned(), 1, objective.to_owned())
}

#[tokio::test]
async fn a_whole_run_says_how_many_rows_of_each_objective_it_published() {
    let database = database(&[
        json!({"name": "web", "objectives": [
            {"id": "all", "metric": "availableMem", "min": 1},
            {"id": "none", "metric": "availableMem", "labels": {"instance": "nobody"}, "min": 1},
            {"id": "unknown", "metric": "cpuTemp", "max": 1},
        ]}),
        json!({"name": "db", "objectives": [{"id": "all", "metric": "cpuUsage", "max": 101}]}),
    ])
    .await;
    let (etl, topic) = etl(
        &Fleet::push().await.metrics(),
        &[("DATABASE_URL", database.url())],
    )
    .await;
    let request = RunRequest::everything(moment_ago());
    let document = etl
        .run(&request, Trigger::Invoke, Deadline::default())
        .await
        .unwrap();
    let published = published(&topic, &document);
    assert_eq!(published.len(), 4);
    for objective in ["none", "unknown"] {
        assert_eq!(published[&name("web", objective)], 1);
    }
    let expected = published.into_iter().map(|(name, rows)| (name, Ok(rows)));
    assert_eq!(said(&document), expected.collect());
}

#[tokio::test]
async fn a_run_over_one_sla_says_nothing_of_the_others() {
    let slas = ["one", "other"].map(|name| {
        json!({"name": name, "objectives": [{"id": "o", "metric": "availableMem", "min": 1}]})
    });
    let database = database(&slas).await;
    let (etl, _) = etl(
        &Fleet::push().await.metrics(),
        &[("DATABASE_URL", database.url())],
    )
    .await;
    let request = RunRequest {
        slas: Some(vec!["one".to_owned()]),
        ..RunRequest::everything(moment_ago())
    };
    let document = etl
        .run(&request, Trigger::Invoke, Deadline::default())
        .await
        .unwrap();
    let names: Vec<Name> = said(&document).into_keys().collect();
    assert_eq!(names, [name("one", "o")]);
}

/// A Prometheus whose remote read breaks off in the middle.
async fn broken_off() -> String {
    async fn answer(
        State((client, url)): State<(reqwest::Client, String)>,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> Response {
        let url = format!("{}{uri}", url.trim_end_matches('/'));
        let mut asked = client.request(method, url).body(body);
        for (name, value) in &headers {
            if !["host", "content-length"].contains(&name.as_str()) {
                asked = asked.header(name, value);
            }
        }
        let answer = asked.send().await.unwrap();
        let status = answer.status();
        let kind = answer.headers()["content-type"].clone();
        let whole = answer.bytes().await.unwrap();
        let body = if uri.path().ends_with("/read") {
            let half = whole.slice(..whole.len() / 2);
            // What was written is on its way once the stream waits.
            let broken = async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                Err(std::io::Error::other("it breaks off"))
            };
            let first = stream::once(async { Ok(half) });
            Body::from_stream(first.chain(stream::once(broken)))
        } else {
            Body::from(whole)
        };
        (status, [("content-type", kind)], body).into_response()
    }
    let url = environment(&[])
        .required("PROMETHEUS_URL")
        .unwrap()
        .to_owned();
    let client = http_client::builder().build().unwrap();
    let routes = Router::new().fallback(answer).with_state((client, url));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

#[tokio::test]
async fn a_metric_that_breaks_off_is_a_reason_whatever_was_published_of_it() {
    let database = database(&[json!({"name": "web", "objectives": [
        {"id": "broken", "metric": "cpuSeconds", "min": 0},
        {"id": "whole", "metric": "cpuUsage", "min": -1},
    ]})])
    .await;
    let fleet = Fleet::push().await;
    // Six series, of which some have arrived when the stream breaks off.
    let text = format!(
        "{}[[metric]]\nname = \"cpuSeconds\"\nquery = \"{}\"\n",
        fleet.metrics(),
        fleet.counters()
    );
    let prometheus = broken_off().await;
    let instead = [
        ("DATABASE_URL", database.url()),
        ("PROMETHEUS_URL", &prometheus),
    ];
    let (etl, topic) = etl(&text, &instead).await;
    let request = RunRequest::everything(moment_ago());
    let document = etl
        .run(&request, Trigger::Invoke, Deadline::default())
        .await
        .unwrap();
    let published = published(&topic, &document);
    assert!(published[&name("web", "broken")] > 0);
    let said = said(&document);
    assert_eq!(
        said[&name("web", "broken")],
        Err("its metric could not be fetched".to_owned())
    );
    assert_eq!(
        said[&name("web", "whole")],
        Ok(published[&name("web", "whole")])
    );
}

#[tokio::test]
async fn an_objective_beyond_the_bound_of_judged_pairs_has_a_reason_and_the_run_a_failure() {
    let database = database(&[json!({"name": "web", "objectives": [
        {"id": "one", "metric": "availableMem", "labels": {"instance": "first"}, "min": 1},
        {"id": "two", "metric": "availableMem", "labels": {"instance": "first"}, "min": 2},
    ]})])
    .await;
    let metrics = Fleet::push().await.metrics();
    let (mut etl, topic) = etl(&metrics, &[("DATABASE_URL", database.url())]).await;
    etl.bounds.judged_pairs = 1;
    let request = RunRequest::everything(moment_ago());
    let run = etl.run(&request, Trigger::Invoke, Deadline::default());
    let document = run.await.unwrap();
    let published = published(&topic, &document);
    assert_eq!(published, BTreeMap::from([(name("web", "one"), 1)]));
    let said = said(&document);
    assert_eq!(said[&name("web", "one")], Ok(1));
    assert!(
        said[&name("web", "two")]
            .as_ref()
            .is_err_and(|reason| reason.contains("bound"))
    );
    let failure = document
        .failures
        .iter()
        .find(|failure| failure.reason == BOUND);
    assert_eq!(failure.unwrap().metric.as_deref(), Some("availableMem"));
}

/// The ids of a metric's series that were described, and of those that each objective was judged on.
fn series_of(
    metric: &str,
    topic: &str,
    document: &RunDocument,
) -> (BTreeSet<SeriesId>, BTreeMap<Name, BTreeSet<SeriesId>>) {
    let (mut described, mut judged) = (BTreeSet::new(), BTreeMap::<_, BTreeSet<_>>::new());
    let records = records(topic, document.messages as usize + 1);
    for record in records.into_values().flatten() {
        let kind = &record.headers["ce_type"];
        if kind == Kind::Metrics.ce_type() {
            let found: MetricsDocument = serde_json::from_str(&record.value).unwrap();
            if found.series.metric == metric {
                described.insert(found.series.series);
            }
        } else if kind == Kind::Violations.ce_type() {
            let found: ViolationsDocument = serde_json::from_str(&record.value).unwrap();
            let name = (found.sla.into(), found.version, found.objective.id.into());
            let series = found.series.unwrap().series;
            judged.entry(name).or_default().insert(series);
        }
    }
    (described, judged)
}

#[tokio::test]
async fn of_too_many_pairs_those_of_the_smallest_ids_are_judged_and_their_objectives_in_part() {
    let database = database(&[json!({"name": "web", "objectives": [
        {"id": "one", "metric": "availableMem", "min": 1},
        {"id": "two", "metric": "availableMem", "min": 2},
    ]})])
    .await;
    let metrics = Fleet::push().await.metrics();
    let (mut etl, topic) = etl(&metrics, &[("DATABASE_URL", database.url())]).await;
    etl.bounds.judged_pairs = 3;
    let request = RunRequest::everything(moment_ago());
    let run = etl.run(&request, Trigger::Invoke, Deadline::default());
    let document = run.await.unwrap();
    let (described, judged) = series_of("availableMem", &topic, &document);
    assert_eq!(described.len(), 3);
    let first =
        |count: usize| -> BTreeSet<SeriesId> { described.iter().copied().take(count).collect() };
    let expected = BTreeMap::from([
        (name("web", "one"), first(2)),
        (name("web", "two"), first(1)),
    ]);
    assert_eq!(judged, expected);
    let expected = BTreeMap::from([(name("web", "one"), Ok(2)), (name("web", "two"), Ok(1))]);
    assert_eq!(said(&document), expected);
    let cut = document.failures.iter();
    let cut: Vec<_> = cut.filter(|failure| failure.reason == BOUND).collect();
    assert_eq!(cut.len(), 1);
    assert_eq!(cut[0].metric.as_deref(), Some("availableMem"));
}

/// Ten minutes of a series `depth` up to `end`, as a server answers them.
fn depth(node: &str, end: Timestamp) -> String {
    let values = (0..40).rev().map(|back| {
        let second = end.millis() / 1_000 - 15 * back;
        format!(r#"[{second},"1"]"#)
    });
    let values: Vec<String> = values.collect();
    let labels = format!(r#"{{"__name__":"depth","node":"{node}"}}"#);
    format!(r#"{{"metric":{labels},"values":[{}]}}"#, values.join(","))
}

#[tokio::test]
async fn a_partial_answer_counts_where_it_lacks_no_series_that_stood() {
    let database = database(&[json!({"name": "web", "objectives": [
        {"id": "all", "metric": "depth", "max": 9},
        {"id": "a", "metric": "depth", "labels": {"node": "a"}, "max": 9},
        {"id": "c", "metric": "depth", "labels": {"node": "c"}, "max": 9}]})])
    .await;
    let first = moment_ago() - Duration::from_secs(300);
    let (lacks, none) = (None, Some(1));
    for (seconds, is_partial, nodes, rows) in [
        (0, true, &["a", "b"][..], [Some(2), Some(1), lacks]),
        (30, true, &["a"], [lacks, Some(1), lacks]),
        (60, true, &[], [lacks, lacks, lacks]),
        (90, true, &["a", "b"], [Some(2), Some(1), lacks]),
        (120, false, &["a"], [Some(1), Some(1), none]),
        (150, true, &["a"], [Some(1), Some(1), lacks]),
    ] {
        let as_of = first + Duration::from_secs(seconds);
        let series: Vec<String> = nodes.iter().map(|node| depth(node, as_of)).collect();
        let server = stand_in(is_partial, &series.join(",")).await;
        let url = server.uri();
        let instead = [
            ("PROMETHEUS_URL", url.as_str()),
            ("DATABASE_URL", database.url()),
        ];
        let metrics = "[[metric]]\nname = \"depth\"\nquery = 'depth'\n";
        let (etl, topic) = etl(metrics, &instead).await;
        let mut pipeline = Pipeline {
            etl,
            topic,
            published: 0,
        };
        let records = pipeline.run(as_of).await;
        let document = records
            .iter()
            .find(|record| record.headers["ce_type"] == Kind::Run.ce_type())
            .unwrap();
        let document: RunDocument = serde_json::from_str(&document.value).unwrap();
        let said = said(&document);
        for (id, rows) in ["all", "a", "c"].into_iter().zip(rows) {
            let of_objective = said[&name("web", id)].as_ref().ok().copied();
            assert_eq!(of_objective, rows, "{id} after {seconds} s: {document:?}");
        }
        let is_failure = document
            .failures
            .iter()
            .any(|failure| failure.reason.contains("lacks"));
        assert_eq!(is_failure, is_partial, "{document:?}");
        store(&database, &records).await;
    }
}
