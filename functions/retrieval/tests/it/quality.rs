use std::time::Duration;

use domain::{
    Finding, Labels,
    events::{Minute, SliceCounts},
    forecast::HORIZON,
    message::Kind,
    score::FEW_SAMPLES,
    sla::AnyObjective,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use store::{
    pipeline::Document,
    retention::Limits,
    sla::Condition,
    testing::{CountedEvents, Documents, TestDatabase},
};

use crate::service::{Service, time};

const FIRST: &str = "2026-11-23T08:00:00Z";

/// The answer about ten forecasts a minute apart: two are unscorable, one waits, and a violation followed the first `events`.
fn documents(events: u64) -> Vec<Document> {
    let about = Documents::about("cpuUsage", "a");
    let mut documents = Vec::new();
    for k in 0..10 {
        let as_of = time(FIRST) + Duration::from_secs(60 * k);
        documents.push(about.prediction(as_of));
        if k == 9 {
            continue;
        }
        let Document::Score(mut score) = about.score(as_of, as_of + HORIZON) else {
            unreachable!()
        };
        if k >= 7 {
            score.scores = Finding::unknown(FEW_SAMPLES);
        }
        score.objectives[0].probability = if k < 5 { 0.75 } else { 0.25 };
        score.objectives[0].happened = (k < 8).then_some(k < events);
        documents.push(Document::Score(score));
    }
    documents.push(about.of(Kind::Run, time(FIRST) + Duration::from_secs(1_200)));
    documents
}

/// The SLA that is judged.
async fn judged(database: &TestDatabase) {
    let objectives = [Documents::about("cpuUsage", "a").objective()];
    let made = database
        .store()
        .put_sla("demo", &objectives, &Condition::Any, time(FIRST));
    made.await.unwrap();
}

async fn store(database: &TestDatabase, documents: &[Document]) {
    database.store().store_batch(documents, &[]).await.unwrap();
}

/// A database that has them.
async fn told(events: u64) -> TestDatabase {
    let database = TestDatabase::create().await;
    judged(&database).await;
    store(&database, &documents(events)).await;
    database
}

async fn quality(database: &TestDatabase, query: &str) -> Value {
    let service = Service::new(database.store().clone());
    service.get(&format!("/forecasts/quality{query}")).await
}

#[tokio::test]
async fn forecasts_are_told_with_what_they_were_worth() {
    let database = told(5).await;
    insta::assert_json_snapshot!(quality(&database, "").await, @r#"
      {
        "next": null,
        "objectives": [
          {
            "base_rate": 0.625,
            "bins": [
              {
                "events": 0,
                "forecasts": 3,
                "happened": 0.0,
                "independent": 1,
                "lower": 0.2,
                "said": 0.25,
                "upper": 0.3
              },
              {
                "events": 5,
                "forecasts": 5,
                "happened": 1.0,
                "independent": 1,
                "lower": 0.7,
                "said": 0.75,
                "upper": 0.8
              }
            ],
            "brier": 0.0625,
            "brier_base_rate": 0.484375,
            "events": 5,
            "forecasts": 9,
            "metric": "cpuUsage",
            "objective": "087741fb3e135d7e",
            "probability_of": "violation",
            "reasons": {
              "too_little_seen": 1
            },
            "reliability": {
              "events": 5,
              "forecasts": 8,
              "happened": 0.625,
              "independent": 1,
              "said": 0.5625
            },
            "reliability_reason": null,
            "scored": 8,
            "sla": "demo",
            "unscorable": 1
          }
        ],
        "series": [
          {
            "coverage": {
              "average": 1.0,
              "band": 0.8888888888888888,
              "max": 0.0,
              "min": 1.0
            },
            "forecasts": 10,
            "labels": {
              "instance": "a",
              "job": "node"
            },
            "mae": 1.5,
            "mae_last_value": 2.0,
            "metric": "cpuUsage",
            "model": "stack",
            "pinball": 0.5,
            "pinball_climatology": 1.0,
            "reasons": {
              "few_samples": 2
            },
            "scored": 7,
            "series": "192c5d4d1370edfe123eed9c5ce698de",
            "skill": 0.25,
            "unit": "percent",
            "unscorable": 2
          }
        ]
      }
    "#);
}

#[tokio::test]
async fn what_is_scored_and_what_is_not_add_up() {
    let document = quality(&told(2).await, "?metric=cpuUsage&sla=demo").await;
    let series = &document["series"][0];
    assert_eq!(
        (
            &series["forecasts"],
            &series["scored"],
            &series["unscorable"]
        ),
        (&json!(10), &json!(7), &json!(2))
    );
    assert_eq!(series["reasons"], json!({"few_samples": 2}));
    let objective = &document["objectives"][0];
    assert_eq!(objective["reliability"], Value::Null);
    assert_eq!(objective["reliability_reason"], "few_events");
}

#[tokio::test]
async fn filters_choose_series_objectives_and_time() {
    let database = told(5).await;
    let count = async |query: &str| {
        let document = quality(&database, query).await;
        let length = |list: &str| document[list].as_array().unwrap().len();
        (length("series"), length("objectives"))
    };
    assert_eq!(count("?metric=cpuTemp").await, (0, 0));
    assert_eq!(count("?sla=other").await, (1, 0));
    assert_eq!(count("?label.instance=b").await, (0, 1));
    assert_eq!(count("?from=2026-11-23T09:00:00Z").await, (0, 0));
    let one = quality(&database, "?as_of=2026-11-23T08:01:00Z").await;
    assert_eq!(one["series"][0]["forecasts"], 1);
}

#[tokio::test]
async fn before_the_first_run_there_is_nothing() {
    let database = TestDatabase::create().await;
    assert_eq!(
        quality(&database, "").await,
        json!({"series": [], "objectives": [], "next": null})
    );
}

#[test]
fn what_is_stored_twice_or_out_of_order_changes_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let told = {
        let mut told = documents(5);
        // The run was repeated: its own record alone differs.
        let Some(Document::Run(run)) = told.last() else {
            unreachable!()
        };
        let mut again = run.clone();
        again.run_id = "again".to_owned();
        told.push(Document::Run(again));
        told
    };
    let after = |order: &[usize], batch: usize| {
        runtime.block_on(async {
            database.clear().await;
            judged(&database).await;
            for batch in order.chunks(batch) {
                let batch = batch.iter().map(|place| told[*place].clone());
                store(&database, &batch.collect::<Vec<_>>()).await;
            }
            quality(&database, "").await
        })
    };
    let all: Vec<usize> = (0..told.len()).collect();
    let expected = after(&all, all.len());
    assert_eq!(expected["series"][0]["scored"], 7);
    let order = Just(all.clone()).prop_shuffle();
    let again = prop::collection::vec(0..all.len(), 0..20);
    let runner = Config {
        failure_persistence: None,
        ..Config::with_cases(24)
    };
    TestRunner::new(runner)
        .run(
            &(order, again, 1..=40_usize),
            |(mut order, again, batch)| {
                order.extend(again);
                prop_assert_eq!(&after(&order, batch), &expected);
                Ok(())
            },
        )
        .unwrap();
}

#[tokio::test]
async fn probabilities_of_budgets_are_told_with_what_they_were_worth() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let mut events = CountedEvents::by(&[]);
    events.objective.target = Some(0.99);
    let objectives = [AnyObjective::Events(events.objective.clone())];
    let first = time("2026-11-23T00:00:00Z");
    let made = store.put_sla("demo", &objectives, &Condition::Any, first);
    made.await.unwrap();
    let at = |minutes: u64| first + Duration::from_secs(60 * minutes);
    // All requests of the last half an hour are bad.
    let count = |minute: Minute| SliceCounts {
        end: minute.end(),
        sums: [if minute.end() > at(270) { 10.0 } else { 0.0 }, 10.0],
        measured: true,
        reach: None,
    };
    for as_of in (10..=300).step_by(10) {
        let documents = [
            events.document(&Labels::default(), at(as_of), count),
            events.record(at(as_of), 1),
        ];
        store.store_batch(&documents, &[]).await.unwrap();
    }
    let day = Duration::from_secs(86_400);
    let limits = Limits {
        every_run: 2 * day,
        everything: 30 * day,
        buckets: 40 * day,
        hours: 400 * day,
    };
    for now in [260, 300] {
        while !store.purge(at(now), limits, 1_000).await.unwrap().done {}
    }
    let found = quality(&database, "").await;
    let objectives = found["objectives"].as_array().unwrap();
    let told = |name: &str| {
        let mut objectives = objectives.iter();
        let told = objectives
            .find(|told| told["probability_of"] == name)
            .unwrap();
        [
            "sla",
            "metric",
            "forecasts",
            "scored",
            "events",
            "base_rate",
        ]
        .map(|field| told[field].clone())
    };
    let id = events.objective.id.to_string();
    let expected = |counts: [u64; 3], rate: f64| {
        let [forecasts, scored, events] = counts;
        let metric = format!("demo/{id}");
        [
            json!("demo"),
            json!(metric),
            json!(forecasts),
            json!(scored),
            json!(events),
            json!(rate),
        ]
    };
    // Each 10 minutes from 240 to 280 whether an alert fired, at 240 whether the budget was gone.
    assert_eq!(told("fires"), expected([5, 5, 1], 0.2));
    assert_eq!(told("exhausted_1h"), expected([1, 1, 0], 0.0));
    assert_eq!(objectives.len(), 2);
    let next = quality(&database, "?limit=1").await["next"].clone();
    let next = next.as_str().map(|next| format!("?limit=1&cursor={next}"));
    assert_eq!(next, None, "both lists fit one page");
    let none = quality(&database, "?sla=other").await;
    assert_eq!(none["objectives"], json!([]));
}
