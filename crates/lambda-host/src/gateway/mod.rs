//! The HTTP routes, as a REST API of API Gateway with the Lambda proxy integration serves them.

mod event;
mod reply;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};
use tokio::time::timeout;
use tracing::warn;

use crate::{
    answer::{Answer, Failure, MAX_REQUEST_BYTES},
    function::Function,
    problem::problem,
    routes::{Routes, Target},
};

use event::Request;

/// The most that API Gateway takes as a body: 10 MiB.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) functions: Arc<BTreeMap<String, Arc<Function>>>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) stage: Arc<str>,
    pub(crate) timeout: Duration,
}

/// Every path that nothing else serves.
pub(crate) fn router(gateway: Gateway) -> Router {
    Router::new()
        .fallback(serve)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(gateway)
}

async fn serve(
    State(gateway): State<Gateway>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (name, resource, parameters) = match gateway.routes.find(&method, uri.path()) {
        Target::Function {
            name,
            resource,
            parameters,
        } => (name, resource, parameters),
        Target::WrongMethod(allowed) => return wrong_method(&allowed),
        Target::Unknown => return problem(StatusCode::NOT_FOUND, "there is nothing at this path"),
    };
    let Some(function) = gateway.functions.get(&name) else {
        return problem(StatusCode::NOT_FOUND, "there is nothing at this path");
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return too_large();
        }
        Err(_) => return problem(StatusCode::BAD_REQUEST, "the body could not be read"),
    };
    let request = Request {
        resource: &resource,
        parameters: &parameters,
        method: &method,
        uri: &uri,
        headers: &headers,
        body: &body,
        peer,
        stage: &gateway.stage,
    };
    let event = request.event();
    if event.len() > MAX_REQUEST_BYTES {
        return too_large();
    }
    match timeout(gateway.timeout, function.invoke(event.into())).await {
        Ok(answer) => respond(&name, answer),
        Err(_) => problem(
            StatusCode::GATEWAY_TIMEOUT,
            "the function did not answer in time",
        ),
    }
}

fn respond(name: &str, answer: Answer) -> Response {
    match answer {
        Ok(payload) => reply::response(&payload).unwrap_or_else(|error| {
            warn!(function = %name, %error, "a function's answer is no HTTP response");
            problem(
                StatusCode::BAD_GATEWAY,
                "the function's answer is no HTTP response",
            )
        }),
        Err(Failure::Function {
            timed_out: true, ..
        }) => problem(
            StatusCode::GATEWAY_TIMEOUT,
            "the function did not answer in time",
        ),
        Err(Failure::Function { document, .. }) => {
            let reason = String::from_utf8_lossy(&document);
            warn!(function = %name, %reason, "a function failed");
            problem(StatusCode::BAD_GATEWAY, "the function failed")
        }
        Err(Failure::QueueFull) => later("too many requests wait for this function"),
        Err(Failure::Stopping) => later("the host is stopping"),
    }
}

fn wrong_method(allowed: &[Method]) -> Response {
    let mut response = problem(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path does not know the method",
    );
    let allowed: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

fn too_large() -> Response {
    problem(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the request is too large for a function",
    )
}

fn later(detail: &str) -> Response {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, detail);
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
