//! A function that answers HTTP requests with what it understood of them, for the tests.

use std::{process, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use lambda_http::{Body, Error, IntoResponse, Request, RequestExt, Response, run, service_fn};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}

async fn handle(request: Request) -> Result<Response<Body>, Error> {
    match request.raw_http_path() {
        "/binary" => {
            let response = Response::builder()
                .status(201)
                .header("content-type", "application/octet-stream");
            Ok(response.body(Body::Binary(vec![0xff, 0x00, 0xfe]))?)
        }
        "/cookies" => {
            let response = Response::builder()
                .header("set-cookie", "a=1")
                .header("set-cookie", "b=2");
            Ok(response.body(Body::Text("two".to_owned()))?)
        }
        "/fail" => Err("a secret reason".into()),
        "/exit" => process::exit(3),
        "/slow" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(Response::new(Body::Empty))
        }
        _ => Ok(understood(&request).into_response().await),
    }
}

fn understood(request: &Request) -> serde_json::Value {
    let query = request.query_string_parameters();
    let parameters = request.path_parameters();
    let every = |name: &str| {
        query
            .all(name)
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (body, binary) = match request.body() {
        Body::Text(text) => (text.clone(), false),
        Body::Binary(bytes) => (STANDARD.encode(bytes), true),
        _ => (String::new(), false),
    };
    json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "id": parameters.first("id"),
        "tag": every("tag"),
        "label": every("label.x"),
        "x-tag": request.headers().get("x-tag").and_then(|value| value.to_str().ok()),
        "body": body,
        "binary": binary,
    })
}
