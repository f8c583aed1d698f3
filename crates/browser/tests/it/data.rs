//! SLAs in every state, with what pages show of them.

use std::time::Duration;

use domain::{
    Labels, Sample, Timestamp,
    evaluation::{ForecastRisk, Outlook, PredictedValues, STALENESS, clean, evaluate},
    events::{Counting, Minute, SliceCounts},
    message::{SeriesReference, SlicesDocument, ViolationsDocument},
    sla::{AnyObjective, Draft, EventsObjective, ExclusionDraft, Objective},
};
use serde_json::{Value, json};
use store::{
    Store,
    pipeline::Document,
    sla::Condition,
    testing::{Documents, TestDatabase, recorded},
};

/// A name that would be markup if anything let it.
const HOSTILE: &str = r#""><script>injected = 1</script><img src=x onerror="injected = 1">"#;

/// A database with something on every page.
pub(crate) async fn filled() -> TestDatabase {
    let database = TestDatabase::create().await;
    let store = database.store();
    let now: Timestamp = chrono::Utc::now().into();
    let as_of = now.floor_to_second() - Duration::from_secs(6);
    let made = as_of - Duration::from_secs(30 * 3600);
    let mut documents = Vec::new();
    for (name, instance, shape, probability) in [
        ("web", "demo", Shape::Excursions, 0.12),
        ("checkout", "pay-1", Shape::High, 0.97),
        ("search", "idx-3", Shape::Rising, 0.55),
        ("mail", "mx-1", Shape::Calm, 0.004),
        (
            "a-service-whose-name-is-as-long-as-names-may-be-at-63-characters",
            HOSTILE,
            Shape::Calm,
            0.2,
        ),
    ] {
        let name = &name[..name.len().min(63)];
        let objective = json!({"id": "cpu", "metric": "cpuUsage", "labels": {"instance": instance},
            "min": 0, "max": 80, "for": "1m", "target": 0.99, "budget_window": "1d"});
        let objective = put(store, name, &objective, made).await;
        let about = Documents::about("cpuUsage", instance);
        documents.push(judged(name, &objective, &about, shape, probability, as_of));
        documents.extend([
            about.metrics(as_of),
            about.metadata(as_of),
            about.prediction(as_of),
        ]);
    }
    put(
        store,
        "archive",
        &json!({"id": "disk", "metric": "diskFree", "min": 5}),
        made,
    )
    .await;
    store.store_batch(&recorded(documents), &[]).await.unwrap();
    events(store, made, as_of).await;
    let excluded = ExclusionDraft {
        from: as_of - Duration::from_secs(5_400),
        to: as_of - Duration::from_secs(4_800),
        rule: None,
        reason: HOSTILE.to_owned(),
        objective: None,
    };
    let excluded = store.create_exclusion("web", &excluded, as_of);
    excluded.await.unwrap();
    database
}

/// The id of a series that the filled database knows.
pub(crate) fn series() -> String {
    let about = Documents::about("cpuUsage", "demo");
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

/// What a series did in the last 12 h.
#[derive(Clone, Copy)]
enum Shape {
    Calm,
    Excursions,
    Rising,
    High,
}

impl Shape {
    fn value(self, age: u64) -> f64 {
        let wave = 30.0 + 12.0 * ((age / 15) as f64 / 40.0).sin();
        match self {
            Self::Calm => wave,
            Self::Excursions if age % 4_000 > 3_700 => 93.0,
            Self::Excursions => wave,
            Self::Rising if age < 45 => 84.0,
            Self::Rising => wave,
            Self::High if age < 1_200 => 96.0,
            Self::High => wave,
        }
    }
}

fn judged(
    sla: &str,
    objective: &Objective,
    about: &Documents,
    shape: Shape,
    probability: f64,
    as_of: Timestamp,
) -> Document {
    let ages = (0..12 * 240_u64).map(|position| 15 * position);
    // A while in which nothing was measured.
    let ages = ages.filter(|age| !(7_000..8_000).contains(age));
    let samples = ages.map(|age| Sample {
        time: as_of - Duration::from_secs(age),
        value: shape.value(age),
    });
    let samples = clean(samples.collect());
    let judgement = evaluate(objective, &samples, STALENESS, as_of)
        .judgement()
        .unwrap();
    let series = SeriesReference::new(about.series(), Some("percent".to_owned()));
    let outlook = Outlook::Forecast(ForecastRisk {
        probability,
        probability_new: probability / 2.0,
        expected_violations: probability,
        expected_seconds: 60.0 * probability,
        predicted: Some(PredictedValues {
            min: 22.0,
            max: 58.0,
            average: 37.0,
        }),
        ..ForecastRisk::default()
    });
    let sla = sla.parse().unwrap();
    let document = ViolationsDocument::judged(&sla, 1, objective, series, judgement, outlook);
    Document::Violations(Box::new(document))
}

async fn put(store: &Store, name: &str, objective: &Value, made: Timestamp) -> Objective {
    let draft = Draft::parse(&json!({ "objectives": [objective] })).unwrap();
    let ranges = draft.ranges();
    store
        .put_sla(name, &draft.objectives, &Condition::Any, made)
        .await
        .unwrap();
    ranges[0].clone()
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

fn counted(objective: &EventsObjective, as_of: Timestamp) -> Document {
    let slices = Counting::run_slices(as_of);
    let ends = Minute::ended_by(slices.start).up_to(Minute::ended_by(slices.end));
    let slices = ends.map(|minute| {
        let number = minute.end().millis() / 60_000;
        SliceCounts {
            end: minute.end(),
            sums: [
                (number % 7 * (number % 3)) as f64,
                300.0 + (number % 40) as f64,
            ],
            measured: true,
            reach: Some(minute.start() - Duration::from_secs(15)),
        }
    });
    Document::Slices(Box::new(SlicesDocument {
        sla: "shop".parse().unwrap(),
        version: 1,
        definition: objective.definition(),
        group: Labels::default(),
        objective: objective.clone(),
        as_of,
        resets: 0,
        slices: slices.collect(),
    }))
}
