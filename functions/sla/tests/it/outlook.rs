use std::time::Duration;

use domain::{
    Timestamp,
    evaluation::{PredictedValues, RecentProbabilities},
    forecast::HORIZON,
};
use serde_json::{Value, json};
use store::{
    pipeline::Document,
    testing::{Documents, TestDatabase},
};

use crate::{
    check::store,
    service::{Service, Told, objectives, outlook, time},
};

const AS_OF: &str = "2026-11-23T08:45:00Z";

/// The answer about "cpuUsage at most 80" that was evaluated at `as_of`, as it is now or at `asked`.
async fn predicted(as_of: &str, asked: Option<&str>) -> Value {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    service
        .send(
            "POST",
            "/sla",
            None,
            json!({"name": "web", "objectives": [{"id": "cpu", "metric": "cpuUsage", "max": 80}]}),
        )
        .await;
    let objectives = objectives(&database, "web").await;
    let told = Told {
        sla: "web",
        version: 1,
        objective: &objectives[0],
        as_of,
    };
    let mut outlook = outlook(0.37);
    outlook.first_crossing = Some(as_of.parse().unwrap());
    outlook.predicted = Some(PredictedValues {
        min: 60.0,
        max: 85.5,
        average: 71.25,
    });
    store(&database, &[told.of("a", &[50.0; 9], outlook)]).await;
    let query = asked
        .map(|asked| format!("?as_of={asked}"))
        .unwrap_or_default();
    service.get(&format!("/predict_json{query}")).await
}

#[tokio::test]
async fn the_violations_to_come_are_told() {
    insta::assert_json_snapshot!(predicted(AS_OF, Some(AS_OF)).await, @r#"
      {
        "age_seconds": 0.0,
        "as_of": "2026-11-23T08:45:00Z",
        "complete": true,
        "horizon_seconds": 600.0,
        "objectives": [
          {
            "as_of": "2026-11-23T08:45:00Z",
            "crossing_share": 0.37,
            "ended": 0,
            "expected_seconds": 22.2,
            "expected_violations": 0.37,
            "firing": 0,
            "first_crossing": "2026-11-23T08:45:00Z",
            "for_seconds": 0.0,
            "labels": {
              "instance": "a",
              "job": "node"
            },
            "max": 80.0,
            "metric": "cpuUsage",
            "min": null,
            "no_data": 0,
            "objective": "cpu",
            "predicted": {
              "average": 71.25,
              "max": 85.5,
              "min": 60.0
            },
            "probability": 0.37,
            "probability_new": 0.185,
            "reason": null,
            "reliability": null,
            "reliability_reason": "not_scored_yet",
            "selector": {},
            "series": 1,
            "state": "ok"
          }
        ],
        "sla": "web",
        "stale": false,
        "version": 1
      }
    "#);
}

#[tokio::test]
async fn what_is_stale_predicts_nothing() {
    let document = predicted(AS_OF, None).await;
    assert_eq!(document["stale"], true);
    let entry = &document["objectives"][0];
    for field in [
        "probability",
        "probability_new",
        "expected_violations",
        "first_crossing",
        "predicted",
    ] {
        assert_eq!(entry[field], Value::Null, "{field}");
    }
    assert_eq!(entry["reason"], "stale");
    let now: Timestamp = chrono::Utc::now().into();
    let fresh = (now - Duration::from_secs(30))
        .floor_to_second()
        .to_string();
    let document = predicted(&fresh, None).await;
    assert_eq!(
        (
            &document["stale"],
            &document["objectives"][0]["probability"]
        ),
        (&json!(false), &json!(0.37))
    );
}

#[tokio::test]
async fn before_the_first_evaluation_there_is_no_probability() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    service
        .send("POST", "/sla", None, json!({"cpuUsage": {"max": 80}}))
        .await;
    let document = service.get("/predict_json").await;
    assert_eq!(
        (&document["as_of"], &document["horizon_seconds"]),
        (&Value::Null, &json!(600.0))
    );
    let entry = &document["objectives"][0];
    assert_eq!(
        (&entry["probability"], &entry["reason"]),
        (&Value::Null, &json!("not_evaluated_yet"))
    );
}

/// What came of the probability that `web` told so many minutes before `now`.
fn scored(now: Timestamp, minute: u64, happened: Option<bool>) -> Document {
    let about = Documents::about("cpuUsage", "a").under("web");
    let as_of = now - Duration::from_secs(60 * minute);
    let Document::Score(mut score) = about.score(as_of, as_of + HORIZON) else {
        unreachable!()
    };
    score.objectives[0].objective = "cpu".parse().unwrap();
    score.objectives[0].happened = happened;
    Document::Score(score)
}

