//! Requests as Lambda sends them, answered as Lambda wants them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "it/browser.rs"]
mod browser;

use std::time::Duration;

use config::{Access, AccessConfig};
use http_api::{Answering, Api, ApiError, Call, Fault, Method, Reply, Route, reply};
use lambda_http::{
    Body, Context, Request, RequestExt, aws_lambda_events::query_map::QueryMap, http,
    request::LambdaRequest,
};
use serde_json::{Value, json};

const fn route(
    method: Method,
    path: &'static str,
    handler: for<'a> fn(&'a (), &'a Call) -> Answering<'a>,
) -> Route<()> {
    Route {
        method,
        path,
        reads: false,
        longest_body: 4 << 20,
        patience: Some(Duration::from_secs(1)),
        handler,
    }
}

static ROUTES: [Route<()>; 7] = [
    route(Method::GET, "/", |(), call| Box::pin(links(call))),
    route(Method::GET, "/metrics", |(), call| Box::pin(metrics(call))),
    route(Method::GET, "/check_json", |(), call| Box::pin(links(call))),
    route(Method::POST, "/sla", |(), call| Box::pin(create(call))),
    route(Method::PUT, "/sla/{name}", |(), call| {
        Box::pin(replace(call))
    }),
    route(Method::GET, "/sla/{name}/budget", |(), call| {
        Box::pin(links(call))
    }),
    route(Method::DELETE, "/sla/{name}/exclusions/{id}", |(), call| {
        Box::pin(links(call))
    }),
];

/// Where the caller found the system, and what was found in the path and the query.
async fn links(call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let labels = query.labels();
    let from = query.span().from;
    query.finish()?;
    reply::ok(&json!({
        "base": call.base_url(), "location": call.path_of("/sla/web"), "name": call.name, "id": call.id,
        "labels": labels, "from": from,
    }))
}

async fn metrics(call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let answer =
        json!({"metric": query.metric(), "limit": query.limit(), "window": query.window()});
    query.finish()?;
    reply::ok(&answer)
}

async fn create(call: &Call) -> Result<Reply, ApiError> {
    match call.json()? {
        Value::Object(fields) if fields.contains_key("name") => {
            Ok(reply::with_version(reply::created("/sla/web", &fields)?, 1))
        }
        _ => Err(ApiError::Invalid(vec![
            Fault::at("/name", "is missing"),
            Fault::at("", "is odd"),
        ])),
    }
}

async fn replace(call: &Call) -> Result<Reply, ApiError> {
    match &call.if_match()?[..] {
        [] => reply::ok(&json!({"name": call.name})),
        [1] => Err(ApiError::PreconditionFailed(
            "version 2 is in force".to_owned(),
        )),
        [2, ..] => Err(ApiError::Unavailable {
            what: "the database",
            source: "secret".into(),
        }),
        [3, ..] => std::future::pending().await,
        _ => Err(ApiError::internal("secret")),
    }
}

fn open() -> Api<()> {
    Api::new(&ROUTES, &AccessConfig::Anonymous)
}

