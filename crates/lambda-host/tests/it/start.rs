//! Hosts and functions that do not start.

use std::{fs, net::TcpListener, time::Duration};

use lambda_host::{Host, HostError, HostSpec, Route};
use serde_json::json;

use super::fixture::{Fixture, function, gone, loopback};

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind(loopback()).unwrap();
    let address = taken.local_addr().unwrap();
    let error = Host::start(address, HostSpec::new(Vec::new(), Vec::new()))
        .await
        .unwrap_err();
    assert!(matches!(error, HostError::PortTaken { .. }));
    assert_eq!(
        error.to_string(),
        format!("port {} is taken on 127.0.0.1", address.port())
    );
}

#[tokio::test]
async fn what_is_not_on_loopback_is_refused() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let error = Host::start(
            address.parse().unwrap(),
            HostSpec::new(Vec::new(), Vec::new()),
        )
        .await
        .unwrap_err();
        assert!(matches!(error, HostError::NotLoopback { .. }), "{address}");
    }
}

#[tokio::test]
async fn functions_and_routes_have_to_fit_together() {
    let folder = tempfile::tempdir().unwrap();
    let good = function(&folder);
    let route = |name: &str| Route {
        method: None,
        path: "/a".to_owned(),
        function: name.to_owned(),
    };
    let mut named = good.clone();
    named.name = "a b".to_owned();
    let mut limited = good.clone();
    limited.max_instances = 0;
    let mut hurried = good.clone();
    hurried.timeout = Duration::ZERO;
    let mut relative = good.clone();
    relative.program = "function".into();
    let cases = [
        (
            HostSpec::new(vec![named], Vec::new()),
            "function \"a b\": its name is not 1 to 64 letters, digits, - or _",
        ),
        (
            HostSpec::new(vec![limited], Vec::new()),
            "function \"function\": its number of instances is not 1 to 1,000",
        ),
        (
            HostSpec::new(vec![hurried], Vec::new()),
            "function \"function\": its timeout is not more than 0 and at most 15 minutes",
        ),
        (
            HostSpec::new(vec![relative], Vec::new()),
            "function \"function\": its program is not an absolute path",
        ),
        (
            HostSpec::new(vec![good.clone(), good.clone()], Vec::new()),
            "there are two functions named function",
        ),
        (
            HostSpec::new(vec![good], vec![route("other")]),
            "route /a leads to other, which is no function here",
        ),
    ];
    for (spec, expected) in cases {
        assert_eq!(
            Host::start(loopback(), spec).await.unwrap_err().to_string(),
            expected
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_exits_at_its_start_fails_what_waits_with_its_last_words() {
    let fixture = Fixture::with(|function| {
        function
            .environment
            .insert("START".to_owned(), "exit".to_owned());
    })
    .await;
    let (one, two) = tokio::join!(fixture.invoke(json!({})), fixture.invoke(json!({})));
    for error in [one.unwrap_err(), two.unwrap_err()] {
        assert_eq!(error["errorType"], "Runtime.ExitError");
        assert_eq!(
            error["errorMessage"],
            "Runtime exited before it was ready: exit status: 7: Error: there is no database"
        );
    }
    // One start for each that waited, at most; nothing goes on starting.
    let starts = fixture.log().matches("starting").count();
    assert!((1..=2).contains(&starts), "{starts}");
    assert_eq!(fixture.status().errors, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_reports_why_it_does_not_start_is_quoted() {
    let fixture = Fixture::with(|function| {
        function
            .environment
            .insert("START".to_owned(), "error".to_owned());
    })
    .await;
    let error = fixture.invoke(json!({})).await.unwrap_err();
    assert_eq!(
        error,
        json!({"errorType": "Setup", "errorMessage": "no database"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_starts_at_the_second_time_works_then() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("marker");
    let fixture = Fixture::with(|function| {
        function
            .environment
            .insert("START".to_owned(), marker.display().to_string());
    })
    .await;
    fixture.invoke(json!({})).await.unwrap_err();
    fixture.invoke(json!({})).await.unwrap();
    assert!(fs::exists(marker).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_is_named() {
    let fixture = Fixture::with(|function| function.program = "/nowhere/function".into()).await;
    let error = fixture.invoke(json!({})).await.unwrap_err();
    let message = error["errorMessage"].as_str().unwrap();
    assert!(
        message.starts_with("/nowhere/function could not be started: "),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_does_not_come_up_is_killed() {
    let fixture = Fixture::with(|function| {
        function.timeout = Duration::from_secs(1);
        function
            .environment
            .insert("START".to_owned(), "hang".to_owned());
    })
    .await;
    let call = fixture.invoke(json!({}));
    let (error, status) = tokio::join!(call, fixture.until(|status| !status.pids.is_empty()));
    let error = error.unwrap_err();
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    assert_eq!(error["errorMessage"], "Init timed out after 10.00 seconds");
    gone(status.pids[0]).await;
}
