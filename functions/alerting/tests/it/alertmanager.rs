//! A real Alertmanager, where there is one: `ALERTMANAGER_PROGRAM`, else one on PATH.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::time::sleep;

use crate::service::System;

struct Alertmanager {
    process: Child,
    port: u16,
}

fn program() -> Option<PathBuf> {
    if let Some(given) = env::var_os("ALERTMANAGER_PROGRAM") {
        return Some(given.into());
    }
    let path = env::var_os("PATH")?;
    let names = ["prometheus-alertmanager", "alertmanager"];
    let mut programs =
        env::split_paths(&path).flat_map(|directory| names.map(|name| directory.join(name)));
    programs.find(|program| program.exists())
}

impl Alertmanager {
    async fn start(program: &Path, directory: &Path, port: u16) -> Self {
        let config = directory.join("alertmanager.yml");
        fs::write(
            &config,
            "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n",
        )
        .unwrap();
        let process = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", directory.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Self { process, port };
        for _ in 0..200 {
            if started.alerts("").await.is_some() {
                return started;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("Alertmanager does not answer");
    }

    /// The alerts that it says are active.
    async fn alerts(&self, query: &str) -> Option<Vec<Value>> {
        let url = format!("http://127.0.0.1:{}/api/v2/alerts{query}", self.port);
        let client = http_client::direct().build().unwrap();
        let answer = client.get(url).send().await.ok()?;
        let alerts: Vec<Value> = serde_json::from_str(&answer.text().await.ok()?).ok()?;
        let is_ours = |alert: &Value| alert["labels"]["alertname"] == "SlacastViolation";
        Some(alerts.into_iter().filter(is_ours).collect())
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn an_alertmanager_learns_what_fires_and_what_is_over_restarted_or_not() {
    let Some(program) = program() else {
        println!("there is no Alertmanager on this machine");
        return;
    };
    let directory = env::temp_dir().join(format!("slacast-alertmanager-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("http://127.0.0.1:{port}");
    let system = System::at(&[], true).await.set("ALERTMANAGER_URLS", &url);
    system.evaluate(60, &[("a", 90.0), ("b", 50.0)]).await;
    // It is away: the change waits.
    system.tick().await;
    let deliveries = system.get("/alerts/deliveries").await;
    assert_eq!(
        deliveries["deliveries"][0]["receiver"],
        format!("127.0.0.1:{port}")
    );
    assert_eq!(deliveries["deliveries"][0]["state"], "failed");

    let running = Alertmanager::start(&program, &directory, port).await;
    system.tick().await;
    let active = running.alerts("").await.unwrap();
    let [alert] = &active[..] else {
        panic!("{active:?}");
    };
    assert_eq!(alert["labels"]["instance"], "a");
    assert_eq!(alert["status"]["state"], "active");
    let starts = alert["startsAt"].clone();
    let known = system.get("/alerts?state=firing").await;
    let since = known["alerts"].as_array().unwrap().iter();
    let mut since = since.filter(|alert| alert["labels"]["alertname"] == "SlacastViolation");
    let parse =
        |time: &Value| chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).unwrap();
    assert_eq!(parse(&starts), parse(&since.next().unwrap()["since"]));

    // It forgets what it knew, and learns it again.
    drop(running);
    fs::remove_dir_all(&directory).unwrap();
    fs::create_dir_all(&directory).unwrap();
    let running = Alertmanager::start(&program, &directory, port).await;
    assert!(running.alerts("").await.unwrap().is_empty());
    system.tick().await;
    let active = running.alerts("").await.unwrap();
    assert_eq!(active.len(), 1);
    assert_eq!(parse(&active[0]["startsAt"]), parse(&starts));

    system.evaluate(30, &[("a", 50.0), ("b", 50.0)]).await;
    system.tick().await;
    assert!(running.alerts("").await.unwrap().is_empty());
    let deliveries = system.get("/alerts/deliveries?state=delivered").await;
    assert_eq!(deliveries["deliveries"].as_array().unwrap().len(), 2);
    let (_, tested) = system.ask("POST", "/alerts/test").await;
    assert_eq!(tested["outcomes"][0]["delivered"], true, "{tested}");
    drop(running);
    fs::remove_dir_all(&directory).unwrap();
}
