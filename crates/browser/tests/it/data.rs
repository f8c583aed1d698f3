//! SLAs in every state, with what pages show of them.

use std::time::Duration;

use domain::{
    Timestamp,
    sla::{AnyObjective, Draft, ExclusionDraft, Objective},
};
use serde_json::{Value, json};
use store::{
    Store,
    pipeline::Document,
    sla::Condition,
    testing::{Documents, TestDatabase, recorded},
};

use crate::{
    server,
    told::{HOSTILE, Shape, counted, failed, history, judged, judged_until, scores},
};

/// SLAs that say something, and nothing odd: the picture of the README.
pub(crate) async fn presentable() -> TestDatabase {
    let database = TestDatabase::create().await;
    let (made, as_of) = times();
    let documents = ranges(database.store(), &PRESENTABLE, made, as_of).await;
    let documents = recorded(documents);
    database.store().store_batch(&documents, &[]).await.unwrap();
    events(database.store(), made, as_of).await;
    database
}

/// A database with something on every page.
pub(crate) async fn filled() -> TestDatabase {
    let database = presentable().await;
    let store = database.store();
    let (made, as_of) = times();
    let mut documents = ranges(store, &[LONG_AND_HOSTILE], made, as_of).await;
    documents.push(failed(as_of - Duration::from_secs(45)));
    documents.extend(fleet(store, made, as_of).await);
    documents.extend(in_part(store, made, as_of).await);
    alerts(store, made, as_of - Duration::from_secs(60)).await;
    let disk = json!({"id": "disk", "metric": "diskFree", "min": 5});
    put(store, "archive", &disk, made).await;
    store.store_batch(&recorded(documents), &[]).await.unwrap();
    let excluded = ExclusionDraft {
        from: as_of - Duration::from_secs(5_400),
        to: as_of - Duration::from_secs(4_800),
        rule: None,
        reason: HOSTILE.to_owned(),
        objective: None,
    };
    let excluded = store.create_exclusion("web", &excluded, as_of);
    excluded.await.unwrap();
    server::compare(store).await;
    database
}

/// An SLA of one range: its name, the instance, what that did, and how likely a violation is.
type Range = (&'static str, &'static str, Shape, f64);

const PRESENTABLE: [Range; 4] = [
    ("web", "demo", Shape::Excursions, 0.12),
    ("checkout", "pay-1", Shape::High, 0.97),
    ("search", "idx-3", Shape::Rising, 0.55),
    ("mail", "mx-1", Shape::Calm, 0.004),
];
const LONG_AND_HOSTILE: Range = (
    "a-service-whose-name-is-as-long-as-names-may-be-at-63-character",
    HOSTILE,
    Shape::Calm,
    0.2,
);

/// When the SLAs were made, and the newest run.
fn times() -> (Timestamp, Timestamp) {
    let now: Timestamp = chrono::Utc::now().into();
    let as_of = now.floor_to_second() - Duration::from_secs(6);
    (as_of - Duration::from_secs(30 * 3600), as_of)
}

async fn ranges(
    store: &Store,
    ranges: &[Range],
    made: Timestamp,
    as_of: Timestamp,
) -> Vec<Document> {
    let mut documents = Vec::new();
    for (name, instance, shape, probability) in ranges {
        let objective = json!({"id": "cpu", "metric": "cpuUsage", "labels": {"instance": instance},
            "min": 0, "max": 80, "for": "1m", "target": 0.99, "budget_window": "1d"});
        let objective = put(store, name, &objective, made).await;
        let about = Documents::about("cpuUsage", instance);
        documents.push(judged(
            name,
            &objective,
            &about,
            *shape,
            *probability,
            as_of,
        ));
        documents.extend([
            about.metrics(as_of),
            about.metadata(as_of),
            about.prediction(as_of),
            history(&about, *shape, as_of),
        ]);
        documents.extend(scores(&about, name, &objective, as_of));
    }
    documents
}

/// The id of a series that the filled database knows.
pub(crate) fn series() -> String {
    let about = Documents::about("cpuUsage", "demo");
    about.series().id().to_string()
}

/// The id of a series of the SLA `fleet`.
pub(crate) fn series_of_fleet(instance: &str) -> String {
    let about = Documents::about("cpuUsage", instance);
    about.series().id().to_string()
}

