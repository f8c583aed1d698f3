//! The events of objectives, kept.

#![allow(clippy::float_cmp, reason = "whole numbers are counted exactly")]

mod budgets;
mod finality;
mod kept;
mod missing;
mod replayed;
mod scored;
mod storing;
mod sums;

use std::time::Duration;

use domain::{
    Labels, SeriesId, Span, SpanSet, Timestamp,
    events::{CountedRow, Minute, SliceCounts},
    message::group_id,
};
use store::{
    pipeline::Document,
    retention::Limits,
    testing::{CountedEvents, TestDatabase},
};

const LIMITS: Limits = Limits {
    buckets: Duration::from_secs(40 * 86_400),
    hours: Duration::from_secs(400 * 86_400),
    every_run: Duration::from_secs(48 * 3_600),
    everything: Duration::from_secs(30 * 86_400),
};

/// `minutes` after 2026-11-23T00:00:00Z, the start of a day.
fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(1_795_392_000_000 + minutes * 60_000).unwrap()
}

/// How many minutes a time is after [`at`] 0.
fn minutes(time: Timestamp) -> i64 {
    (time.millis() - at(0).millis()) / 60_000
}

fn span(from: i64, to: i64) -> Span {
    Span {
        start: at(from),
        end: at(to),
    }
}

fn group(name: &str) -> Labels {
    [("service", name)].into_iter().collect()
}

/// Two services, and all events together.
fn groups() -> [Labels; 3] {
    [group("a"), group("b"), Labels::default()]
}

fn events() -> CountedEvents {
    CountedEvents::by(&["service"])
}

fn id(group: &Labels) -> SeriesId {
    let events = events();
    group_id(&events.sla, &events.objective.id, group)
}

/// What there is to count of a service in a minute. Those of `b` are no whole numbers, and it pauses in some hours.
fn of_service(name: &str, minute: Minute) -> SliceCounts {
    let number = minutes(minute.end());
    let pauses = name == "b" && number.div_euclid(60) % 7 == 3;
    let scale = if name == "b" { 0.1 } else { 1.0 };
    let events = |sum: i64| if pauses { 0.0 } else { sum as f64 * scale };
    SliceCounts {
        end: minute.end(),
        sums: [
            events((number * 7).rem_euclid(5)),
            events(100 + (number * 13).rem_euclid(37)),
        ],
        measured: !pauses,
        reach: (!pauses).then(|| minute.start() - Duration::from_secs(10)),
    }
}

/// What there is to count of a group in a minute.
fn truth(group: &Labels, minute: Minute) -> SliceCounts {
    if let Some(name) = group.0.get("service") {
        return of_service(name, minute);
    }
    let (a, b) = (of_service("a", minute), of_service("b", minute));
    SliceCounts {
        end: minute.end(),
        sums: [a.sums[0] + b.sums[0], a.sums[1] + b.sums[1]],
        measured: a.measured || b.measured,
        reach: a.reach.into_iter().chain(b.reach).min(),
    }
}

/// What a run publishes: each group, and its record.
fn run(as_of: i64) -> Vec<Document> {
    let events = events();
    let mut documents: Vec<Document> = groups()
        .iter()
        .map(|group| events.document(group, at(as_of), |minute| truth(group, minute)))
        .collect();
    documents.push(events.record(at(as_of), 3));
    documents
}

/// A database with a run every 10 minutes: each minute up to 5 minutes before the last one is final.
async fn filled(from: i64, to: i64) -> TestDatabase {
    let database = TestDatabase::create().await;
    fill(&database, from, to).await;
    database
}

async fn fill(database: &TestDatabase, from: i64, to: i64) {
    let runs: Vec<i64> = (from..=to).step_by(10).collect();
    for runs in runs.chunks(50) {
        let documents: Vec<Document> = runs.iter().flat_map(|as_of| run(*as_of)).collect();
        database.store().store_batch(&documents, &[]).await.unwrap();
    }
}

/// Purges and rolls up until nothing is left to do.
async fn keep_house(database: &TestDatabase, now: i64) {
    for _ in 0..1_000 {
        let purged = database.store().purge(at(now), LIMITS, 100_000).await;
        if purged.unwrap().done {
            return;
        }
    }
    panic!("there is always something left to do");
}

async fn rows(
    database: &TestDatabase,
    asked: Span,
    fine: &SpanSet,
) -> Vec<(SeriesId, Vec<CountedRow>)> {
    let events = events();
    let (sla, objective) = (&events.sla, &events.objective.id);
    let store = database.store();
    store
        .counted_rows(
            sla,
            objective,
            &events.definition(),
            None,
            asked,
            fine,
            None,
        )
        .await
        .unwrap()
}

async fn rows_of(database: &TestDatabase, group: &Labels, asked: Span) -> Vec<CountedRow> {
    let all = rows(database, asked, &SpanSet::default()).await;
    let mut of_group = all.into_iter().filter(|(found, _)| *found == id(group));
    of_group.next().map(|(_, rows)| rows).unwrap_or_default()
}
