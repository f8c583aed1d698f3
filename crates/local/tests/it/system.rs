//! An `up` under test.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use sqlx::{Connection, MySqlConnection};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::{Mutex, MutexGuard},
    time::{sleep, timeout},
};

/// The longest `up` may take from start to ready; it builds the functions if nobody did.
const READY: Duration = Duration::from_secs(1200);
/// The longest anything else is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A running system.
pub(crate) struct System {
    up: Child,
    /// What `up` printed until it was ready.
    pub(crate) printed: Vec<String>,
    /// Where the routes are.
    pub(crate) base: String,
    data: TempDir,
    http: reqwest::Client,
    _turn: MutexGuard<'static, ()>,
}

impl System {
    /// Starts a system with further arguments of `up`, in an empty data directory, and waits until it is ready.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[]).await
    }

    /// The same with variables in its environment.
    pub(crate) async fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let turn = turn().await;
        let data = tempfile::tempdir().unwrap();
        Self::start_in(data, turn, arguments, variables).await
    }

    async fn start_in(
        data: TempDir,
        turn: MutexGuard<'static, ()>,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let port = free_port();
        let mut command = local(&data);
        command
            .arg("up")
            .args(["--port", &port.to_string()])
            .args(arguments)
            .envs(variables.iter().copied());
        let mut up = command
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(up.stdout.take().unwrap()).lines();
        let base = format!("http://127.0.0.1:{port}");
        let mut printed = Vec::new();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                let done = line == format!("ready {base}");
                printed.push(line);
                if done {
                    return true;
                }
            }
            false
        };
        let ready = timeout(READY, ready).await.unwrap_or(false);
        assert!(ready, "`up` did not get ready:\n{}", printed.join("\n"));
        // What it prints from now on is read and thrown away, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let http = http_client::direct().timeout(PATIENCE).build().unwrap();
        Self {
            up,
            printed,
            base,
            data,
            http,
            _turn: turn,
        }
    }

    /// Stops the system with SIGINT, as Ctrl-C does, and starts it again on the same data.
    pub(crate) async fn restart(self, arguments: &[&str]) -> Self {
        let (data, turn) = self.stop(Signal::SIGINT).await;
        Self::start_in(data, turn, arguments, &[]).await
    }

    /// Stops the system and checks that it ends well.
    pub(crate) async fn stop(mut self, signal: Signal) -> (TempDir, MutexGuard<'static, ()>) {
        send(self.up.id().unwrap(), signal);
        let status = timeout(PATIENCE, self.up.wait())
            .await
            .expect("`up` does not end")
            .unwrap();
        assert_eq!(status.code(), Some(0), "`up` ends with {status}");
        (self.data, self._turn)
    }

    /// Waits until the system ends by itself, and checks that it ends well.
    pub(crate) async fn ended(mut self) {
        let status = timeout(PATIENCE, self.up.wait()).await;
        let status = status.expect("`up` does not end").unwrap();
        assert_eq!(status.code(), Some(0), "`up` ends with {status}");
    }

    /// Another command of the tool on the same data.
    pub(crate) async fn tool(&self, arguments: &[&str]) -> Output {
        local(&self.data).args(arguments).output().await.unwrap()
    }

    /// `status --json`.
    pub(crate) async fn status(&self) -> Value {
        let output = self.tool(&["status", "--json"]).await;
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The process id of a server this system started.
    pub(crate) async fn server(&self, name: &str) -> u32 {
        let status = self.status().await;
        let servers = status["servers"].as_array().unwrap();
        let server = servers
            .iter()
            .find(|server| server["name"].as_str().unwrap().contains(name));
        server.unwrap_or_else(|| panic!("no server {name}: {servers:?}"))["pid"]
            .as_u64()
            .unwrap() as u32
    }

    /// The process ids of a function's instances.
    pub(crate) async fn instances(&self, function: &str) -> Vec<u32> {
        let status = self.status().await;
        let functions = status["functions"].as_array().unwrap().clone();
        let function = functions
            .into_iter()
            .find(|known| known["name"] == function)
            .unwrap();
        let pids = function["pids"].as_array().unwrap();
        pids.iter()
            .map(|pid| pid.as_u64().unwrap() as u32)
            .collect()
    }

    /// GET, as text.
    pub(crate) async fn get(&self, path: &str) -> (StatusCode, String) {
        let response = self
            .http
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// GET of something that has to be there.
    pub(crate) async fn get_json(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "GET {path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Any request; the answer's status, Retry-After and document.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (StatusCode, Option<String>, Value) {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .json(body);
        let response = request.send().await.unwrap();
        let status = response.status();
        let retry = response
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap().to_owned());
        (status, retry, response.json().await.unwrap_or_default())
    }

    /// `select count(*)` of each table.
    pub(crate) async fn counts(&self, tables: &[&str]) -> Vec<i64> {
        let mut counts = Vec::new();
        let url = self.status().await["database_url"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut database = MySqlConnection::connect(&url).await.unwrap();
        for table in tables {
            let query = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM `{table}`"));
            counts.push(
                sqlx::query_scalar(query)
                    .fetch_one(&mut database)
                    .await
                    .unwrap(),
            );
        }
        counts
    }

    /// Waits until the run of that id is stored, and with it everything it published before.
    pub(crate) async fn stored(&self, run: &str) {
        until("the run is stored", async || {
            let (status, body) = self.get("/runs?limit=1000").await;
            status == StatusCode::OK && body.contains(run)
        })
        .await;
    }
}

/// While it is held, no other test has an `up`.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().await
}

/// The tool, on a data directory, without the servers that the tests' own environment offers, and with a proxy that
/// leads nowhere: nothing of this machine is asked through it.
pub(crate) fn local(data: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    for given in [
        "DATABASE_URL",
        "KAFKA_BROKERS",
        "PROMETHEUS_URL",
        "METRICS_FILE",
        "ALERTMANAGER_URLS",
    ] {
        command.env_remove(given);
    }
    command
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .current_dir(repository())
        .arg("--data")
        .arg(data.path())
        .stdin(Stdio::null());
    command
}

/// The repository's folder.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(
            started.elapsed() < PATIENCE,
            "waited {PATIENCE:?} until {what}"
        );
        sleep(Duration::from_millis(100)).await;
    }
}

/// Sends a signal to a process.
pub(crate) fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid as i32), signal).unwrap();
}

/// Whether a process runs: one that has ended and waits to be reaped does not.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some(Some('Z' | 'X')))
}

/// A port that nobody has now.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
