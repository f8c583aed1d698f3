//! The events of `events/`: made here, so that they stay what the function takes.

use std::{fs, path::PathBuf};

use serde_json::json;
use store::testing::{Documents, TestDatabase};

use crate::{
    delivery::{Parcel, TOPIC, at, event, every_kind, raw, storage},
    unstorable,
};

fn good() -> Vec<Parcel> {
    let mut parcels = every_kind("cpuUsage", at(0));
    parcels.extend(every_kind("availableMem", at(0)));
    let documents = Documents::about("cpuUsage", "restless").under(TOPIC);
    let samples: Vec<_> = (0..80)
        .map(|k| (k * 15, if k < 20 { 93.2 } else { 37.0 }))
        .collect();
    parcels.push(Parcel::of(&documents.violations(&samples, at(1))));
    let absent = Documents::about("cpuTemp", TOPIC).under(TOPIC);
    parcels.push(Parcel::of(&absent.no_series(at(1))));
    parcels
}

fn with_poison() -> Vec<Parcel> {
    let mut parcels = every_kind("cpuUsage", at(2));
    parcels.extend(unstorable::all().into_iter().map(|(parcel, _)| parcel));
    parcels.extend(every_kind("availableMem", at(2)));
    parcels
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../events")
        .join(name)
}

/// The file's event; with `UPDATE_EVENTS` set it is written first.
fn example(name: &str, made: &str) -> String {
    if std::env::var_os("UPDATE_EVENTS").is_some() {
        fs::write(path(name), made).unwrap();
    }
    fs::read_to_string(path(name)).unwrap()
}

#[test]
fn the_example_events_are_those_made_here() {
    for (name, made) in [
        ("kafka-batch.json", event(&good(), 0)),
        ("kafka-batch-with-poison.json", event(&with_poison(), 100)),
        ("kafka-batch-empty.json", event(&[], 0)),
    ] {
        assert_eq!(
            example(name, &made),
            made,
            "{name}: set UPDATE_EVENTS to write it anew"
        );
    }
}

#[tokio::test]
async fn the_example_events_are_answered_with_what_became_of_their_records() {
    let database = TestDatabase::create().await;
    let storage = storage(database.store().clone());
    for (name, records, dead_lettered) in [
        ("kafka-batch.json", 20, 0),
        ("kafka-batch-with-poison.json", 42, 24),
        ("kafka-batch-empty.json", 0, 0),
        ("kafka-batch-with-poison.json", 42, 24),
    ] {
        let event = raw(&fs::read_to_string(path(name)).unwrap());
        let answer = storage.handle(&event).await.unwrap();
        assert_eq!(
            serde_json::to_value(answer).unwrap(),
            json!({
                "records": records,
                "stored": records - dead_lettered,
                "dead_lettered": dead_lettered,
            }),
            "{name}"
        );
    }
    assert_eq!(database.count("dead_letter").await, 24);
    for table in [
        "metrics",
        "metadata",
        "prediction",
        "violation",
        "episode",
        "slice",
        "history",
        "score",
        "objective_score",
        "run",
    ] {
        assert!(database.count(table).await > 0, "{table}");
    }
}
