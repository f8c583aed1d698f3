//! The HTTP routes, answered by a function on `lambda_http`.

use std::time::Duration;

use lambda_host::Route;
use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use super::fixture::Fixture;

async fn is_problem(response: Response, status: StatusCode) -> String {
    assert_eq!(response.status(), status);
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "application/problem+json"
    );
    let document: Value = response.json().await.unwrap();
    assert_eq!(document["status"], status.as_u16());
    assert_eq!(document["title"].as_str(), status.canonical_reason());
    document["detail"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_sees_the_whole_request() {
    let fixture = Fixture::http(|_| {}).await;
    let url = format!(
        "{}/things/a%20b?tag=1&tag=two+words&label.x=%C3%A9",
        fixture.host.url()
    );
    let request = fixture
        .client
        .request(Method::PUT, url)
        .header("x-tag", "a");
    let answer: Value = request
        .body("{\"ü\": 1}")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        answer,
        json!({
            "method": "PUT",
            "path": "/things/a%20b",
            "id": "a b",
            "tag": ["1", "two words"],
            "label": ["é"],
            "x-tag": "a",
            "body": "{\"ü\": 1}",
            "binary": false,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_none_is_refused() {
    let fixture = Fixture::http(|_| {}).await;
    for host in ["a b", "a:99999", "[::1"] {
        let request = fixture
            .client
            .get(format!("{}/things/1", fixture.host.url()));
        let answer = request.header(header::HOST, host).send().await.unwrap();
        is_problem(answer, StatusCode::BAD_REQUEST).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn web_pages_of_other_origins_are_refused_whatever_they_ask_for() {
    let fixture = Fixture::http(|_| {}).await;
    let form = "application/x-www-form-urlencoded";
    for path in ["/things/1", "/2015-03-31/functions/function/invocations"] {
        let url = format!("{}{path}", fixture.host.url());
        for (name, value, status) in [
            (header::HOST, "evil.example:9000", StatusCode::FORBIDDEN),
            (
                header::ORIGIN,
                "https://evil.example",
                StatusCode::FORBIDDEN,
            ),
            (
                header::REFERER,
                "https://evil.example/a",
                StatusCode::FORBIDDEN,
            ),
            (header::ORIGIN, &fixture.host.url(), StatusCode::OK),
        ] {
            let request = fixture.client.post(&url).header(header::CONTENT_TYPE, form);
            let answer = request.header(name, value).body("{}").send().await.unwrap();
            match status {
                StatusCode::OK => assert_eq!(answer.status(), status, "{path}"),
                _ => drop(is_problem(answer, status).await),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_not_text_go_both_ways() {
    let fixture = Fixture::http(|_| {}).await;
    let request = fixture
        .client
        .post(format!("{}/", fixture.host.url()))
        .body(vec![0xff, 0x00]);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&answer["body"], &answer["binary"]),
        (&json!("/wA="), &json!(true))
    );
    let response = fixture.get("/binary").await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.bytes().await.unwrap().as_ref(), [0xff, 0x00, 0xfe]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_may_have_several_values() {
    let fixture = Fixture::http(|_| {}).await;
    let response = fixture.get("/cookies").await;
    let cookies: Vec<_> = response
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_reaches_the_function_and_head_has_no_body() {
    let fixture = Fixture::http(|_| {}).await;
    let url = format!("{}/", fixture.host.url());
    for method in [
        Method::GET,
        Method::POST,
        Method::DELETE,
        Method::OPTIONS,
        Method::PATCH,
    ] {
        let response = fixture
            .client
            .request(method.clone(), &url)
            .send()
            .await
            .unwrap();
        assert_eq!(
            response.json::<Value>().await.unwrap()["method"],
            method.as_str()
        );
    }
    let response = fixture.client.head(&url).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.text().await.unwrap(), "");
    assert_eq!(fixture.status().invocations, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_reach_a_function_is_a_problem_document() {
    let fixture = Fixture::http(|spec| {
        let function = "function".to_owned();
        spec.routes.push(Route {
            method: Some(Method::POST),
            path: "/post".to_owned(),
            function,
        });
    })
    .await;
    is_problem(fixture.get("/nowhere").await, StatusCode::NOT_FOUND).await;
    is_problem(fixture.get("/things/1/2").await, StatusCode::NOT_FOUND).await;
    let response = fixture.get("/post").await;
    assert_eq!(response.headers()[header::ALLOW], "POST");
    is_problem(response, StatusCode::METHOD_NOT_ALLOWED).await;
    // The gateway's own limit, and that of a function's payload.
    for bytes in [10 * 1024 * 1024 + 1, 6 * 1024 * 1024] {
        let request = fixture
            .client
            .post(format!("{}/", fixture.host.url()))
            .body("x".repeat(bytes));
        is_problem(request.send().await.unwrap(), StatusCode::PAYLOAD_TOO_LARGE).await;
    }
    assert_eq!(fixture.status().invocations, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_function_is_a_problem_document_without_its_reason() {
    let fixture = Fixture::http(|_| {}).await;
    for path in ["/fail", "/exit"] {
        let detail = is_problem(fixture.get(path).await, StatusCode::BAD_GATEWAY).await;
        assert_eq!(detail, "the function failed");
    }
    assert_eq!(fixture.get("/").await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_response_is_a_problem_document() {
    let fixture =
        Fixture::http(|spec| spec.functions[0].program = super::fixture::program("test_function"))
            .await;
    is_problem(fixture.get("/").await, StatusCode::BAD_GATEWAY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_does_not_answer_in_time_is_a_gateway_timeout() {
    let slow_gateway =
        Fixture::http(|spec| spec.functions[0].timeout = Duration::from_millis(500)).await;
    is_problem(slow_gateway.get("/slow").await, StatusCode::GATEWAY_TIMEOUT).await;
    let slow_function = Fixture::http(|spec| spec.http_timeout = Duration::from_millis(500)).await;
    is_problem(
        slow_function.get("/slow").await,
        StatusCode::GATEWAY_TIMEOUT,
    )
    .await;
}
