//! A real Prometheus scrapes the exposition.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use lambda_http::Body;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::{exposition::web, programs::program, service::Service};

struct Prometheus {
    process: Child,
    url: String,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    fn scraping(targets: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("prometheus.yml");
        let jobs = ["objectives", "series"].map(|job| {
            let parameters = match job {
                "series" => r#", "params": {"collect": ["series"]}"#,
                _ => "",
            };
            format!(
                r#"{{"job_name": "{job}", "scrape_interval": "5s", "scrape_timeout": "5s",
                "static_configs": [{{"targets": ["{targets}"]}}]{parameters}}}"#
            )
        });
        let text = format!(r#"{{"scrape_configs": [{}]}}"#, jobs.join(", "));
        fs::write(&config, text).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let process = Command::new(program("prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                directory.path().display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
            _directory: directory,
        }
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let client = http_client::direct().build().unwrap();
        let answer = client
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .ok()?;
        serde_json::from_str(&answer.text().await.ok()?).ok()
    }

    /// What a query finds, once it finds something.
    async fn found(&self, query: &str) -> Vec<Value> {
        for _ in 0..600 {
            let answer = self.get(&format!("/api/v1/query?query={query}")).await;
            let found = answer.and_then(|answer| answer["data"]["result"].as_array().cloned());
            if let Some(found) = found.filter(|found| !found.is_empty()) {
                return found;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!(
            "{query} finds nothing: {:?}",
            self.get("/api/v1/targets").await
        );
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Answers requests as the gateway would.
async fn serve(service: &Service, listener: &TcpListener) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        answer(service, stream).await;
    }
}

async fn answer(service: &Service, mut stream: TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        request.push(byte);
    }
    let request = String::from_utf8(request).unwrap();
    let uri = request.split(' ').nth(1).unwrap();
    let accept = request
        .lines()
        .find_map(|line| line.strip_prefix("Accept: "));
    let headers = [("accept", accept.unwrap_or("*/*"))];
    let reply = service.reply_to("GET", uri, &headers, Body::Empty).await;
    let Body::Text(text) = reply.body() else {
        panic!("{:?}", reply.body());
    };
    let head = format!(
        "HTTP/1.1 {} OK\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        reply.status().as_u16(),
        reply.headers()["content-type"].to_str().unwrap(),
        text.len()
    );
    let _ = stream.write_all(format!("{head}{text}").as_bytes()).await;
}

#[tokio::test]
async fn a_prometheus_scrapes_all_of_it() {
    let (_database, service) = web().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let prometheus = Prometheus::scraping(&listener.local_addr().unwrap().to_string());
    let scraped = async {
        for (query, count) in [
            ("slacast_objective_state%7Bobjective=\"cpu\"%7D==1", 1),
            ("slacast_group_events%7Bquality=\"bad\"%7D", 2),
            ("slacast_forecast_middle", 2),
            ("slacast_evaluation_timestamp_seconds", 2),
        ] {
            let found = prometheus.found(query).await;
            assert_eq!(found.len(), count, "{query}: {found:?}");
        }
        let targets = prometheus.get("/api/v1/targets").await.unwrap();
        let targets = targets["data"]["activeTargets"].as_array().unwrap().clone();
        let errors: Vec<&Value> = targets.iter().map(|target| &target["lastError"]).collect();
        assert_eq!(errors, ["", ""]);
        let metadata = prometheus
            .get("/api/v1/metadata?metric=slacast_run_size_bytes")
            .await;
        let metadata = &metadata.unwrap()["data"]["slacast_run_size_bytes"][0];
        assert_eq!(
            (&metadata["type"], &metadata["unit"]),
            (&"gauge".into(), &"bytes".into())
        );
    };
    tokio::select! {
        () = scraped => {}
        () = serve(&service, &listener) => unreachable!("it serves until it is dropped"),
    }
}
