//! An Invoke API with one function, which is a closure.

use std::{
    collections::HashMap,
    net::SocketAddr,
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use event_sources::Invoker;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::AbortHandle, time::sleep};

/// How an invocation goes.
pub(super) enum Reply {
    Success,
    FunctionError,
    ServerError,
    /// Succeeds after this long.
    Late(Duration),
    /// Succeeds once this is true.
    After(watch::Receiver<bool>),
}

type Behaviour = Arc<dyn Fn(&Value) -> Reply + Send + Sync>;

/// A server that keeps what it was invoked with.
pub(super) struct Function {
    pub(super) address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    server: AbortHandle,
}

#[derive(Clone)]
pub(super) struct Call {
    pub(super) kind: String,
    pub(super) event: Value,
    pub(super) bytes: usize,
    pub(super) succeeded: bool,
}

#[derive(Default)]
struct Kept {
    calls: Vec<Call>,
    /// The values that invocations succeeded with, by partition.
    handled: HashMap<i32, Vec<String>>,
}

#[derive(Clone)]
struct Server {
    kept: Arc<Mutex<Kept>>,
    behaviour: Behaviour,
}

impl Function {
    pub(super) async fn start(behaviour: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), behaviour).await
    }

    pub(super) async fn start_at(
        address: SocketAddr,
        behaviour: impl Fn(&Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let server = Server {
            kept: kept.clone(),
            behaviour: Arc::new(behaviour),
        };
        let router = Router::new()
            .route("/2015-03-31/functions/function/invocations", post(invoke))
            .layer(DefaultBodyLimit::disable())
            .with_state(server);
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            kept,
            server: server.abort_handle(),
        }
    }

    pub(super) fn invoker(&self) -> Invoker {
        Invoker::new(&format!("http://{}", self.address)).unwrap()
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.kept.lock().unwrap().calls.clone()
    }

    /// The values of one partition that invocations succeeded with, in order.
    pub(super) fn handled(&self, partition: i32) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        kept.handled.get(&partition).cloned().unwrap_or_default()
    }

    /// Waits until that many values of each of these partitions are handled.
    pub(super) async fn until_handled(&self, partitions: Range<i32>, count: usize) {
        let enough = |partition| {
            let kept = self.kept.lock().unwrap();
            kept.handled.get(&partition).map_or(0, Vec::len) >= count
        };
        while !partitions.clone().all(enough) {
            sleep(Duration::from_millis(10)).await;
        }
    }

    pub(super) async fn until_called(&self, count: usize) {
        while self.kept.lock().unwrap().calls.len() < count {
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The partition that an event is about.
pub(super) fn partition(event: &Value) -> i32 {
    let (key, _) = event["records"].as_object().unwrap().iter().next().unwrap();
    key.rsplit_once('-').unwrap().1.parse().unwrap()
}

/// The offsets of an event's records.
pub(super) fn offsets(event: &Value) -> Vec<i64> {
    let partitions = event["records"].as_object().unwrap();
    let records = partitions
        .values()
        .flat_map(|records| records.as_array().unwrap());
    records
        .map(|record| record["offset"].as_i64().unwrap())
        .collect()
}

fn values(event: &Value) -> Vec<String> {
    let partitions = event["records"].as_object().unwrap();
    let records = partitions
        .values()
        .flat_map(|records| records.as_array().unwrap());
    let decoded = |record: &Value| STANDARD.decode(record["value"].as_str().unwrap()).unwrap();
    records
        .map(|record| String::from_utf8(decoded(record)).unwrap())
        .collect()
}

async fn invoke(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Response {
    let event: Value = serde_json::from_slice(&body).unwrap();
    let result = match (server.behaviour)(&event) {
        Reply::Success => Ok(()),
        Reply::Late(wait) => {
            sleep(wait).await;
            Ok(())
        }
        Reply::After(mut go) => {
            go.wait_for(|go| *go).await.unwrap();
            Ok(())
        }
        Reply::FunctionError => Err((
            [("x-amz-function-error", "Unhandled")],
            "{\"errorType\":\"Test\"}",
        )
            .into_response()),
        Reply::ServerError => Err(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    };
    let kind = headers["x-amz-invocation-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let succeeded = result.is_ok();
    let mut kept = server.kept.lock().unwrap();
    if succeeded && event["records"].is_object() {
        let handled = kept.handled.entry(partition(&event)).or_default();
        handled.extend(values(&event));
    }
    kept.calls.push(Call {
        kind,
        event,
        bytes: body.len(),
        succeeded,
    });
    result.map_or_else(|failure| failure, IntoResponse::into_response)
}
