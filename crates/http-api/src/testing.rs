//! Holds answers against the OpenAPI document, so that whatever a test asks for also proves the document true.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock},
};

use config::{Access, AccessConfig};
use jsonschema::Validator;
use lambda_http::{
    Body, Request, RequestExt,
    http::{self, Method},
};
use serde_json::{Value, json};

use crate::{Api, ApiError, Reply, Route, arrival::match_path, audience::Audience};

/// Answers `request` and holds the answer against the document.
///
/// # Panics
/// When the answer is not what the document says: an unknown status, a header that is missing, another content type, a
/// body that its schema refuses.
pub async fn answer<S: Sync>(api: &Api<S>, state: &S, request: Request) -> Reply {
    let method = request.method().clone();
    let path = request.raw_http_path().to_owned();
    let reply = api.answer(state, request).await;
    hold(&method, &path, &reply);
    reply
}

/// Holds the answer to a request against the document.
///
/// # Panics
/// As [`answer`].
pub fn hold(method: &Method, path: &str, reply: &Reply) {
    let status = reply.status().as_u16();
    let headers = |name: &str| {
        let values = reply.headers().get_all(name).iter();
        let texts = values.map(|value| value.to_str().unwrap_or_default().to_owned());
        texts.collect::<Vec<_>>()
    };
    let body = match reply.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    };
    if let Err(fault) = check(method, path, status, headers, body) {
        let shown = String::from_utf8_lossy(&body[..body.len().min(2_000)]);
        panic!("{method} {path} is answered with {status}, {fault}: {shown}");
    }
}

/// Whether an answer is what the document says; the error says how it differs.
///
/// # Errors
/// When it is not.
pub fn check(
    method: &Method,
    path: &str,
    status: u16,
    headers: impl Fn(&str) -> Vec<String>,
    body: &[u8],
) -> Result<(), String> {
    let documented = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let described = match operation(documented, path) {
        Some(operation) => response(operation, status)?,
        // What is no route is a problem like any other.
        None if matches!(status, 401 | 404 | 405) => {
            let problem = json!({"$ref": "#/components/schemas/Problem"});
            json!({"content": {"application/problem+json": {"schema": problem}}})
        }
        None => return Err("which the document does not know".to_owned()),
    };
    let contents = described["content"].as_object();
    let contents = contents.ok_or("whose body the document does not describe")?;
    let content_type = headers("content-type").join(", ");
    let Some(content) = contents.get(&content_type) else {
        let known: Vec<&str> = contents.keys().map(String::as_str).collect();
        return Err(format!("whose content type is not {}", known.join(" or ")));
    };
    let required = described["headers"].as_object().into_iter().flatten();
    if let Some((name, _)) = required
        .into_iter()
        .find(|(name, _)| headers(name).is_empty())
    {
        return Err(format!("without {name}"));
    }
    if method == Method::HEAD {
        return Ok(());
    }
    if !content_type.contains("json") {
        return std::str::from_utf8(body)
            .map(|_| ())
            .map_err(|error| error.to_string());
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    valid(&content["schema"], &value)
}

/// What the document says of the operation that a request is for.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let paths = document()["paths"].as_object()?.iter();
    let fitting = paths.filter(|(pattern, _)| match_path(pattern, path).is_some());
    let (_, methods) = fitting.min_by_key(|(pattern, _)| pattern.matches('{').count())?;
    methods.get(method.as_str().to_lowercase())
}

fn response(operation: &Value, status: u16) -> Result<Value, String> {
    let described = operation["responses"].get(status.to_string());
    let described = described.ok_or("which the document does not know")?;
    Ok(resolved(described).clone())
}

fn valid(schema: &Value, value: &Value) -> Result<(), String> {
    static KNOWN: OnceLock<Mutex<HashMap<String, &'static Validator>>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    let validator = *known
        .lock()
        .expect("no test has panicked here")
        .entry(schema.to_string())
        .or_insert_with(|| Box::leak(Box::new(validator(schema))));
    let faults: Vec<String> = validator
        .iter_errors(value)
        .take(3)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(format!("which its schema refuses ({})", faults.join("; ")))
    }
}

fn validator(schema: &Value) -> Validator {
    let whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": document()["components"],
        "allOf": [schema],
    });
    jsonschema::options()
        .should_validate_formats(true)
        .build(&whole)
        .expect("the document's schemas are valid")
}

/// What a `$ref` refers to, or the value itself.
fn resolved(value: &Value) -> &Value {
    let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
        return value;
    };
    let target = document().pointer(reference.trim_start_matches('#'));
    target.expect("a reference leads somewhere")
}

/// The document as it is now: it may have been renewed since this was compiled.
fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/openapi.json");
        let text = std::fs::read_to_string(path).expect("the document is there");
        serde_json::from_str(&text).expect("the document is JSON")
    })
}

const READER: &str = "reader-reader-reader";
const WRITER: &str = "writer-writer-writer";

/// Whether these routes let in nobody without a token, and whoever has one that only reads to GET alone.
///
/// # Panics
/// When they do not.
pub async fn hold_access<S>(routes: &[Route<S>]) {
    for authorization in [None, Some("Bearer wrong-wrong-wrong"), Some(READER)] {
        for (method, path, status) in statuses(routes, authorization).await {
            assert_eq!(status, 401, "{method} {path} {authorization:?}");
        }
    }
    let reading = statuses(routes, Some(&format!("Bearer {READER}"))).await;
    for ((method, path, status), route) in reading.into_iter().zip(routes) {
        let may = method == Method::GET || route.reads;
        assert_eq!(status, if may { 404 } else { 403 }, "{method} {path}");
    }
    for (method, path, status) in statuses(routes, Some(&format!("Bearer {WRITER}"))).await {
        assert_eq!(status, 404, "{method} {path}");
    }
}

/// The status of every route for a caller with this `Authorization`; what is let in is answered with 404.
async fn statuses<S>(
    routes: &[Route<S>],
    authorization: Option<&str>,
) -> Vec<(Method, &'static str, u16)> {
    let routes = routes.iter();
    // Pages have other ways in.
    let routes: Vec<_> = routes
        .filter(|route| Audience::of_path(route.path) == Audience::Programs)
        .collect();
    let closed: Vec<Route<()>> = routes.iter().map(|route| closed(route)).collect();
    let tokens = vec![
        (READER.into(), Access::ReadOnly),
        (WRITER.into(), Access::ReadWrite),
    ];
    let api = Api::new(Vec::leak(closed), &AccessConfig::Tokens(tokens));
    let mut statuses = Vec::new();
    for route in routes {
        let mut request = http::Request::builder().method(&route.method);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let request = request.body(Body::Empty).expect("a request can be made");
        let path = route.path.replace("{name}", "web").replace("{id}", "1");
        let reply = api.answer(&(), request.with_raw_http_path(path)).await;
        statuses.push((route.method.clone(), route.path, reply.status().as_u16()));
    }
    statuses
}

fn closed<S>(route: &Route<S>) -> Route<()> {
    Route {
        method: route.method.clone(),
        path: route.path,
        reads: route.reads,
        longest_body: route.longest_body,
        patience: None,
        handler: |(), _| Box::pin(async { Err(ApiError::NotFound("nothing".to_owned())) }),
    }
}
