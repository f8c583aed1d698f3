//! What keeping events costs, on the server that `DATABASE_URL` names: an objective of 100 groups is counted every minute
//! for some hours of a day, which are then repeated for 30 days. Prints the bytes of a message and of a row, the statements
//! and the time of storing a run, the time of adding an hour up, and that of reading 30 days with the beginnings of seven
//! burn windows.

#![allow(clippy::print_stdout, reason = "a benchmark's figures")]

use std::time::{Duration, Instant};

use domain::{
    Labels, Span, SpanSet, Timestamp,
    events::{Minute, SliceCounts},
};
use sqlx::{AssertSqlSafe, MySqlPool};
use store::{
    pipeline::Document,
    retention::Limits,
    testing::{CountedEvents, TestDatabase},
};

const GROUPS: usize = 100;
const DAYS: u64 = 30;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const LIMITS: Limits = Limits {
    buckets: Duration::from_secs(40 * 86_400),
    hours: Duration::from_secs(400 * 86_400),
    every_run: Duration::from_secs(48 * 3_600),
    everything: Duration::from_secs(30 * 86_400),
};

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
    let events = CountedEvents::by(&["service"]);
    let midnight: Timestamp = "2026-11-23T00:00:00Z".parse().expect("a time");
    // A whole day by runs 10 minutes apart, then two hours and 37 minutes by one each minute.
    let mut as_of = midnight - DAY;
    while as_of < midnight {
        as_of = as_of + 10 * MINUTE;
        store(&database, &published(&events, as_of)).await;
    }
    let (mut times, mut statements) = (Vec::new(), Vec::new());
    let end = midnight + 2 * HOUR + 37 * MINUTE;
    while as_of < end {
        as_of = as_of + MINUTE;
        let documents = published(&events, as_of);
        let before = questions(database.pool()).await;
        times.push(timed(store(&database, &documents)).await);
        statements.push(questions(database.pool()).await - before - 1);
    }
    let message = message_bytes(&published(&events, as_of)[0]);
    println!("a message: {message} bytes of JSON, {GROUPS} groups and all together a run");
    println!(
        "storing a run: {:?}, {} statements",
        median(&mut times),
        statements[statements.len() / 2]
    );
    let started = Instant::now();
    let mut purges = 0;
    while !purged(&database, end).await {
        purges += 1;
    }
    println!(
        "adding up 26 hours and a day: {:?}, {purges} purges",
        started.elapsed()
    );
    repeat(database.pool(), midnight).await;
    bytes(database.pool()).await;

    let asked = Span {
        start: end - (DAYS as u32) * DAY,
        end,
    };
    for (name, windows) in [
        ("30 d", &[][..]),
        (
            "30 d and seven burn windows",
            &[5, 30, 60, 120, 360, 1_440, 4_320],
        ),
    ] {
        let begins = windows.iter().map(|minutes| {
            let start = end - *minutes * MINUTE;
            Span {
                start,
                end: start + Duration::from_millis(1),
            }
        });
        let fine: SpanSet = begins.collect();
        let (mut times, mut rows) = (Vec::new(), 0);
        for _ in 0..30 {
            let started = Instant::now();
            let found = database
                .store()
                .counted_rows(
                    &events.sla,
                    &events.objective.id,
                    &events.definition(),
                    None,
                    asked,
                    &fine,
                    None,
                )
                .await
                .expect("the database answers");
            times.push(started.elapsed());
            assert_eq!(found.len(), GROUPS + 1);
            rows = found.iter().map(|(_, rows)| rows.len()).sum();
        }
        times.sort();
        println!(
            "reading {name}, {} groups: {:?} (fastest {:?}), {rows} rows",
            GROUPS + 1,
            times[times.len() / 2],
            times[0]
        );
    }
}

/// What a run publishes: each group, all together, and its record.
fn published(events: &CountedEvents, as_of: Timestamp) -> Vec<Document> {
    let groups = (0..GROUPS).map(|number| {
        let name = format!("service-{number}");
        [("service", name.as_str())].into_iter().collect()
    });
    let groups = groups.chain([Labels::default()]);
    let mut documents: Vec<Document> = groups
        .map(|group| events.document(&group, as_of, counts))
        .collect();
    documents.push(events.record(as_of, documents.len() as u64));
    documents
}

fn counts(minute: Minute) -> SliceCounts {
    let number = minute.end().millis() / 60_000;
    SliceCounts {
        end: minute.end(),
        sums: [(number % 5) as f64, (5_000 + number % 977) as f64],
        measured: true,
        reach: Some(minute.start() - Duration::from_secs(10)),
    }
}

async fn store(database: &TestDatabase, documents: &[Document]) {
    let stored = database.store().store_batch(documents, &[]).await;
    stored.expect("documents are stored");
}

async fn purged(database: &TestDatabase, now: Timestamp) -> bool {
    let purged = database.store().purge(now, LIMITS, 100_000).await;
    purged.expect("the database answers").done
}

/// How many statements the server was asked.
async fn questions(pool: &MySqlPool) -> u64 {
    let (_, count): (String, String) = sqlx::query_as("SHOW GLOBAL STATUS LIKE 'Questions'")
        .fetch_one(pool)
        .await
        .expect("the database answers");
    count.parse().expect("a number")
}

/// Repeats the sums of the last day for the days before it.
async fn repeat(pool: &MySqlPool, midnight: Timestamp) {
    let until = midnight.to_utc().format("%Y-%m-%d %H:%M:%S");
    for day in 1..=DAYS {
        for (table, columns) in [
            (
                "slice",
                "group_id, first_sum, second_sum, minutes, measured, reach, as_of, final, revision",
            ),
            ("slice_roll_up", "version, due, finest, kept"),
        ] {
            // Minutes are gone; rows of 5 minutes matter where the question begins.
            let longer = if table == "slice" && day < DAYS - 1 {
                300
            } else {
                60
            };
            let statement = format!(
                "REPLACE INTO {table} (sla, objective, definition, length, `end`, {columns}) \
                 SELECT sla, objective, definition, length, `end` - INTERVAL {day} DAY, {columns} FROM {table} \
                 WHERE `end` > '{until}' - INTERVAL 1 DAY AND `end` <= '{until}' AND length > {longer}"
            );
            execute(pool, statement).await;
        }
    }
    let old = format!(
        "UPDATE slice_roll_up SET finest = 300 WHERE finest = 60 AND `end` < '{until}' - INTERVAL 3 DAY"
    );
    execute(pool, old).await;
    execute(pool, "ANALYZE TABLE slice, slice_roll_up".to_owned()).await;
}

/// How many bytes a row has.
async fn bytes(pool: &MySqlPool) {
    let (rows, bytes): (u64, u64) = sqlx::query_as(
        "SELECT CAST(table_rows AS UNSIGNED), CAST(data_length + index_length AS UNSIGNED) \
         FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'slice'",
    )
    .fetch_one(pool)
    .await
    .expect("the database answers");
    println!(
        "a row of slice: about {} bytes ({rows} rows)",
        bytes / rows.max(1)
    );
}

async fn execute(pool: &MySqlPool, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(pool)
        .await
        .expect("the database does as it is asked");
}

fn message_bytes(document: &Document) -> usize {
    match document {
        Document::Slices(document) => serde_json::to_string(document).map_or(0, |json| json.len()),
        _ => 0,
    }
}

async fn timed(work: impl Future<Output = ()>) -> Duration {
    let started = Instant::now();
    work.await;
    started.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
