//! Events are counted once, however their records are delivered.

#![allow(clippy::float_cmp, reason = "whole numbers are counted exactly")]

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Labels, Span, SpanSet, Timestamp,
    events::{Counts, Minute, SliceCounts},
    message::{EvaluationRow, Kind},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;
use store::{
    sla::Condition,
    testing::{CountedEvents, TestDatabase},
};

use crate::delivery::{Parcel, at, deliver};

fn events() -> CountedEvents {
    CountedEvents::by(&["service"])
}

fn groups() -> Vec<Labels> {
    let named = ["a", "b"].map(|name| [("service", name)].into_iter().collect());
    named.into_iter().chain([Labels::default()]).collect()
}

/// Every minute has events of its own number in each group.
fn counts(minute: Minute) -> SliceCounts {
    SliceCounts {
        end: minute.end(),
        sums: [1.0, number(minute.end())],
        measured: true,
        reach: Some(minute.start()),
    }
}

fn number(end: Timestamp) -> f64 {
    (end.since(at(0)).as_secs() / 60) as f64
}

/// What runs a minute apart publish, minute by minute.
fn published(runs: u64) -> Vec<Parcel> {
    let events = events();
    let run = |as_of: Timestamp| {
        let documents = groups();
        let documents = documents
            .iter()
            .map(|group| Parcel::of(&events.document(group, as_of, counts)));
        let record = Parcel::of(&events.record(as_of, groups().len() as u64));
        documents.chain([record]).collect::<Vec<_>>()
    };
    (0..runs).flat_map(|minute| run(at(20 + minute))).collect()
}

/// The same record of a group, with a value that is no document.
fn broken(group: &Labels, as_of: Timestamp) -> Parcel {
    let events = events();
    let document = events.document(group, as_of, counts);
    let store::pipeline::Document::Slices(slices) = &document else {
        unreachable!()
    };
    let row = EvaluationRow {
        kind: Kind::Slices,
        sla: events.sla.clone(),
        version: events.version,
        objective: events.objective.id.clone(),
        series: slices.group_id(),
        as_of,
    };
    Parcel::of(&document)
        .with_value(b"{")
        .with_header("ce_id", json!(row.to_string().as_bytes()))
}

/// Stores the SLA whose events are published.
async fn put(database: &TestDatabase) {
    let CountedEvents { sla, objective, .. } = events();
    let store = database.store();
    store
        .put_sla(sla.as_str(), &[objective], &Condition::Any, at(0))
        .await
        .unwrap();
}

/// When the objective was evaluated, as far as that is complete.
async fn evaluated(database: &TestDatabase) -> Option<Timestamp> {
    let CountedEvents { sla, objective, .. } = events();
    let store = database.store();
    let sla = store.sla(sla.as_str()).await.unwrap().unwrap().sla;
    let newest = store.newest_evaluations(&sla, at(600)).await.unwrap();
    newest.get(objective.id.as_str()).copied()
}

/// The events of each group in `(from, to]`, added up.
async fn sums(database: &TestDatabase, from: u64, to: u64) -> BTreeMap<String, [f64; 2]> {
    let events = events();
    let (sla, objective, definition) = (&events.sla, &events.objective.id, events.definition());
    let asked = Span {
        start: at(from),
        end: at(to),
    };
    let store = database.store();
    let rows = store
        .counted_rows(
            sla,
            objective,
            &definition,
            None,
            asked,
            &SpanSet::default(),
            None,
        )
        .await
        .unwrap();
    let add = |rows: &[domain::events::CountedRow]| {
        let mut sum = Counts::default();
        rows.iter().for_each(|row| sum += row.counts);
        sum.sums()
    };
    rows.iter()
        .map(|(group, rows)| (group.to_string(), add(rows)))
        .collect()
}

#[test]
fn every_event_counts_once_however_records_are_delivered() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let parcels = published(8);
    let order = Just((0..parcels.len()).collect::<Vec<_>>()).prop_shuffle();
    let again = proptest::collection::vec(0..parcels.len(), 0..10);
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(12)
    };
    TestRunner::new(config)
        .run(&(order, again, 1..40_usize), |(mut order, again, batch)| {
            order.extend(again);
            runtime.block_on(async {
                database.clear().await;
                put(&database).await;
                for batch in order.chunks(batch) {
                    let batch: Vec<_> = batch.iter().map(|place| parcels[*place].clone()).collect();
                    deliver(&database, &batch).await;
                }
                prop_assert_eq!(evaluated(&database).await, Some(at(27)));
                let expected: f64 = (6..=27).map(f64::from).sum();
                let sums = sums(&database, 5, 27).await;
                prop_assert_eq!(sums.len(), 3);
                for sum in sums.values() {
                    prop_assert_eq!(*sum, [22.0, expected]);
                }
                Ok(())
            })
        })
        .unwrap();
}

#[tokio::test]
async fn a_group_whose_record_is_set_aside_holds_up_no_evaluation() {
    let database = TestDatabase::create().await;
    put(&database).await;
    let mut parcels = published(1);
    parcels[1] = broken(&groups()[1], at(20));
    let answer = deliver(&database, &parcels).await;
    assert_eq!((answer.stored, answer.dead_lettered), (3, 1));
    assert_eq!(evaluated(&database).await, Some(at(20)));
    assert_eq!(sums(&database, 5, 20).await.len(), 2);
    // The next run counts what was set aside.
    deliver(&database, &published(2)).await;
    assert_eq!(evaluated(&database).await, Some(at(21)));
    let sums = sums(&database, 6, 20).await;
    let expected: f64 = (7..=20).map(f64::from).sum();
    assert!(sums.values().all(|sum| *sum == [14.0, expected]));
    assert_eq!(sums.len(), 3);
}

#[tokio::test]
async fn counts_that_are_not_those_of_their_run_are_set_aside() {
    let events = events();
    let group = &groups()[0];
    let as_of = at(20);
    let shifted = |minute: Minute| SliceCounts {
        end: minute.end() + Duration::from_secs(60),
        ..counts(minute)
    };
    let negative = |minute: Minute| SliceCounts {
        sums: [-1.0, 1.0],
        ..counts(minute)
    };
    let ahead = |minute: Minute| SliceCounts {
        reach: Some(minute.end() + Duration::from_millis(1)),
        ..counts(minute)
    };
    let database = TestDatabase::create().await;
    for document in [
        events.document(group, as_of, shifted),
        events.document(group, as_of, negative),
        events.document(group, as_of, ahead),
    ] {
        let answer = deliver(&database, &[Parcel::of(&document)]).await;
        assert_eq!((answer.stored, answer.dead_lettered), (0, 1));
    }
    assert_eq!(database.count("slice").await, 0);
}
