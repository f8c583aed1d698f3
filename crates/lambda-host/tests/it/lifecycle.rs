//! Instances: how many there are, what ends them, and what that means for invocations.

use std::{collections::BTreeSet, process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    task::JoinSet,
};

use super::fixture::{Fixture, gone, program, runs};

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_invocations_is_answered_by_no_more_instances_than_allowed() {
    let fixture = Fixture::with(|function| function.max_instances = 3).await;
    let url = format!(
        "{}/2015-03-31/functions/function/invocations",
        fixture.host.url()
    );
    let mut calls = JoinSet::new();
    for number in 0..150 {
        let call = fixture
            .client
            .post(&url)
            .body(json!({"number": number}).to_string());
        calls.spawn(async move { call.send().await.unwrap().json::<Value>().await.unwrap() });
    }
    let answers = calls.join_all().await;
    let numbers: BTreeSet<u64> = answers
        .iter()
        .filter_map(|answer| answer["event"]["number"].as_u64())
        .collect();
    assert_eq!(numbers, (0..150).collect());
    let pids: BTreeSet<u64> = answers
        .iter()
        .filter_map(|answer| answer["pid"].as_u64())
        .collect();
    assert!((1..=3).contains(&pids.len()), "{pids:?}");
    let status = fixture.status();
    assert_eq!(
        (status.invocations, status.errors, status.waiting),
        (150, 0, 0)
    );
    assert!(status.pids.len() <= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn invocations_side_by_side_have_an_instance_each() {
    let fixture = Fixture::with(|_| {}).await;
    let sleep = json!({"do": "sleep", "argument": 600_000});
    let sleeping = |_| fixture.post(Some("Event"), "function", sleep.to_string());
    for call in [0, 1, 2].map(sleeping) {
        call.await;
    }
    let status = fixture
        .until(|status| status.busy == 2 && status.waiting == 1)
        .await;
    assert_eq!((status.pids.len(), status.invocations), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_fails_its_own_invocation_only() {
    let fixture = Fixture::with(|function| function.max_instances = 1).await;
    let (crash, next) = tokio::join!(
        fixture.invoke(json!({"do": "exit"})),
        fixture.invoke(json!({"next": true}))
    );
    let error = crash.unwrap_err();
    assert_eq!(error["errorType"], "Runtime.ExitError");
    assert!(
        error["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("exit status: 3"),
        "{error}"
    );
    assert_eq!(next.unwrap()["event"]["next"], true);
    assert_eq!(fixture.status().errors, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_killed_is_replaced() {
    let fixture = Fixture::with(|_| {}).await;
    let first = fixture.invoke(json!({})).await.unwrap();
    let pid = u32::try_from(first["pid"].as_u64().unwrap()).unwrap();
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
    fixture.until(|status| !status.pids.contains(&pid)).await;
    let second = fixture.invoke(json!({})).await.unwrap();
    assert_ne!(second["pid"], first["pid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_over_its_timeout_is_killed_and_the_next_one_works() {
    let fixture = Fixture::with(|function| {
        function.max_instances = 1;
        function.timeout = Duration::from_millis(1500);
    })
    .await;
    let first = fixture.invoke(json!({})).await.unwrap();
    let pid = u32::try_from(first["pid"].as_u64().unwrap()).unwrap();
    let error = fixture
        .invoke(json!({"do": "sleep", "argument": 600_000}))
        .await
        .unwrap_err();
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    assert!(
        error["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("Task timed out after 1.50 seconds"),
        "{error}"
    );
    gone(pid).await;
    let next = fixture.invoke(json!({"after": 1})).await.unwrap();
    assert_eq!(next["event"]["after"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_leaves_no_process_and_answers_what_waits() {
    let fixture = Fixture::with(|_| {}).await;
    let child = fixture.invoke(json!({"do": "start_child"})).await.unwrap();
    let child = u32::try_from(child.as_u64().unwrap()).unwrap();
    let url = format!(
        "{}/2015-03-31/functions/function/invocations",
        fixture.host.url()
    );
    let mut calls = JoinSet::new();
    for _ in 0..4 {
        let call = fixture
            .client
            .post(&url)
            .body(json!({"do": "sleep", "argument": 600_000}).to_string());
        calls.spawn(async move { call.send().await.unwrap() });
    }
    let status = fixture
        .until(|status| status.busy == 2 && status.waiting == 2)
        .await;
    assert_eq!(status.pids.len(), 2);
    assert!(runs(child) && status.pids.iter().all(|pid| runs(*pid)));

    fixture.host.shutdown().await;
    for pid in &status.pids {
        assert!(!runs(*pid), "{pid}");
    }
    gone(child).await;
    let mut failed = Vec::new();
    while let Some(answer) = calls.join_next().await {
        let answer = answer.unwrap();
        failed.push((
            answer.status().as_u16(),
            answer.headers().contains_key("x-amz-function-error"),
        ));
    }
    failed.sort_unstable();
    assert_eq!(
        failed,
        [(200, true), (200, true), (503, false), (503, false)]
    );
    assert!(fixture.client.get(&url).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_dropped_kills_its_instances() {
    let fixture = Fixture::with(|_| {}).await;
    fixture.invoke(json!({})).await.unwrap();
    let pids = fixture.status().pids;
    assert!(runs(pids[0]));
    drop(fixture);
    gone(pids[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_end_by_themselves_when_their_host_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Command::new(program("test_host"))
        .arg(program("test_function"))
        .arg(folder.path().join("log"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines();
    let url = lines.next_line().await.unwrap().unwrap();
    let url = format!("{url}/2015-03-31/functions/function/invocations");
    let response = http_client::builder()
        .build()
        .unwrap()
        .post(url)
        .send()
        .await
        .unwrap();
    let answer: Value = response.json().await.unwrap();
    let pid = u32::try_from(answer["pid"].as_u64().unwrap()).unwrap();
    assert!(runs(pid));
    host.kill().await.unwrap();
    gone(pid).await;
}