/// A database that knows so many series, and nothing of them but their last hours.
pub(crate) async fn crowded(count: u32) -> TestDatabase {
    let database = TestDatabase::create().await;
    let now: Timestamp = chrono::Utc::now().into();
    let as_of = now.floor_to_second();
    let abouts = (0..count).map(|number| Documents::about("cpuUsage", &format!("host{number}")));
    let documents: Vec<Document> = abouts.map(|about| about.metrics(as_of)).collect();
    for documents in documents.chunks(1_000) {
        database.store().store_batch(documents, &[]).await.unwrap();
    }
    database
}

/// An objective on three series: one stands, one fell silent while it was out of range, one ended hours ago.
async fn fleet(store: &Store, made: Timestamp, as_of: Timestamp) -> Vec<Document> {
    let objective = json!({"id": "cpu", "metric": "cpuUsage", "labels": {"job": "node"}, "max": 80,
        "series_end": "ended"});
    let objective = put(store, "fleet", &objective, made).await;
    let of = |instance: &str, shape, silent| {
        let about = Documents::about("cpuUsage", instance);
        judged_until("fleet", &objective, &about, (shape, silent), 0.05, as_of)
    };
    vec![
        of("stands", Shape::Calm, 0),
        of("frozen", Shape::High, 400),
        of("ended", Shape::Calm, 3 * 3600),
    ]
}

/// An SLA of two objectives, one of which was not evaluated since the run before.
async fn in_part(store: &Store, made: Timestamp, as_of: Timestamp) -> Vec<Document> {
    let of = |id: &str| json!({"id": id, "metric": id, "max": 80});
    let objectives = put_all(store, "in-part", &json!([of("cpuUsage"), of("load")]), made).await;
    let as_ofs = [as_of, as_of - Duration::from_secs(30)];
    let judged = objectives.iter().zip(as_ofs).map(|(objective, as_of)| {
        let about = Documents::about(&objective.metric, "half");
        judged("in-part", objective, &about, Shape::Calm, 0.02, as_of)
    });
    judged.collect()
}

/// Alerts of earlier: one that is resolved since, and one that is frozen.
async fn alerts(store: &Store, made: Timestamp, as_of: Timestamp) {
    let objective = json!({"id": "cpu", "metric": "cpuUsage", "max": 80});
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (name, later) in [
        ("resolved", (Shape::Calm, 0)),
        ("silent", (Shape::High, 430)),
    ] {
        let objective = put(store, name, &objective, made).await;
        let about = Documents::about("cpuUsage", name);
        before.push(judged(name, &objective, &about, Shape::High, 0.9, as_of));
        let as_of = as_of + Duration::from_secs(30);
        after.push(judged_until(name, &objective, &about, later, 0.1, as_of));
    }
    store.store_batch(&recorded(before), &[]).await.unwrap();
    server::compare(store).await;
    store.store_batch(&recorded(after), &[]).await.unwrap();
}

async fn put(store: &Store, name: &str, objective: &Value, made: Timestamp) -> Objective {
    put_all(store, name, &json!([objective]), made)
        .await
        .remove(0)
}

async fn put_all(store: &Store, name: &str, objectives: &Value, made: Timestamp) -> Vec<Objective> {
    let draft = Draft::parse(&json!({ "objectives": objectives })).unwrap();
    let put = store.put_sla(name, &draft.objectives, &Condition::Any, made);
    put.await.unwrap();
    draft.ranges()
}

/// An SLA of events that burns its budget.
async fn events(store: &Store, made: Timestamp, as_of: Timestamp) {
    let availability = json!({"id": "availability", "target": 0.99, "budget_window": "1d",
        "events": {"bad": "errors_total", "total": "requests_total"}});
    let draft = Draft::parse(&json!({ "objectives": [availability] })).unwrap();
    store
        .put_sla("shop", &draft.objectives, &Condition::Any, made)
        .await
        .unwrap();
    let stored = store.sla("shop").await.unwrap().unwrap();
    let Some(AnyObjective::Events(objective)) = stored.sla.all().pop() else {
        panic!("an objective of events");
    };
    for run in (0..36).rev() {
        let as_of = as_of - Duration::from_secs(300 * run);
        let batch = recorded([counted(&objective, as_of)]);
        store.store_batch(&batch, &[]).await.unwrap();
    }
}
