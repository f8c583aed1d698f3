//! What breaks, and what is lost: nothing.

use std::time::Duration;

use nix::sys::signal::Signal;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::system::{System, send, until};

async fn run(system: &System, body: Value) -> (StatusCode, Option<String>, Value) {
    system.request(Method::POST, "/ETL", &body).await
}

#[tokio::test]
async fn while_the_database_is_away_runs_go_on_and_nothing_is_lost() {
    let system = System::start(&["--every", "1h"]).await;
    let database = system.server("mysql").await;
    // The instance that reads the objectives here has the next run too.
    let (status, _, answer) = run(&system, json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    // A connection that was used a moment ago is not asked whether it lives.
    system.get_json("/metrics?limit=1").await;
    send(database, Signal::SIGSTOP);
    let asked = system.request(Method::GET, "/metrics?limit=1", &Value::Null);
    let (status, retry, problem) = asked.await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert!(retry.is_some());
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (status, _, answer) = run(&system, json!({})).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        let reasons = answer["failures"].to_string();
        assert!(
            reasons.contains("the objectives read last are used"),
            "{reasons}"
        );
        runs.push(answer);
        sleep(Duration::from_secs(1)).await;
    }
    for route in ["/metrics", "/check_json?sla=demo", "/runs"] {
        let (status, retry, problem) = system.request(Method::GET, route, &Value::Null).await;
        assert_eq!(
            status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{route}: {problem}"
        );
        assert!(retry.is_some(), "{route} has no Retry-After");
    }
    sleep(Duration::from_secs(10)).await;
    send(database, Signal::SIGCONT);
    for answer in runs {
        system.stored(answer["run_id"].as_str().unwrap()).await;
        let as_of = answer["as_of"].as_str().unwrap();
        let (path, rows) = (
            format!("/metrics?limit=1000&as_of={as_of}"),
            3 * answer["series"].as_u64().unwrap(),
        );
        until("all rows of the run are there", async || {
            system.get_json(&path).await["metrics"]
                .as_array()
                .unwrap()
                .len() as u64
                == rows
        })
        .await;
    }
    let check = system.get_json("/check_json?sla=demo").await;
    assert_ne!(check["as_of"], Value::Null);
    drop(system.stop(Signal::SIGINT).await);
}

#[tokio::test]
async fn a_run_without_kafka_is_refused_and_the_next_one_succeeds() {
    let system = System::start(&["--every", "1h"]).await;
    let broker = system.server("kafka").await;
    send(broker, Signal::SIGSTOP);
    let (status, retry, problem) = run(&system, json!({})).await;
    send(broker, Signal::SIGCONT);
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert!(retry.is_some());
    until("a run succeeds", async || {
        run(&system, json!({})).await.0 == StatusCode::ACCEPTED
    })
    .await;
    drop(system.stop(Signal::SIGINT).await);
}

#[tokio::test]
async fn a_run_without_prometheus_is_refused_and_kept_with_its_failure() {
    let system = System::start(&["--every", "1h"]).await;
    let prometheus = system.server("prometheus").await;
    // One that is silent, then one that is gone.
    for away in [Signal::SIGSTOP, Signal::SIGKILL] {
        send(prometheus, away);
        let (status, retry, problem) = run(&system, json!({})).await;
        if away == Signal::SIGSTOP {
            send(prometheus, Signal::SIGCONT);
        }
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{away}: {problem}");
        assert!(retry.is_some());
        until("the failed run is stored", async || {
            let runs = system.get_json("/runs?limit=1").await;
            let failures = runs["runs"][0]["failures"].as_array().unwrap().clone();
            failures.len() >= 5
                && failures.iter().all(|failure| {
                    let reason = failure["reason"].as_str().unwrap_or_default();
                    reason.contains("Prometheus cannot be reached")
                })
        })
        .await;
        if away == Signal::SIGSTOP {
            until("a run succeeds again", async || {
                run(&system, json!({})).await.0 == StatusCode::ACCEPTED
            })
            .await;
        }
    }
    drop(system.stop(Signal::SIGINT).await);
}

#[tokio::test]
async fn a_function_killed_in_the_middle_of_its_work_loses_nothing_and_doubles_nothing() {
    let system = System::start(&["--every", "1h"]).await;
    let before = system.counts(&["dead_letter"]).await;
    let mut runs = Vec::new();
    let newest = system.get_json("/runs?limit=1").await["runs"][0]["as_of"]
        .as_str()
        .unwrap()
        .to_owned();
    let newest: chrono::DateTime<chrono::Utc> = newest.parse().unwrap();
    for seconds in 1..=20 {
        let as_of = newest - chrono::TimeDelta::seconds(seconds);
        let (status, _, answer) = run(&system, json!({"as_of": as_of})).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        runs.push(answer);
        for instance in system.instances("storage").await {
            // It may have ended between the question and the signal.
            let _ = nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(instance as i32),
                Signal::SIGKILL,
            );
        }
    }
    for answer in runs {
        system.stored(answer["run_id"].as_str().unwrap()).await;
        let as_of = answer["as_of"].as_str().unwrap();
        let series = answer["series"].as_u64().unwrap();
        for (route, key, rows) in [
            ("/metrics", "metrics", 3),
            ("/metadata", "metadata", 1),
            ("/predict", "predictions", 1),
        ] {
            let path = format!("{route}?limit=1000&as_of={as_of}");
            until("all rows of the run are there", async || {
                system.get_json(&path).await[key].as_array().unwrap().len() as u64 == rows * series
            })
            .await;
        }
    }
    assert_eq!(system.counts(&["dead_letter"]).await, before);
    drop(system.stop(Signal::SIGINT).await);
}
