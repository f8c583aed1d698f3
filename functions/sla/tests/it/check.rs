use std::time::Duration;

use domain::{Timestamp, sla::Objective};
use serde_json::{Value, json};
use store::testing::{TestDatabase, recorded};

use crate::service::{Service, Told, json as body, objectives, outlook};

pub(crate) const AS_OF: &str = "2026-11-23T08:45:00Z";

/// A database with the SLA `web`: "cpuUsage at most 80 for a minute" and "memory at least 10".
pub(crate) async fn web() -> (TestDatabase, Service, Vec<Objective>) {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let document = json!({"name": "web", "objectives": [
        {"id": "cpu", "metric": "cpuUsage", "labels": {"job": "node"}, "max": 80, "for": "1m"},
        {"id": "memory", "metric": "memory", "min": 10}
    ]});
    assert_eq!(service.status("POST", "/sla", None, document).await, 201);
    let objectives = objectives(&database, "web").await;
    (database, service, objectives)
}

pub(crate) fn told<'a>(objective: &'a Objective, as_of: &'a str) -> Told<'a> {
    Told {
        sla: "web",
        version: 1,
        objective,
        as_of,
    }
}

/// In range, above it for two minutes, in range again.
pub(crate) fn excursion() -> Vec<f64> {
    [vec![50.0; 20], vec![90.5; 8], vec![50.0; 20]].concat()
}

/// Stores documents with the records of the runs that published them, so that each evaluation is complete.
pub(crate) async fn store(database: &TestDatabase, documents: &[store::pipeline::Document]) {
    let batch = recorded(documents.iter().cloned());
    database.store().store_batch(&batch, &[]).await.unwrap();
}

