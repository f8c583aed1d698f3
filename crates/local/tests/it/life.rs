//! From the first line of `up` to Ctrl-C.

use nix::sys::signal::Signal;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::system::{System, is_alive};

#[tokio::test]
async fn a_new_user_sees_a_table_asks_every_route_and_leaves_nothing_behind() {
    let system = System::start(&["--every", "1h"]).await;
    let table = system.printed.join("\n");
    for metric in [
        "availableMem",
        "cpuUsage",
        "cpuTemp",
        "totProcesses",
        "networkThroughput",
    ] {
        assert!(table.contains(metric), "{metric} is missing:\n{table}");
    }
    every_route_answers(&system).await;
    windows_nest(&system).await;
    a_run_told_twice_is_stored_once(&system).await;
    an_sla_is_stated_tried_excluded_and_retired(&system).await;
    only_the_poison_becomes_a_dead_letter(&system).await;
    bad_requests_are_told_what_is_wrong(&system).await;

    let system = system.restart(&["--every", "1h"]).await;
    let mut pids = system.instances("retrieval").await;
    for name in ["prometheus", "kafka", "node"] {
        pids.push(system.server(name).await);
    }
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    let held = system.stop(Signal::SIGTERM).await;
    let left: Vec<_> = pids.into_iter().filter(|pid| is_alive(*pid)).collect();
    assert_eq!(left, Vec::<u32>::new(), "processes are left");
    drop(held);
}

async fn every_route_answers(system: &System) {
    for (route, key) in [
        ("/", "routes"),
        ("/series", "series"),
        ("/metrics", "metrics"),
        ("/metadata", "metadata"),
        ("/predict", "predictions"),
        ("/runs", "runs"),
        ("/sla", "slas"),
        ("/sla/demo", "objectives"),
        ("/check_json", "objectives"),
        ("/predict_json", "objectives"),
    ] {
        let answer = system.get_json(route).await;
        let list = answer[key]
            .as_array()
            .unwrap_or_else(|| panic!("{route} has no {key}: {answer}"));
        assert!(!list.is_empty(), "{route} has an empty {key}");
    }
    assert_eq!(system.get_json("/health").await["stale"], false);
    assert_eq!(
        system.get_json("/openapi.json").await["openapi"]
            .as_str()
            .unwrap()[..3],
        *"3.1"
    );
    assert_eq!(system.get("/nowhere").await.0, StatusCode::NOT_FOUND);
    every_ready_command_works(system).await;
    let (status, _, problem) = system.request(Method::PATCH, "/metrics", &json!({})).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{problem}");
}

/// `GET /` shows commands that work when they are pasted: those that only read and name no SLA of one's own.
async fn every_ready_command_works(system: &System) {
    let root = system.get_json("/").await;
    let mut tried = 0;
    for route in root["routes"].as_array().unwrap() {
        let path = route["path"].as_str().unwrap();
        if route["method"] != "GET" || path.contains('{') {
            continue;
        }
        let command = route["curl"]
            .as_str()
            .unwrap()
            .replace("sla=web", "sla=demo");
        shell(&command).await;
        tried += 1;
    }
    assert!(tried >= 9, "{tried}");
}

/// Runs a `curl` command, which has to be answered.
async fn shell(command: &str) {
    let output = Command::new("sh")
        .args(["-c", &format!("{command} --silent --show-error --fail")])
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    assert!(!output.stdout.is_empty(), "{command}");
}

/// For the demo node every window is full, and a longer window holds no less than a shorter one.
async fn windows_nest(system: &System) {
    let answer = system
        .get_json("/metrics?metric=cpuUsage&label.nodeName=demo")
        .await;
    let rows = answer["metrics"].as_array().unwrap();
    let number = |row: &Value, field: &str| row[field].as_f64().unwrap();
    assert_eq!(
        rows.iter()
            .map(|row| row["window"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["1h", "3h", "12h"]
    );
    for row in rows {
        assert!(number(row, "coverage") > 0.95, "{row}");
        assert!(
            number(row, "min") < number(row, "average")
                && number(row, "average") < number(row, "max"),
            "{row}"
        );
    }
    for pair in rows.windows(2) {
        assert!(number(&pair[0], "samples") < number(&pair[1], "samples"));
        assert!(number(&pair[0], "max") <= number(&pair[1], "max"));
        assert!(number(&pair[0], "min") >= number(&pair[1], "min"));
    }
    let answer = system.get_json("/check_json?sla=demo").await;
    for objective in answer["objectives"].as_array().unwrap() {
        let count = |window: &str| objective["windows"][window]["violations"].as_u64();
        assert!(
            count("1h") <= count("3h") && count("3h") <= count("12h"),
            "{objective}"
        );
    }
}

async fn a_run_told_twice_is_stored_once(system: &System) {
    const TABLES: [&str; 7] = [
        "series",
        "metrics",
        "metadata",
        "prediction",
        "violation",
        "episode",
        "gap",
    ];
    let newest = system.get_json("/runs?limit=1").await["runs"][0]["as_of"]
        .as_str()
        .unwrap()
        .to_owned();
    let predict = format!("/predict?full=true&as_of={newest}");
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (status, _, answer) = system
            .request(Method::POST, "/ETL", &json!({"as_of": newest}))
            .await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        system.stored(answer["run_id"].as_str().unwrap()).await;
        seen.push((system.counts(&TABLES).await, system.get(&predict).await));
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].1.1.contains("path_extremes"));
}