fn guarded() -> Api<()> {
    let tokens = vec![
        ("reader-reader-reader".into(), Access::ReadOnly),
        ("writer-writer-writer".into(), Access::ReadWrite),
    ];
    Api::new(&ROUTES, &AccessConfig::Tokens(tokens))
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request {
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("http://127.0.0.1{uri}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let query: QueryMap = query.parse().unwrap();
    let request = request.body(body.into()).unwrap();
    request
        .with_raw_http_path(path)
        .with_query_string_parameters(query)
}

fn text(reply: &Reply) -> &str {
    match reply.body() {
        Body::Text(text) => text,
        Body::Empty => "",
        other => panic!("{other:?}"),
    }
}

async fn payload(event: &str) -> Value {
    let payload: LambdaRequest = serde_json::from_str(event).unwrap();
    open()
        .answer_payload(&(), payload, Context::default())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_rest_request_is_answered_in_its_own_version() {
    let answer = payload(include_str!("../../../events/http-retrieval-metrics.json")).await;
    insta::assert_json_snapshot!(answer, @r#"
      {
        "body": "{\"limit\":100,\"metric\":\"cpuUsage\",\"window\":\"1h\"}",
        "headers": {},
        "isBase64Encoded": false,
        "multiValueHeaders": {
          "cache-control": [
            "no-store"
          ],
          "content-type": [
            "application/json"
          ]
        },
        "statusCode": 200
      }
    "#);
}

#[tokio::test]
async fn a_function_urls_request_is_answered_in_its_own_version() {
    let event = include_str!("../../../events/http-retrieval-predict-2.0.json")
        .replace("/predict", "/metrics");
    let answer = payload(&event).await;
    assert_eq!(answer["statusCode"], 200);
    assert_eq!(
        answer["body"],
        r#"{"limit":1,"metric":"cpuUsage","window":null}"#
    );
    assert_eq!(answer["headers"]["content-type"], "application/json");
}

#[tokio::test]
async fn a_body_is_read_and_the_answer_says_where_it_is_now() {
    let answer = payload(include_str!("../../../events/http-sla-create.json")).await;
    assert_eq!(answer["statusCode"], 201);
    let headers = &answer["multiValueHeaders"];
    assert_eq!(
        (&headers["location"], &headers["etag"]),
        (&json!(["/sla/web"]), &json!(["\"1\""]))
    );
}

#[tokio::test]
async fn every_problem_has_its_status() {
    let json = ("content-type", "application/json");
    let large = format!("\"{}\"", "x".repeat(4 << 20));
    for (method, uri, headers, body, status) in [
        ("POST", "/sla", vec![json], "{", 400),
        ("POST", "/sla", vec![json], "", 400),
        ("GET", "/metrics?limit=0", vec![], "", 400),
        ("PUT", "/sla/web", vec![("if-match", "one")], "", 400),
        ("GET", "/nowhere", vec![], "", 404),
        ("DELETE", "/metrics", vec![], "", 405),
        ("PUT", "/sla/web", vec![("if-match", "\"1\"")], "", 412),
        ("POST", "/sla", vec![json], &large, 413),
        (
            "POST",
            "/sla",
            vec![("content-type", "text/plain")],
            "{}",
            415,
        ),
        ("POST", "/sla", vec![json], "{}", 422),
        ("PUT", "/sla/web", vec![], "", 428),
        ("PUT", "/sla/web", vec![("if-match", "W/\"1\"")], "", 500),
        ("PUT", "/sla/web", vec![("if-match", "2, \"3\"")], "", 503),
        ("PUT", "/sla/web", vec![("if-match", "3")], "", 503),
        ("PUT", "/sla/web", vec![("if-match", "*")], "", 200),
    ] {
        let reply = open()
            .answer(&(), request(method, uri, &headers, body))
            .await;
        assert_eq!(
            reply.status().as_u16(),
            status,
            "{method} {uri} {headers:?} {body:.20}"
        );
        assert_eq!(reply.headers()["cache-control"], "no-store");
        if status >= 400 {
            assert_eq!(reply.headers()["content-type"], "application/problem+json");
            let problem: Value = serde_json::from_str(text(&reply)).unwrap();
            assert_eq!(problem["status"], status);
            assert!(!text(&reply).contains("secret"), "{problem}");
        }
        assert_eq!(reply.headers().contains_key("retry-after"), status == 503);
    }
}

#[tokio::test]
async fn a_problem_names_everything_that_is_wrong() {
    let query = open()
        .answer(
            &(),
            request("GET", "/metrics?limit=0&window=2h&x=1", &[], ""),
        )
        .await;
    insta::assert_snapshot!(text(&query), @r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"limit: must be a whole number from 1 to 1000 (the first of 3 invalid parameters)","errors":[{"parameter":"limit","detail":"must be a whole number from 1 to 1000"},{"parameter":"window","detail":"`2h` is not a window: 1h, 3h or 12h"},{"parameter":"x","detail":"is not a parameter of this route"}]}"#);
    let body = open().answer(&(), request("POST", "/sla", &[], "{}")).await;
    insta::assert_snapshot!(text(&body), @r#"{"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"/name: is missing (the first of 2 invalid values)","errors":[{"pointer":"/name","detail":"is missing"},{"pointer":"","detail":"is odd"}]}"#);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let reply = open()
        .answer(&(), request("HEAD", "/metrics", &[], ""))
        .await;
    assert_eq!(reply.status(), 200);
    assert_eq!(text(&reply), "");
}

#[tokio::test]
async fn a_token_is_asked_for_before_anything_else() {
    let reader = ("authorization", "Bearer reader-reader-reader");
    let writer = ("authorization", "Bearer writer-writer-writer");
    let wrong = ("authorization", "Bearer reader-reader-readee");
    for (method, uri, headers, status) in [
        ("GET", "/metrics", vec![], 401),
        ("GET", "/nowhere", vec![], 401),
        ("GET", "/metrics", vec![wrong], 401),
        ("GET", "/metrics", vec![reader], 200),
        ("HEAD", "/metrics", vec![reader], 200),
        ("GET", "/metrics", vec![writer], 200),
        ("POST", "/sla", vec![reader], 403),
        ("POST", "/sla", vec![writer], 201),
        ("GET", "/nowhere", vec![reader], 404),
    ] {
        let reply = guarded()
            .answer(&(), request(method, uri, &headers, r#"{"name":"web"}"#))
            .await;
        assert_eq!(
            reply.status().as_u16(),
            status,
            "{method} {uri} {headers:?}"
        );
        assert_eq!(
            reply.headers().contains_key("www-authenticate"),
            status == 401
        );
    }
}

#[tokio::test]
async fn every_gateway_leads_to_the_route_and_links_begin_with_what_was_called() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../../events/gateways.json")).unwrap();
    for case in cases {
        let answer = payload(&case["event"].to_string()).await;
        let name = &case["case"];
        assert_eq!(answer["statusCode"], case["status"], "{name}: {answer}");
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        for (field, expected) in case["answer"].as_object().unwrap() {
            assert_eq!(&body[field], expected, "{name}: {body}");
        }
    }
}

#[tokio::test]
async fn a_resource_without_a_context_is_enough() {
    let mut event: Value =
        serde_json::from_str(include_str!("../../../events/http-retrieval-metrics.json")).unwrap();
    event["requestContext"]["resourcePath"].take();
    event["path"] = "/base/metrics".into();
    let answer = payload(&event.to_string()).await;
    assert_eq!(answer["statusCode"], 200);
}
