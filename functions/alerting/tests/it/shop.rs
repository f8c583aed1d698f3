//! What tests of several files take: an SLA whose objective counts the events of a shop, and what fires.

use std::time::Duration;

use domain::{
    Labels, Timestamp,
    events::SliceCounts,
    sla::{AnyObjective, Draft},
};
use serde_json::{Value, json};
use store::{
    pipeline::Document,
    sla::Condition,
    testing::{CountedEvents, recorded},
};

use crate::service::System;

pub(crate) fn now() -> Timestamp {
    Timestamp::from(chrono::Utc::now()).floor_to_second()
}

pub(crate) async fn put(system: &System, sla: &str, objective: Value) -> AnyObjective {
    let draft = Draft::parse(&json!({"name": sla, "objectives": [objective]})).unwrap();
    let store = system.database.store();
    let put = store.put_sla(sla, &draft.objectives, &Condition::Any, now());
    put.await.unwrap();
    draft.objectives[0].clone()
}

pub(crate) async fn store(system: &System, documents: Vec<Document>) {
    let stored = system.database.store().store_batch(&documents, &[]);
    stored.await.unwrap();
}

/// The open alerts of that name: each label `label` and the summary, in the order of the labels.
pub(crate) async fn firing(system: &System, name: &str, label: &str) -> Vec<(String, String)> {
    system.tick().await;
    let listed = system.get("/alerts?state=firing").await;
    let alerts = listed["alerts"].as_array().unwrap().iter();
    let own = alerts.filter(|alert| alert["labels"]["alertname"] == name);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut found: Vec<_> = own
        .map(|alert| {
            let summary = text(&alert["annotations"]["summary"]);
            (text(&alert["labels"][label]), summary)
        })
        .collect();
    found.sort();
    found
}

/// An objective of events, and what runs counted of it over the last hour.
pub(crate) struct Shop {
    pub(crate) system: System,
    events: CountedEvents,
}

impl Shop {
    /// 1 % may be bad, over 30 days; with these further fields.
    pub(crate) async fn with(fields: Value) -> Self {
        let system = System::at(&[], true).await;
        let events = version(&system, 1, fields).await;
        Self { system, events }
    }

    /// The same SLA in its next version, with these fields.
    pub(crate) async fn replaced(self, fields: Value) -> Self {
        let next = self.events.version + 1;
        let events = version(&self.system, next, fields).await;
        Self { events, ..self }
    }

    /// Each minute of the hour before `as_of` had 100 events, so many of them bad.
    pub(crate) async fn counted(&self, as_of: Timestamp, bad: f64) {
        self.stored(as_of, &[(Labels::default(), [bad, 100.0])])
            .await;
    }

    /// The same, of each of these groups, and what that is of all together.
    pub(crate) async fn counted_of(&self, as_of: Timestamp, groups: &[(Labels, f64)]) {
        let bad = groups.iter().map(|(_, bad)| bad).sum();
        let all = (Labels::default(), [bad, 100.0 * groups.len() as f64]);
        let own = groups
            .iter()
            .map(|(labels, bad)| (self.events.objective.group_of(labels), [*bad, 100.0]));
        let groups: Vec<_> = own.chain([all]).collect();
        self.stored(as_of, &groups).await;
    }

    async fn stored(&self, as_of: Timestamp, groups: &[(Labels, [f64; 2])]) {
        const QUARTER: Duration = Duration::from_secs(15 * 60);
        let runs = (0..4).rev().map(|quarter| as_of - quarter * QUARTER);
        let documents = runs.flat_map(|as_of| {
            groups.iter().map(move |(group, sums)| {
                self.events.document(group, as_of, |minute| SliceCounts {
                    end: minute.end(),
                    sums: *sums,
                    measured: true,
                    reach: Some(minute.start()),
                })
            })
        });
        store(&self.system, recorded(documents)).await;
    }
}

async fn version(system: &System, version: u32, fields: Value) -> CountedEvents {
    let mut objective = json!({
        "id": "requests", "target": 0.99, "expect": {"exhausted_in": "6h"},
        "events": {"bad": "errors_total", "total": "requests_total"},
    });
    let given = fields.as_object().unwrap().clone();
    objective.as_object_mut().unwrap().extend(given);
    let AnyObjective::Events(objective) = put(system, "shop", objective).await else {
        panic!("it counts events");
    };
    CountedEvents {
        sla: "shop".parse().unwrap(),
        version,
        objective,
    }
}

/// When two runs were, so that each slice is counted anew by the newer one.
pub(crate) fn in_one_minute() -> [Timestamp; 2] {
    let newest = now() - Duration::from_secs(31);
    let into_the_minute = newest.millis().rem_euclid(60_000).unsigned_abs();
    let minute = newest - Duration::from_millis(into_the_minute);
    [20, 31].map(|seconds| minute + Duration::from_secs(seconds))
}