/// The way of an SLA from its statement to its end, on what really came: each answer agrees with the others.
async fn an_sla_is_stated_tried_excluded_and_retired(system: &System) {
    let objective = json!({
        "id": "cpu", "metric": "cpuUsage", "labels": {"nodeName": "demo"}, "max": 40,
        "target": 0.9, "budget_window": "1d"
    });
    let trial = json!({"objectives": [objective]});
    let (status, _, tried) = system.request(Method::POST, "/sla/try", &trial).await;
    assert_eq!(status, StatusCode::OK, "{tried}");
    // Without a replay nothing is judged but what the run looks at.
    let document = json!({"name": "web", "objectives": [objective], "replay": false});
    let (status, _, created) = system.request(Method::POST, "/sla", &document).await;
    assert_eq!(status, StatusCode::CREATED, "{created}");
    assert_eq!(created["objectives"][0]["matches"], 1);
    let run = created["evaluation"]["run_id"].as_str().unwrap().to_owned();
    system.stored(&run).await;

    let check = async || system.get_json("/check_json?sla=web").await["objectives"][0].take();
    let before = check().await;
    let windows = |entry: &Value| entry["windows"]["12h"].clone();
    let violations = windows(&before)["violations"].as_u64().unwrap();
    assert!(violations > 0, "{before}");
    // What was tried moments before: a violation more or less may have ended meanwhile.
    let tried = windows(&tried["check_json"]["objectives"][0])["violations"].as_u64();
    assert!(tried.unwrap().abs_diff(violations) <= 1, "{before}");
    let listed = system.get_json("/sla/web/violations?limit=1000").await;
    let newest = listed["violations"][0].clone();
    assert_eq!(newest["start"], before["episodes"][0]["start"]);

    let budget = async || system.get_json("/sla/web/budget").await["objectives"][0].take();
    let spent = budget().await["bad_seconds"].as_f64().unwrap();
    let told = windows(&before)["seconds"].as_f64().unwrap();
    // What is judged begins 5 m before the 12 h, what is charged 12 h before the SLA was made, some seconds after its run.
    assert!(
        (told - 30.0..=told + 300.0).contains(&spent),
        "{told} {spent}"
    );
    let excluded = json!({
        "from": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z", "reason": "all of it"
    });
    let exclusions = "/sla/web/exclusions";
    let (status, _, exclusion) = system.request(Method::POST, exclusions, &excluded).await;
    assert_eq!(status, StatusCode::CREATED, "{exclusion}");
    assert_eq!(windows(&check().await)["violations"], 0);
    assert_eq!(budget().await["bad_seconds"], 0.0);
    let taken_back = format!("{exclusions}/{}", exclusion["id"]);
    let (status, _, _) = system
        .request(Method::DELETE, &taken_back, &json!({}))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(check().await, before);
    let predicted = system.get_json("/predict_json?sla=web").await;
    let probability = predicted["objectives"][0]["probability"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&probability), "{predicted}");
    shell(&format!(
        "curl -X DELETE -H 'If-Match: \"1\"' {}/sla/web",
        system.base
    ))
    .await;
}

async fn only_the_poison_becomes_a_dead_letter(system: &System) {
    let tables = ["dead_letter"];
    let before = system.counts(&tables).await[0];
    for repeated in [false, true] {
        let file = "events/kafka-batch-with-poison.json";
        let output = system
            .tool(&["invoke", "storage", "--data-file", file])
            .await;
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let dead_lettered = answer["dead_lettered"].as_i64().unwrap();
        assert!(
            dead_lettered > 0 && answer["stored"].as_i64().unwrap() > 0,
            "{answer}"
        );
        assert_eq!(
            system.counts(&tables).await[0] - before,
            dead_lettered,
            "delivered again: {repeated}"
        );
    }
}

async fn bad_requests_are_told_what_is_wrong(system: &System) {
    let tables = ["sla", "sla_objective", "run"];
    let before = system.counts(&tables).await;
    for (path, parameter) in [
        ("/metrics?limit=0", "limit"),
        ("/metrics?cursor=x", "cursor"),
        ("/metrics?window=2h", "window"),
        ("/metrics?from=yesterday", "from"),
        ("/predict?full=maybe", "full"),
        ("/series?label.=x", "label."),
        ("/runs?colour=red", "colour"),
        ("/check_json?as_of=tomorrow", "as_of"),
    ] {
        let (status, body) = system.get(path).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {body}");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            problem["errors"][0]["parameter"], parameter,
            "{path}: {body}"
        );
    }
    for (path, body, pointer) in [
        ("/ETL", json!({"as_of": "tomorrow"}), "/as_of"),
        ("/ETL", json!({"as_of": "2999-01-01T00:00:00Z"}), "/as_of"),
        ("/ETL", json!({"metrics": ["nothing"]}), "/metrics/0"),
        (
            "/sla",
            json!({"name": "web", "objectives": []}),
            "/objectives",
        ),
        (
            "/sla",
            json!({"name": "web", "objectives": [{"metric": "cpuUsage", "min": 2, "max": 1}]}),
            "/objectives/0/min",
        ),
        (
            "/sla",
            json!({"name": "web", "objectives": [{"metric": "cpuUsage", "max": 1, "for": "2h"}]}),
            "/objectives/0/for",
        ),
        (
            "/sla",
            json!({"name": "Web", "objectives": [{"metric": "cpuUsage", "max": 1}]}),
            "/name",
        ),
    ] {
        let (status, _, problem) = system.request(Method::POST, path, &body).await;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{path} {body}: {problem}"
        );
        assert_eq!(
            problem["errors"][0]["pointer"], pointer,
            "{path} {body}: {problem}"
        );
    }
    assert_eq!(system.counts(&tables).await, before);
}
