//! What a host is to serve.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use axum::http::Method;

/// A function: a program that speaks the Lambda Runtime API.
#[derive(Clone)]
pub struct FunctionSpec {
    /// Letters, digits, `-` and `_`; 1 to 64 of them, unique in a host.
    pub name: String,
    /// The prebuilt program. It runs in the folder that holds it.
    pub program: PathBuf,
    /// All that it finds in its environment, apart from `PATH`, `HOME`, `TZ` and what Lambda itself sets.
    pub environment: BTreeMap<String, String>,
    /// How long an invocation may take, more than 0 and at most 15 minutes.
    pub timeout: Duration,
    /// How many instances may run at once, and so how many invocations: 1 to 1,000.
    pub max_instances: usize,
    /// MB. The function sees it in its environment; nothing enforces it.
    pub memory_mb: u32,
    /// Where its output goes, appended; the folder is made.
    pub log: PathBuf,
}

/// Values of the environment may be secrets: only their names are shown.
impl fmt::Debug for FunctionSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FunctionSpec")
            .field("name", &self.name)
            .field("program", &self.program)
            .field("environment", &self.environment.keys().collect::<Vec<_>>())
            .field("timeout", &self.timeout)
            .field("max_instances", &self.max_instances)
            .field("memory_mb", &self.memory_mb)
            .field("log", &self.log)
            .finish()
    }
}

impl FunctionSpec {
    /// Why this function cannot be served, if it cannot.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.bytes().all(named) {
            Some("its name is not 1 to 64 letters, digits, - or _")
        } else if self.timeout.is_zero() || self.timeout > Duration::from_secs(900) {
            Some("its timeout is not more than 0 and at most 15 minutes")
        } else if !(1..=1000).contains(&self.max_instances) {
            Some("its number of instances is not 1 to 1,000")
        } else if !self.program.is_absolute() {
            Some("its program is not an absolute path")
        } else {
            None
        }
    }
}

/// A path of the HTTP API and the function behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `None` is every method (`ANY`).
    pub method: Option<Method>,
    /// With `{name}` for one segment and `{name+}` for all that are left, at the end.
    pub path: String,
    /// The function's name.
    pub function: String,
}

/// Everything a [`Host`](crate::Host) serves.
#[derive(Clone, Debug)]
pub struct HostSpec {
    /// The functions.
    pub functions: Vec<FunctionSpec>,
    /// The HTTP routes; what is more specific goes first, whatever the order here.
    pub routes: Vec<Route>,
    /// The stage that events of the HTTP routes name (`local`). It is no part of their paths.
    pub stage: String,
    /// The region in the functions' environment (`us-east-1`).
    pub region: String,
    /// How long an HTTP route waits for its function, queue included (29 s, as a REST API does).
    pub http_timeout: Duration,
    /// The waits before a failed asynchronous invocation is tried again (1 and 2 minutes, as Lambda does). After the
    /// last it is dropped, with an error in the log.
    pub event_retry_delays: Vec<Duration>,
}

impl HostSpec {
    /// These functions and routes, with everything else as Lambda and API Gateway have it.
    pub fn new(functions: Vec<FunctionSpec>, routes: Vec<Route>) -> Self {
        Self {
            functions,
            routes,
            stage: "local".to_owned(),
            region: "us-east-1".to_owned(),
            http_timeout: Duration::from_secs(29),
            event_retry_delays: vec![Duration::from_secs(60), Duration::from_secs(120)],
        }
    }
}
