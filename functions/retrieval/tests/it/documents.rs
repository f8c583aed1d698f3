use serde_json::Value;
use store::testing::{Documents, TestDatabase};

use crate::service::{Service, filled, time};

const AS_OF: &str = "2026-11-23T08:45:00Z";

async fn one_series() -> (TestDatabase, Service) {
    let database = filled(&[("cpuUsage", "demo")], &[AS_OF]).await;
    let service = Service::new(database.store().clone());
    (database, service)
}

#[tokio::test]
async fn series_are_told_with_their_unit_and_life() {
    let (_database, service) = one_series().await;
    insta::assert_json_snapshot!(service.get("/series").await, @r#"
      {
        "next": null,
        "series": [
          {
            "first_seen": "2026-11-22T21:45:00Z",
            "id": "a728e4fa22bec20ef4202f56513e1bab",
            "labels": {
              "instance": "demo",
              "job": "node"
            },
            "last_seen": "2026-11-23T08:44:58.500Z",
            "metric": "cpuUsage",
            "unit": "percent"
          }
        ]
      }
    "#);
}

#[tokio::test]
async fn metrics_are_told_window_by_window() {
    let (_database, service) = one_series().await;
    let page = service.get("/metrics").await;
    assert_eq!(page["metrics"].as_array().unwrap().len(), 3);
    insta::assert_json_snapshot!(service.get("/metrics?window=3h").await, @r#"
      {
        "metrics": [
          {
            "as_of": "2026-11-23T08:45:00Z",
            "average": 37.123456789012344,
            "coverage": 0.95,
            "end": "2026-11-23T08:45:00Z",
            "labels": {
              "instance": "demo",
              "job": "node"
            },
            "max": 99.30000000000001,
            "metric": "cpuUsage",
            "min": 1.1,
            "samples": 480,
            "series": "a728e4fa22bec20ef4202f56513e1bab",
            "start": "2026-11-23T05:45:00Z",
            "std": 0.3333333333333333,
            "window": "3h"
          }
        ],
        "next": null
      }
    "#);
}

#[tokio::test]
async fn metadata_are_told_without_their_long_arrays() {
    let (_database, service) = one_series().await;
    insta::assert_json_snapshot!(service.get("/metadata").await, @r#"
      {
        "metadata": [
          {
            "as_of": "2026-11-23T08:45:00Z",
            "autocorrelation": {
              "lag_one": 0.97,
              "ljung_box": {
                "lags": 39,
                "p": 0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001,
                "q": 1234.5
              },
              "memory_lags": 12,
              "nlags": 39
            },
            "coverage": 1.0,
            "labels": {
              "instance": "demo",
              "job": "node"
            },
            "metric": "cpuUsage",
            "samples_used": 2880,
            "seasonality": {
              "period_seconds": 3600.0,
              "score": 0.6,
              "season_strength": 0.7,
              "slope_per_hour": -0.01,
              "trend_strength": 0.2
            },
            "series": "a728e4fa22bec20ef4202f56513e1bab",
            "stationarity": {
              "adf": {
                "lags": 3,
                "nobs": 2876,
                "pvalue": 0.0000022,
                "statistic": -5.5
              },
              "kpss": {
                "clipped": true,
                "lags": 30,
                "pvalue": 0.1,
                "statistic": 0.2
              },
              "verdict": "stationary"
            },
            "step_seconds": 15.0,
            "unit": "percent"
          }
        ],
        "next": null
      }
    "#);
}

#[tokio::test]
async fn a_prediction_is_told_with_its_path() {
    let (_database, service) = one_series().await;
    let mut page = service.get("/predict").await;
    let path = page["predictions"][0]["path"].as_array_mut().unwrap();
    assert_eq!(path.len(), 10);
    path.truncate(1);
    insta::assert_json_snapshot!(page, @r#"
      {
        "next": null,
        "predictions": [
          {
            "as_of": "2026-11-23T08:45:00Z",
            "average": 37.1,
            "horizon_seconds": 600.0,
            "intervals": {
              "average": {
                "lower": 35.6,
                "upper": 38.6
              },
              "max": {
                "lower": 43.25,
                "upper": 46.25
              },
              "min": {
                "lower": 28.75,
                "upper": 31.75
              }
            },
            "labels": {
              "instance": "demo",
              "job": "node"
            },
            "max": 44.75,
            "metric": "cpuUsage",
            "min": 30.25,
            "model": {
              "name": "stack",
              "period_seconds": 3600.0,
              "weights": {
                "last": 1.0
              },
              "why": "the best of the last origins"
            },
            "path": [
              {
                "lower": 35.0,
                "lower_80": 36.0,
                "mean": 37.0,
                "median": 37.1,
                "time": "2026-11-23T08:46:00Z",
                "upper": 39.0,
                "upper_80": 38.5
              }
            ],
            "reason": null,
            "recent_scores": null,
            "series": "a728e4fa22bec20ef4202f56513e1bab",
            "step_seconds": 60.0,
            "told": {
              "bands": "paths",
              "point": "model"
            },
            "unit": "percent"
          }
        ]
      }
    "#);
}

#[tokio::test]
async fn the_long_arrays_are_told_only_in_full() {
    let (_database, service) = one_series().await;
    let metadata = service.get("/metadata?full=true").await["metadata"][0].take();
    for array in ["values", "lower", "upper"] {
        assert_eq!(
            metadata["autocorrelation"][array].as_array().unwrap().len(),
            40,
            "{array}"
        );
    }
    assert_eq!(
        metadata["seasonality"]["pattern"].as_array().unwrap().len(),
        40
    );
    let prediction = service.get("/predict?full=true").await["predictions"][0].take();
    assert_eq!(prediction["path_extremes"].as_array().unwrap().len(), 100);
    let short = service.get("/predict?full=false").await["predictions"][0].take();
    assert_eq!(short.get("path_extremes"), None);
}

#[tokio::test]
async fn a_forecast_that_cannot_be_made_is_nulls_and_the_reason() {
    let database = TestDatabase::create().await;
    let store::pipeline::Document::Prediction(mut document) =
        Documents::about("cpuUsage", "demo").prediction(time(AS_OF))
    else {
        panic!("not a prediction");
    };
    document.forecast = domain::Finding::Unknown {
        error: "too_short".to_owned(),
    };
    let document = store::pipeline::Document::Prediction(document);
    database
        .store()
        .store_batch(&[document], &[])
        .await
        .unwrap();
    let service = Service::new(database.store().clone());
    insta::assert_json_snapshot!(service.get("/predict?full=true").await["predictions"][0], @r#"
      {
        "as_of": "2026-11-23T08:45:00Z",
        "average": null,
        "horizon_seconds": 600.0,
        "intervals": null,
        "labels": {
          "instance": "demo",
          "job": "node"
        },
        "max": null,
        "metric": "cpuUsage",
        "min": null,
        "model": null,
        "path": null,
        "reason": "too_short",
        "recent_scores": null,
        "series": "a728e4fa22bec20ef4202f56513e1bab",
        "step_seconds": 60.0,
        "told": null,
        "unit": "percent"
      }
    "#);
}

#[tokio::test]
async fn runs_are_told_newest_start_first() {
    let database = filled(
        &[],
        &[AS_OF, "2026-11-23T08:45:30Z", "2026-11-23T08:44:30Z"],
    )
    .await;
    let service = Service::new(database.store().clone());
    let runs = service.get("/runs").await;
    let order: Vec<&Value> = runs["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["as_of"])
        .collect();
    assert_eq!(
        order,
        ["2026-11-23T08:45:30Z", AS_OF, "2026-11-23T08:44:30Z"]
    );
    insta::assert_json_snapshot!(runs["runs"][0], @r#"
      {
        "as_of": "2026-11-23T08:45:30Z",
        "bytes": 12345,
        "failures": [],
        "messages": 4,
        "run_id": "run-1795423530000",
        "samples": 2880,
        "series": 1,
        "stages": [
          {
            "milliseconds": 81.25,
            "stage": "total"
          }
        ],
        "started_at": "2026-11-23T08:45:35.003Z",
        "trigger": "schedule"
      }
    "#);
}

#[tokio::test]
async fn health_says_how_the_runs_go() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    insta::assert_json_snapshot!(service.get("/health").await, @r#"
      {
        "age_seconds": null,
        "database": "ok",
        "newest_good_run": null,
        "newest_run": null,
        "reasons": [
          "no run for 3 intervals"
        ],
        "stale": true,
        "status": "failing",
        "storage_lag_seconds": null,
        "version": "0.2.0"
      }
    "#);
    let now: domain::Timestamp = chrono::Utc::now().into();
    let newest = now.floor_to_second();
    crate::service::store_run(&database, &[("cpuUsage", "demo")], AS_OF).await;
    crate::service::store_run(&database, &[], &newest.to_string()).await;
    let health = service.get("/health").await;
    assert_eq!(health["status"], "ok", "{health}");
    assert_eq!(health["newest_run"], newest.to_string());
    assert_eq!(health["newest_good_run"], newest.to_string());
    assert_eq!(health["storage_lag_seconds"], 0.0);
    assert!(health["age_seconds"].as_f64().unwrap() < 60.0);
    // Three more runs, in none of which one metric was read.
    let failed = (1..=3).map(|k| {
        let as_of = newest + std::time::Duration::from_secs(k);
        let store::pipeline::Document::Run(mut run) =
            Documents::about("cpuUsage", "demo").run(as_of)
        else {
            unreachable!()
        };
        run.failures = vec![domain::message::Failure {
            stage: "fetch".to_owned(),
            metric: Some("cpuTemp".to_owned()),
            series: None,
            reason: "timeout".to_owned(),
            detail: None,
        }];
        store::pipeline::Document::Run(run)
    });
    let failed: Vec<_> = failed.collect();
    database.store().store_batch(&failed, &[]).await.unwrap();
    let health = service.get("/health").await;
    assert_eq!(health["status"], "degrading", "{health}");
    assert_eq!(health["newest_good_run"], newest.to_string());
    assert_eq!(
        health["reasons"],
        serde_json::json!(["`cpuTemp` failed in each of the last 3 runs"])
    );
}

#[tokio::test]
async fn a_metric_that_never_had_a_series_has_not_failed() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let now: domain::Timestamp = chrono::Utc::now().into();
    let newest = now.floor_to_second();
    // The machine has no sensor.
    let runs = (0..3).map(|k| {
        let as_of = newest - std::time::Duration::from_secs(k);
        let store::pipeline::Document::Run(mut run) =
            Documents::about("cpuUsage", "demo").run(as_of)
        else {
            unreachable!()
        };
        let nothing = domain::message::Failure::new("fetch", "no series");
        run.failures = vec![nothing.of_metric("cpuTemp")];
        store::pipeline::Document::Run(run)
    });
    let runs: Vec<_> = runs.collect();
    database.store().store_batch(&runs, &[]).await.unwrap();
    let health = service.get("/health").await;
    assert_eq!(health["status"], "ok", "{health}");
    assert_eq!(health["newest_good_run"], newest.to_string());
    // It had one.
    let sensor = Documents::about("cpuTemp", "demo").metrics(time(AS_OF));
    database.store().store_batch(&[sensor], &[]).await.unwrap();
    let health = service.get("/health").await;
    assert_eq!(health["status"], "degrading", "{health}");
    assert_eq!(health["newest_good_run"], serde_json::Value::Null);
    assert_eq!(
        health["reasons"][1],
        "`cpuTemp` failed in each of the last 3 runs"
    );
}

#[tokio::test]
async fn the_routes_are_told_with_a_command_for_each() {
    let (_database, service) = one_series().await;
    let root = service.get("/").await;
    assert_eq!(
        root["routes"].as_array().unwrap().len(),
        http_api::openapi::routes().unwrap().len()
    );
    assert_eq!(
        root["routes"][2]["curl"],
        "curl 'http://127.0.0.1:9000/metrics?metric=cpuUsage&window=1h'"
    );
}

#[tokio::test]
async fn the_version_is_that_of_the_program_and_of_the_schema() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let version = service.get("/version").await;
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["schema"], store::schema::BUILT_FOR);
}
