//! A host with test functions, and the ways to call it.

use std::{
    collections::BTreeMap,
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use lambda_host::{FunctionSpec, FunctionStatus, Host, HostSpec, Route};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

/// A host, its functions' logs, and a client.
pub(super) struct Fixture {
    pub(super) host: Host,
    pub(super) client: Client,
    pub(super) folder: TempDir,
}

/// The result of an invocation: the answer, or the error's document.
pub(super) type Outcome = Result<Value, Value>;

pub(super) fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// The program of one of this crate's examples.
pub(super) fn program(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).unwrap();
    target.join("examples").join(name)
}

/// The test function as `function`, with up to two instances.
pub(super) fn function(folder: &TempDir) -> FunctionSpec {
    FunctionSpec {
        name: "function".to_owned(),
        program: program("test_function"),
        environment: BTreeMap::new(),
        timeout: Duration::from_secs(30),
        max_instances: 2,
        memory_mb: 128,
        log: folder.path().join("logs/function.log"),
    }
}

impl Fixture {
    /// The test function, changed.
    pub(super) async fn with(change: impl FnOnce(&mut FunctionSpec)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut function = function(&folder);
        change(&mut function);
        Self::start(folder, HostSpec::new(vec![function], Vec::new())).await
    }

    /// The HTTP function behind some routes.
    pub(super) async fn http(change: impl FnOnce(&mut HostSpec)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut function = function(&folder);
        function.program = program("test_http_function");
        function.environment.insert(
            "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH".to_owned(),
            "true".to_owned(),
        );
        let paths = [
            "/",
            "/things/{id}",
            "/binary",
            "/cookies",
            "/fail",
            "/exit",
            "/slow",
        ];
        let route = |path: &str| Route {
            method: None,
            path: path.to_owned(),
            function: "function".to_owned(),
        };
        let mut spec = HostSpec::new(vec![function], paths.map(route).to_vec());
        change(&mut spec);
        Self::start(folder, spec).await
    }

    pub(super) async fn start(folder: TempDir, spec: HostSpec) -> Self {
        Self {
            host: Host::start(loopback(), spec).await.unwrap(),
            client: http_client::builder().build().unwrap(),
            folder,
        }
    }

    pub(super) async fn post(
        &self,
        kind: Option<&str>,
        function: &str,
        payload: impl Into<reqwest::Body>,
    ) -> Response {
        let url = format!(
            "{}/2015-03-31/functions/{function}/invocations",
            self.host.url()
        );
        let mut request = self.client.post(url).body(payload);
        if let Some(kind) = kind {
            request = request.header("x-amz-invocation-type", kind);
        }
        request.send().await.unwrap()
    }

    /// Invokes `function` and waits for its answer.
    pub(super) async fn invoke(&self, event: Value) -> Outcome {
        let response = self.post(None, "function", event.to_string()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let failed = response.headers().contains_key("x-amz-function-error");
        let document: Value = response.json().await.unwrap();
        if failed { Err(document) } else { Ok(document) }
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.client
            .get(format!("{}{path}", self.host.url()))
            .send()
            .await
            .unwrap()
    }

    pub(super) fn status(&self) -> FunctionStatus {
        self.host.status().remove(0)
    }

    /// Waits for the only function to be as wanted.
    pub(super) async fn until(&self, wanted: impl Fn(&FunctionStatus) -> bool) -> FunctionStatus {
        loop {
            let status = self.status();
            if wanted(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("logs/function.log")).unwrap()
    }
}

/// Whether a process is there and not just waiting to be reaped.
pub(super) fn runs(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    state.is_some_and(|state| !state.trim_start().starts_with(['Z', 'X']))
}

/// Waits for a process to be gone.
pub(super) async fn gone(pid: u32) {
    while runs(pid) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
