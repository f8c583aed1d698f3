//! How fast the function stores: events of 500 summaries, three rows of `metrics` each, one after another on one
//! connection to the server that `DATABASE_URL` names, each event a transaction. Prints rows of `metrics` a second, for
//! new rows and for the same events again, and the microseconds of CPU a row of this process and of the server.

use std::{
    fs,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use config::Retention;
use domain::{
    Timestamp,
    message::{Attributes, Encoding, Kind},
};
use serde_json::{json, value::RawValue};
use storage::Storage;
use store::{
    pipeline::Document,
    testing::{Documents, TestDatabase},
};

const SERIES: usize = 500;
const RUNS: u64 = 60;
const ROWS_PER_MESSAGE: f64 = 3.0;

fn main() {
    // `cargo test --benches` runs it too, where its figures mean nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let database = TestDatabase::create().await;
    let server = server(&database).await;
    let retention = Retention {
        history: config::HistoryTerms::default(),
        every_run: Duration::from_secs(48 * 3600),
        everything: Duration::from_secs(30 * 86_400),
    };
    let storage = Storage::new(database.store().clone(), retention);
    let summaries: Vec<_> = (0..RUNS).map(|run| event(run, &[Kind::Metrics])).collect();
    let rows = SERIES as f64 * RUNS as f64 * ROWS_PER_MESSAGE;
    for name in ["rows of metrics, new", "rows of metrics, the same again"] {
        measure(name, rows, &storage, &summaries, server.as_deref()).await;
    }
    assert_eq!(database.count("metrics").await, rows as u64);
    let kinds = [
        Kind::Metrics,
        Kind::Metadata,
        Kind::Prediction,
        Kind::Violations,
    ];
    let whole: Vec<_> = (RUNS..RUNS + RUNS / 6)
        .map(|run| event(run, &kinds))
        .collect();
    let series = SERIES as f64 * whole.len() as f64;
    measure(
        "series with all four documents",
        series,
        &storage,
        &whole,
        server.as_deref(),
    )
    .await;
}

async fn measure(
    name: &str,
    count: f64,
    storage: &Storage,
    events: &[Box<RawValue>],
    server: Option<&str>,
) {
    let started = (Instant::now(), cpu("self"), server.map(cpu));
    for event in events {
        let answer = storage.handle(event).await.expect("the database answers");
        assert_eq!(answer.dead_lettered, 0);
    }
    let seconds = started.0.elapsed().as_secs_f64();
    let microseconds = |process: &str, before: Duration| {
        cpu(process).saturating_sub(before).as_secs_f64() * 1e6 / count
    };
    let mut line = format!(
        "{name}: {:.0} a second; CPU each: client {:.1} us",
        count / seconds,
        microseconds("self", started.1)
    );
    if let (Some(process), Some(before)) = (server, started.2) {
        line.push_str(&format!(", server {:.1} us", microseconds(process, before)));
    }
    print_line(&line);
}

#[expect(clippy::print_stdout, reason = "a benchmark's figures")]
fn print_line(line: &str) {
    println!("{line}");
}

/// The event of one run: the documents of `kinds` about every series.
fn event(run: u64, kinds: &[Kind]) -> Box<RawValue> {
    let start: Timestamp = "2025-01-15T08:45:00Z".parse().expect("a time");
    let as_of = start + Duration::from_secs(30 * run);
    let mut records = Vec::new();
    for series in 0..SERIES {
        let documents = Documents::about("cpuUsage", &format!("node-{series}.example:9100"));
        let key = documents.series().id().to_string();
        for kind in kinds {
            let attributes = Attributes {
                kind: *kind,
                encoding: Encoding::Json,
                id: format!("{kind}/{key}/{as_of}"),
                time: as_of,
                run: "benchmark".to_owned(),
            };
            let headers = attributes.headers();
            let headers = headers
                .iter()
                .map(|(name, value)| json!({*name: value.as_bytes()}));
            records.push(json!({
                "topic": "benchmark",
                "partition": 0,
                "offset": records.len(),
                "timestamp": as_of.millis(),
                "timestampType": "CREATE_TIME",
                "key": STANDARD.encode(&key),
                "value": STANDARD.encode(json_of(&documents.of(*kind, as_of))),
                "headers": headers.collect::<Vec<_>>(),
            }));
        }
    }
    let event = json!({"eventSource": "SelfManagedKafka", "records": {"benchmark-0": records}});
    serde_json::value::to_raw_value(&event).expect("JSON")
}

fn json_of(document: &Document) -> Vec<u8> {
    match document {
        Document::Metrics(document) => serde_json::to_vec(document),
        Document::Metadata(document) => serde_json::to_vec(document),
        Document::Prediction(document) => serde_json::to_vec(document),
        Document::Violations(document) => serde_json::to_vec(document),
        Document::Slices(document) => serde_json::to_vec(document),
        Document::History(document) => serde_json::to_vec(document),
        Document::Replay(document) => serde_json::to_vec(document),
        Document::Score(document) => serde_json::to_vec(document),
        Document::Run(document) => serde_json::to_vec(document),
    }
    .expect("JSON")
}

/// The process of the server, where it is on this machine and says which one it is.
async fn server(database: &TestDatabase) -> Option<String> {
    let file: Vec<u8> = sqlx::query_scalar("SELECT CAST(@@pid_file AS BINARY)")
        .fetch_one(database.pool())
        .await
        .ok()?;
    let process = fs::read_to_string(String::from_utf8(file).ok()?).ok()?;
    Some(process.trim().to_owned())
}

/// User and system time of a process, from Linux: fields 14 and 15 of `stat`, in hundredths of a second.
fn cpu(process: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(10 * ticks)
}
