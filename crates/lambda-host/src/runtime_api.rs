//! The Lambda Runtime API, which functions speak. Every instance has a base path of its own, so that it needs no
//! other name.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    answer::{Answer, Failure, MAX_RESPONSE_BYTES},
    function::{Function, NotYours},
    launch::ACCOUNT,
};

type Functions = Arc<BTreeMap<String, Arc<Function>>>;

pub(crate) fn router(functions: Functions) -> Router {
    let base = "/_runtime/{function}/{instance}/2018-06-01/runtime";
    Router::new()
        .route(&format!("{base}/invocation/next"), get(next))
        .route(
            &format!("{base}/invocation/{{request}}/response"),
            post(response),
        )
        .route(&format!("{base}/invocation/{{request}}/error"), post(error))
        .route(&format!("{base}/init/error"), post(init_error))
        .layer(DefaultBodyLimit::max(MAX_RESPONSE_BYTES))
        .with_state(functions)
}

async fn next(
    State(functions): State<Functions>,
    Path((name, instance)): Path<(String, Uuid)>,
) -> Result<Response, Refusal> {
    let function = functions.get(&name).ok_or(Refusal::Unknown)?;
    let task = function.next(instance).await?;
    let region = &function.region;
    let deadline_ms = task.deadline_ms;
    let seconds = deadline_ms / 1000;
    let trace = task.request_id.simple().to_string();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", task.request_id.to_string()),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"),
        ),
        (
            "lambda-runtime-trace-id",
            format!("Root=1-{seconds:08x}-{};Sampled=0", &trace[..24]),
        ),
    ];
    Ok((headers, task.payload).into_response())
}

async fn response(
    State(functions): State<Functions>,
    Path((name, instance, request)): Path<(String, Uuid, Uuid)>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    match body {
        Ok(payload) => finish(&functions, &name, instance, request, Ok(payload)),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!(
                "Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
            );
            let failure = Failure::noticed("Function.ResponseSizeTooLarge", &message);
            finish(&functions, &name, instance, request, Err(failure))?;
            Err(Refusal::TooLarge)
        }
        Err(_) => Err(Refusal::Broken),
    }
}

async fn error(
    State(functions): State<Functions>,
    Path((name, instance, request)): Path<(String, Uuid, Uuid)>,
    document: Bytes,
) -> Result<Response, Refusal> {
    let failure = Failure::reported(document);
    finish(&functions, &name, instance, request, Err(failure))
}

async fn init_error(
    State(functions): State<Functions>,
    Path((name, instance)): Path<(String, Uuid)>,
    document: Bytes,
) -> Result<Response, Refusal> {
    let function = functions.get(&name).ok_or(Refusal::Unknown)?;
    function.start_failed(instance, document)?;
    Ok(accepted())
}

fn finish(
    functions: &Functions,
    name: &str,
    instance: Uuid,
    request: Uuid,
    answer: Answer,
) -> Result<Response, Refusal> {
    let function = functions.get(name).ok_or(Refusal::Unknown)?;
    function.finish(instance, request, answer)?;
    Ok(accepted())
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({ "status": "OK" }))).into_response()
}

/// Why the Runtime API refuses something.
enum Refusal {
    Unknown,
    NotYours,
    TooLarge,
    Broken,
}

impl From<NotYours> for Refusal {
    fn from(_: NotYours) -> Self {
        Self::NotYours
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error_type) = match self {
            Self::Unknown => (StatusCode::NOT_FOUND, "InvalidFunction"),
            Self::NotYours => (StatusCode::GONE, "InvalidRequestID"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge"),
            Self::Broken => (StatusCode::BAD_REQUEST, "InvalidRequest"),
        };
        let document = json!({ "errorType": error_type, "errorMessage": error_type });
        (status, axum::Json(document)).into_response()
    }
}
