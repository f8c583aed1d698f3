//! No route answers whom it does not know.

use config::{Access, AccessConfig};
use http_api::Api;
use lambda_http::{Body, RequestExt, http};
use sla::ROUTES;

const READER: &str = "reader-reader-reader";
const WRITER: &str = "writer-writer-writer";

/// The status of every route for a caller with this `Authorization`; what is let in is answered with 404.
async fn statuses(authorization: Option<&str>) -> Vec<(String, u16)> {
    let tokens = vec![
        (READER.into(), Access::ReadOnly),
        (WRITER.into(), Access::ReadWrite),
    ];
    let api = Api::new(&ROUTES, &AccessConfig::Tokens(tokens));
    let mut statuses = Vec::new();
    for route in &ROUTES {
        let (method, path) = (&route.operation.method, route.operation.path);
        let mut request = http::Request::builder().method(method);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let request = request.body(Body::Empty).unwrap();
        let request =
            request.with_raw_http_path(path.replace("{name}", "web").replace("{id}", "1"));
        let reply = api.answer(request, async |_| {
            Err(http_api::ApiError::NotFound(String::new()))
        });
        let reply = reply.await;
        statuses.push((method.to_string(), reply.status().as_u16()));
    }
    statuses
}

#[tokio::test]
async fn every_route_without_a_token_is_401() {
    for authorization in [None, Some("Bearer wrong-wrong-wrong"), Some(READER)] {
        for (_, status) in statuses(authorization).await {
            assert_eq!(status, 401, "{authorization:?}");
        }
    }
}

#[tokio::test]
async fn a_token_that_only_reads_changes_nothing() {
    for (method, status) in statuses(Some(&format!("Bearer {READER}"))).await {
        assert_eq!(status, if method == "GET" { 404 } else { 403 }, "{method}");
    }
    for (_, status) in statuses(Some(&format!("Bearer {WRITER}"))).await {
        assert_eq!(status, 404);
    }
}