#[tokio::test]
async fn what_was_evaluated_is_told() {
    let (database, service, objectives) = web().await;
    let cpu = told(&objectives[0], AS_OF).of("a", &excursion(), outlook(0.2));
    store(&database, &[cpu, told(&objectives[1], AS_OF).of_nothing()]).await;
    let document = service
        .get(&format!("/check_json?sla=web&as_of={AS_OF}"))
        .await;
    insta::assert_json_snapshot!(document, @r#"
      {
        "age_seconds": 0.0,
        "as_of": "2026-11-23T08:45:00Z",
        "complete": true,
        "objectives": [
          {
            "as_of": "2026-11-23T08:45:00Z",
            "ended": 0,
            "episodes": [
              {
                "end": "2026-11-23T08:40:15Z",
                "excluded_seconds": 0.0,
                "ongoing": false,
                "seconds": 120.0,
                "side": "above",
                "start": "2026-11-23T08:38:15Z",
                "start_known": true,
                "worst": 90.5
              }
            ],
            "episodes_total": 1,
            "firing": 0,
            "for_seconds": 60.0,
            "in_exclusion": false,
            "kind": "range",
            "labels": {
              "instance": "a",
              "job": "node"
            },
            "max": 80.0,
            "metric": "cpuUsage",
            "min": null,
            "no_data": 0,
            "objective": "cpu",
            "reason": null,
            "selector": {
              "job": "node"
            },
            "series": 1,
            "series_id": "192c5d4d1370edfe123eed9c5ce698de",
            "silent_since": null,
            "state": "ok",
            "unit": null,
            "windows": {
              "12h": {
                "coverage": 1.0,
                "excluded_seconds": 0.0,
                "observed_samples": 48,
                "out_of_range_samples": 8,
                "seconds": 120.0,
                "violations": 1
              },
              "1h": {
                "coverage": 1.0,
                "excluded_seconds": 0.0,
                "observed_samples": 48,
                "out_of_range_samples": 8,
                "seconds": 120.0,
                "violations": 1
              },
              "3h": {
                "coverage": 1.0,
                "excluded_seconds": 0.0,
                "observed_samples": 48,
                "out_of_range_samples": 8,
                "seconds": 120.0,
                "violations": 1
              }
            }
          },
          {
            "as_of": "2026-11-23T08:45:00Z",
            "ended": 0,
            "episodes": [],
            "episodes_total": 0,
            "firing": 0,
            "for_seconds": 0.0,
            "in_exclusion": false,
            "kind": "range",
            "labels": {},
            "max": null,
            "metric": "memory",
            "min": 10.0,
            "no_data": 0,
            "objective": "memory",
            "reason": "no_series",
            "selector": {},
            "series": 0,
            "series_id": null,
            "silent_since": null,
            "state": "no_data",
            "unit": null,
            "windows": null
          }
        ],
        "sla": "web",
        "stale": false,
        "state": "no_data",
        "version": 1
      }
    "#);
}

#[tokio::test]
async fn before_the_first_evaluation_nothing_is_known() {
    let (_database, service, _) = web().await;
    let document = service.get("/check_json").await;
    assert_eq!(
        (&document["as_of"], &document["age_seconds"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&document["state"], &document["stale"]),
        (&json!("no_data"), &json!(false))
    );
    insta::assert_json_snapshot!(document["objectives"][1], @r#"
      {
        "as_of": null,
        "ended": 0,
        "episodes": [],
        "episodes_total": 0,
        "firing": 0,
        "for_seconds": 0.0,
        "in_exclusion": false,
        "kind": "range",
        "labels": {},
        "max": null,
        "metric": "memory",
        "min": 10.0,
        "no_data": 0,
        "objective": "memory",
        "reason": "not_evaluated_yet",
        "selector": {},
        "series": 0,
        "series_id": null,
        "silent_since": null,
        "state": "no_data",
        "unit": null,
        "windows": null
      }
    "#);
}

#[tokio::test]
async fn the_state_is_the_worst_of_all() {
    let (database, service, objectives) = web().await;
    let at = async |as_of: &str| {
        service.get(&format!("/check_json?as_of={as_of}")).await["state"].take()
    };
    let firing = vec![90.0; 20];
    let pending = [vec![50.0; 20], vec![90.0; 2]].concat();
    for (minute, cpu, memory, state) in [
        ("00", vec![50.0; 9], Some(vec![20.0; 9]), "ok"),
        ("01", pending.clone(), Some(vec![20.0; 9]), "pending"),
        ("02", pending, None, "no_data"),
        ("03", firing, None, "firing"),
    ] {
        let as_of = format!("2026-11-23T08:{minute}:00Z");
        let memory = match memory {
            Some(values) => told(&objectives[1], &as_of).of("a", &values, outlook(0.1)),
            None => told(&objectives[1], &as_of).of_nothing(),
        };
        store(
            &database,
            &[
                told(&objectives[0], &as_of).of("a", &cpu, outlook(0.1)),
                memory,
            ],
        )
        .await;
        assert_eq!(at(&as_of).await, state);
    }
}

#[tokio::test]
async fn an_old_evaluation_is_stale_unless_its_time_is_asked_for() {
    let (database, service, objectives) = web().await;
    store(
        &database,
        &[told(&objectives[0], AS_OF).of("a", &[50.0], outlook(0.1))],
    )
    .await;
    // The schedule's interval is 30 s.
    let now: Timestamp = chrono::Utc::now().into();
    for (age, stale) in [(60, false), (120, true)] {
        let as_of = (now - Duration::from_secs(age))
            .floor_to_second()
            .to_string();
        let (database, service, objectives) = web().await;
        store(
            &database,
            &[told(&objectives[0], &as_of).of("a", &[50.0], outlook(0.1))],
        )
        .await;
        let document = service.get("/check_json").await;
        assert_eq!(document["stale"], stale, "{age}");
        assert_eq!(
            document["state"],
            if stale { "stale" } else { "no_data" },
            "{age}"
        );
        assert!(document["age_seconds"].as_f64().unwrap() >= age as f64);
    }
    let document = service.get(&format!("/check_json?as_of={AS_OF}")).await;
    assert_eq!(
        (&document["stale"], &document["age_seconds"]),
        (&json!(false), &json!(0.0))
    );
}

#[tokio::test]
async fn an_objective_that_is_not_judged_any_more_does_not_stand_as_it_did() {
    let (database, service, objectives) = web().await;
    let now: Timestamp = chrono::Utc::now().into();
    let ago = |seconds| (now - Duration::from_secs(seconds)).floor_to_second();
    let (long_ago, lately) = (ago(600).to_string(), ago(30).to_string());
    for as_of in [&long_ago, &lately] {
        let mut documents = vec![told(&objectives[0], as_of).of("a", &[50.0], outlook(0.1))];
        if *as_of == long_ago {
            documents.push(told(&objectives[1], as_of).of("a", &[50.0], outlook(0.1)));
        }
        store(&database, &documents).await;
    }
    let document = service.get("/check_json").await;
    assert_eq!(
        (&document["as_of"], &document["state"]),
        (&json!(lately), &json!("no_data"))
    );
    let entries: Vec<_> = document["objectives"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| [&entry["as_of"], &entry["state"], &entry["reason"]])
        .collect();
    assert_eq!(
        entries,
        [
            [&json!(lately), &json!("ok"), &Value::Null],
            [&json!(long_ago), &json!("no_data"), &json!("stale")],
        ]
    );
}

#[tokio::test]
async fn the_sla_that_is_not_named_is_the_default_one_or_the_only_one() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let detail = async |uri: &str| {
        let reply = service.send("GET", uri, None, "").await;
        assert_eq!(reply.status(), 404, "{uri}");
        body(&reply)["detail"].as_str().unwrap().to_owned()
    };
    let create = async |name: &str| {
        let document = json!({"name": name, "objectives": [{"metric": "m", "max": 1}]});
        assert_eq!(service.status("POST", "/sla", None, document).await, 201);
    };
    assert!(detail("/check_json").await.contains("POST /sla"));
    create("web").await;
    assert_eq!(service.get("/check_json").await["sla"], "web");
    create("api").await;
    assert!(detail("/check_json").await.contains("api, web"));
    assert!(
        detail("/predict_json?sla=nobody")
            .await
            .contains("api, web")
    );
    create("default").await;
    assert_eq!(service.get("/check_json").await["sla"], "default");
    assert_eq!(service.get("/predict_json").await["sla"], "default");
}