#[tokio::test]
async fn what_probabilities_were_worth_is_read_once_for_all_who_ask_before_the_next_run() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let sla =
        json!({"name": "web", "objectives": [{"id": "cpu", "metric": "cpuUsage", "max": 80}]});
    service.send("POST", "/sla", None, sla).await;
    let now = Timestamp::from(chrono::Utc::now()).floor_to_second();
    let store = async |minutes: std::ops::Range<u64>| {
        let documents: Vec<_> = minutes.map(|k| scored(now, k, Some(true))).collect();
        database.store().store_batch(&documents, &[]).await.unwrap();
    };
    let events = async |uri: &str| {
        let document = service.get(uri).await;
        document["objectives"][0]["reliability"]["events"].clone()
    };
    store(20..26).await;
    assert_eq!(events("/predict_json").await, 6);
    store(30..40).await;
    assert_eq!(events("/predict_json").await, 6);
    // Whoever asks for a time is answered from what is stored.
    assert_eq!(events(&format!("/predict_json?as_of={now}")).await, 16);
}

#[tokio::test]
async fn a_probability_is_told_with_what_those_before_it_were_worth() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let sla =
        json!({"name": "web", "objectives": [{"id": "cpu", "metric": "cpuUsage", "max": 80}]});
    service.send("POST", "/sla", None, sla).await;
    let scored = |minute, happened| scored(time(AS_OF), minute, happened);
    let mut documents: Vec<_> = (10..20).map(|k| scored(k, Some(k < 15))).collect();
    // One nobody can tell of, one whose horizon was not over, one of the day before.
    documents.extend([
        scored(20, None),
        scored(9, Some(true)),
        scored(25 * 60 + 1, Some(true)),
    ]);
    database.store().store_batch(&documents, &[]).await.unwrap();
    let document = service.get(&format!("/predict_json?as_of={AS_OF}")).await;
    let entry = &document["objectives"][0];
    assert_eq!(
        entry["reliability"],
        json!({"said": 0.25, "happened": 0.5, "forecasts": 10, "independent": 2, "events": 5})
    );
    assert_eq!(entry["reliability_reason"], Value::Null);
}

#[tokio::test]
async fn the_base_rate_is_told_beside_what_the_model_says() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let sla =
        json!({"name": "web", "objectives": [{"id": "cpu", "metric": "cpuUsage", "max": 80}]});
    service.send("POST", "/sla", None, sla).await;
    let objectives = objectives(&database, "web").await;
    let told = Told {
        sla: "web",
        version: 1,
        objective: &objectives[0],
        as_of: AS_OF,
    };
    let mut outlook = outlook(0.37);
    let worse = RecentProbabilities {
        before: Some(time("2026-11-23T08:40:00Z")),
        forecasts: 50,
        events: 2,
        squares: 6.5,
        squares_base_rate: 2.0,
    };
    outlook.prefer_the_better(Some(0.0625), Some(worse));
    store(&database, &[told.of("a", &[50.0; 9], outlook)]).await;
    let document = service.get(&format!("/predict_json?as_of={AS_OF}")).await;
    let entry = &document["objectives"][0];
    for (field, expected) in [
        ("probability", json!(0.0625)),
        ("probability_new", json!(0.0625)),
        ("base_rate", json!(0.0625)),
        ("model_probability", json!(0.37)),
        ("crossing_share", json!(0.37)),
    ] {
        assert_eq!(entry[field], expected, "{field}");
    }
    assert_eq!(
        entry["recent_scores"],
        json!({"before": "2026-11-23T08:40:00Z", "forecasts": 50, "events": 2, "squares": 6.5, "squares_base_rate": 2.0})
    );
}

#[tokio::test]
async fn what_probabilities_were_worth_is_left_out_where_it_cannot_be_read_in_time() {
    let database = TestDatabase::create().await;
    let mut other = database.pool().acquire().await.unwrap();
    let service = Service::new(database.store().clone());
    let document = json!({"name": "web", "objectives": [{"metric": "m", "max": 1}]});
    assert_eq!(service.status("POST", "/sla", None, &document).await, 201);
    // Whoever reads the table waits.
    sqlx::raw_sql("LOCK TABLES objective_score WRITE")
        .execute(&mut *other)
        .await
        .unwrap();
    let body = service.get("/predict_json?sla=web").await;
    assert_eq!(body["objectives"][0]["reliability"], Value::Null);
    assert_eq!(body["objectives"][0]["reliability_reason"], "not_read");
    other.close().await.unwrap();
}
