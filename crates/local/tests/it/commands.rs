//! What else there is to a running `up`.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Output,
};

use nix::sys::signal::Signal;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    receiver::Receiver,
    system::{System, is_alive, until},
};

#[tokio::test]
async fn a_spike_breaks_an_objective_that_recovers_and_down_ends_everything() {
    let receiver = Receiver::start().await;
    let variables = [("ALERT_WEBHOOKS", receiver.webhooks.as_str())];
    let system = System::start_with(&["--every", "5s"], &variables).await;
    spike_and_recover(&system).await;
    until("the webhook knows both", async || {
        receiver.types("spiked") == ["alert.firing", "alert.resolved"]
    })
    .await;
    logs_are_shown(&system).await;
    let second = failed(system.tool(&["up"]).await);
    assert!(second.contains("runs on"), "{second}");
    assert!(second.contains(&system.base), "{second}");

    let mut pids = system.instances("retrieval").await;
    for name in ["mysql", "prometheus", "kafka"] {
        pids.push(system.server(name).await);
    }
    succeeded(system.tool(&["down"]).await);
    pids.retain(|pid| is_alive(*pid));
    assert_eq!(pids, Vec::<u32>::new(), "processes are left");
    let status = failed(system.tool(&["status"]).await);
    assert!(status.contains("nothing runs"), "{status}");
    system.ended().await;
}

async fn spike_and_recover(system: &System) {
    let objective = json!({
        "metric": "totProcesses", "labels": {"nodeName": "demo"}, "max": 400, "for": "15s",
    });
    let sla = json!({"name": "spiked", "objectives": [objective]});
    let (status, _, answer) = system.request(Method::POST, "/sla", &sla).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let state = async || {
        let check = system.get_json("/check_json?sla=spiked").await;
        check["objectives"][0]["state"].clone()
    };
    until("the objective is kept", async || state().await == "ok").await;
    succeeded(system.tool(&["spike", "totProcesses", "45s"]).await);
    until("the objective fires", async || state().await == "firing").await;
    until("it is kept again", async || state().await == "ok").await;
    let unknown = failed(system.tool(&["spike", "processes", "45s"]).await);
    assert!(unknown.contains("totProcesses"), "{unknown}");
}

async fn logs_are_shown(system: &System) {
    let all = succeeded(system.tool(&["logs"]).await);
    assert!(all.contains("etl | "), "{all}");
    let one = succeeded(system.tool(&["logs", "etl"]).await);
    assert!(!one.is_empty() && !one.contains("etl | "), "{one}");
    let none = failed(system.tool(&["logs", "elt", "--follow"]).await);
    assert!(none.contains("etl, "), "{none}");
}

/// A directory with an Alertmanager that ends at once, before all others of PATH.
fn path_with_a_broken_alertmanager(directory: &Path) -> String {
    let program = directory.join("prometheus-alertmanager");
    fs::write(&program, "#!/bin/sh\necho no templates >&2\nexit 1\n").unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", directory.display(), env::var("PATH").unwrap())
}

#[tokio::test]
async fn without_the_demo_and_an_alertmanager_there_is_no_sla_and_no_run() {
    let broken = tempfile::tempdir().unwrap();
    let path = path_with_a_broken_alertmanager(broken.path());
    let system = System::start_with(&["--no-demo", "--every", "1h"], &[("PATH", &path)]).await;
    assert_eq!(system.printed, [format!("ready {}", system.base)]);
    let servers = system.status().await["servers"].clone();
    let servers = servers.as_array().unwrap().iter();
    let servers: Vec<&str> = servers
        .filter_map(|server| server["name"].as_str())
        .collect();
    assert!(
        servers.len() >= 3 && !servers.contains(&"alertmanager"),
        "{servers:?}"
    );
    for (route, key) in [("/sla", "slas"), ("/runs", "runs"), ("/series", "series")] {
        let answer = system.get_json(route).await;
        assert_eq!(answer[key], json!([]), "{route}");
    }
    let functions = system.status().await["functions"].clone();
    let names = functions.as_array().unwrap().iter();
    let names: Vec<&Value> = names.map(|function| &function["name"]).collect();
    assert_eq!(names.len(), 5, "{functions}");
    let server = system.server("mysql").await;
    drop(system.stop(of_a_closed_terminal()).await);
    assert!(!is_alive(server));
}

/// Under `nohup` an `up` outlives its terminal, and so would one of this test.
fn of_a_closed_terminal() -> Signal {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    match mask.unwrap_or(0) & 1 {
        0 => Signal::SIGHUP,
        _ => Signal::SIGTERM,
    }
}

fn succeeded(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn failed(output: Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}
