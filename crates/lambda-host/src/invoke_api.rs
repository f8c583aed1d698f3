//! The Invoke API: `POST /2015-03-31/functions/NAME/invocations`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tracing::{error, warn};
use uuid::Uuid;

use crate::{
    answer::{Failure, MAX_REQUEST_BYTES},
    function::Function,
    launch::ACCOUNT,
};

/// The most asynchronous invocations that are under way at once.
const MOST_EVENTS: usize = 1000;

#[derive(Clone)]
struct Api {
    functions: Arc<BTreeMap<String, Arc<Function>>>,
    event_retry_delays: Arc<[Duration]>,
    event_slots: Arc<Semaphore>,
}

pub(crate) fn router(
    functions: Arc<BTreeMap<String, Arc<Function>>>,
    event_retry_delays: Vec<Duration>,
) -> Router {
    let api = Api {
        functions,
        event_retry_delays: event_retry_delays.into(),
        event_slots: Arc::new(Semaphore::new(MOST_EVENTS)),
    };
    Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(api)
}

async fn invoke(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let function = api.functions.get(&name).ok_or(Refusal::NoFunction(name))?;
    let payload = payload(body)?;
    match headers
        .get("x-amz-invocation-type")
        .map(|kind| kind.as_bytes())
    {
        None | Some(b"RequestResponse") => answer_now(function, payload).await,
        Some(b"Event") => {
            let slot = api.event_slots.clone().try_acquire_owned();
            let slot = slot.map_err(|_| Refusal::Busy)?;
            tokio::spawn(deliver(
                function.clone(),
                payload,
                api.event_retry_delays.clone(),
                slot,
            ));
            Ok(answered(StatusCode::ACCEPTED, None, Bytes::new()))
        }
        Some(b"DryRun") => Ok(answered(StatusCode::NO_CONTENT, None, Bytes::new())),
        Some(_) => Err(Refusal::Kind),
    }
}

/// The body as an event: JSON, and `{}` if there is none.
fn payload(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Refusal> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge,
        _ => Refusal::Content(rejection.body_text()),
    })?;
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    serde_json::from_slice::<IgnoredAny>(&body)
        .map_err(|error| Refusal::Content(error.to_string()))?;
    Ok(body)
}

async fn answer_now(function: &Arc<Function>, payload: Bytes) -> Result<Response, Refusal> {
    match function.invoke(payload).await {
        Ok(answer) => Ok(answered(StatusCode::OK, None, answer)),
        Err(Failure::Function { document, .. }) => {
            Ok(answered(StatusCode::OK, Some("Unhandled"), document))
        }
        Err(Failure::QueueFull) => Err(Refusal::Busy),
        Err(Failure::Stopping) => Err(Refusal::Stopping),
    }
}

/// Invokes until it succeeds, with a wait before each further attempt, and gives up after the last.
async fn deliver(
    function: Arc<Function>,
    payload: Bytes,
    delays: Arc<[Duration]>,
    _slot: OwnedSemaphorePermit,
) {
    let name = &function.spec.name;
    let mut delays = delays.iter();
    loop {
        let reason = match function.invoke(payload.clone()).await {
            Ok(_) | Err(Failure::Stopping) => return,
            Err(Failure::QueueFull) => "too much waits for it".to_owned(),
            Err(Failure::Function { document, .. }) => {
                String::from_utf8_lossy(&document).into_owned()
            }
        };
        let Some(delay) = delays.next() else {
            error!(function = %name, %reason, "an asynchronous invocation failed for good and is dropped");
            return;
        };
        warn!(function = %name, %reason, again_in = ?delay, "an asynchronous invocation failed");
        tokio::select! {
            () = sleep(*delay) => {}
            () = function.stopping() => return,
        }
    }
}

fn answered(status: StatusCode, error: Option<&'static str>, body: Bytes) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.remove("content-type");
    if status == StatusCode::OK {
        headers.insert(
            "content-type",
            axum::http::HeaderValue::from_static("application/json"),
        );
        headers.insert(
            "x-amz-executed-version",
            axum::http::HeaderValue::from_static("$LATEST"),
        );
    }
    if let Some(error) = error {
        headers.insert(
            "x-amz-function-error",
            axum::http::HeaderValue::from_static(error),
        );
    }
    if let Ok(id) = Uuid::new_v4().to_string().try_into() {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// Why the Invoke API refuses a request.
enum Refusal {
    NoFunction(String),
    TooLarge,
    Content(String),
    Kind,
    Busy,
    Stopping,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error_type, message) = match self {
            Self::NoFunction(name) => (
                StatusCode::NOT_FOUND,
                "ResourceNotFoundException",
                format!("Function not found: arn:aws:lambda:local:{ACCOUNT}:function:{name}"),
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLargeException",
                format!(
                    "Request must be smaller than {MAX_REQUEST_BYTES} bytes for the InvokeFunction operation"
                ),
            ),
            Self::Content(reason) => (
                StatusCode::BAD_REQUEST,
                "InvalidRequestContentException",
                format!("Could not parse request body into json: {reason}"),
            ),
            Self::Kind => (
                StatusCode::BAD_REQUEST,
                "InvalidParameterValueException",
                "X-Amz-Invocation-Type is RequestResponse, Event or DryRun".to_owned(),
            ),
            Self::Busy => (
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                "Rate Exceeded.".to_owned(),
            ),
            Self::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceException",
                "The host is stopping".to_owned(),
            ),
        };
        let document = json!({ "Type": "User", "Message": message });
        (
            status,
            [("x-amzn-errortype", error_type)],
            axum::Json(document),
        )
            .into_response()
    }
}
