//! What servers do that are not the newest Prometheus, against stand-ins.

use std::time::Duration;

use config::{Environment, PrometheusConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

use super::*;
use crate::{
    metrics_file::Reading,
    query::Query,
    remote_read::testing::{Chunk, stream},
};

/// The values of the one series that every stand-in has, a second apart.
const VALUES: [f64; 4] = [1.0, 2.5, 2.5, -3.0];

fn at(second: usize) -> i64 {
    1_000 * (1 + second as i64)
}

fn range() -> Span {
    let time = |millis| Timestamp::from_millis(millis).unwrap();
    Span {
        start: time(0),
        end: time(60_000),
    }
}

fn samples() -> Vec<(i64, f64)> {
    let values = VALUES.into_iter().enumerate();
    values.map(|(second, value)| (at(second), value)).collect()
}

fn metric(query: &str) -> Metric {
    let (query, reading) = match Query::parse(query).unwrap() {
        Query::Selector(selector) => (selector.text.clone(), Reading::Raw { selector }),
        Query::Expression {
            text,
            has_names,
            unparsed,
        } => {
            let step = Duration::from_secs(1);
            let reading = Reading::Sampled {
                step,
                has_names,
                unparsed,
            };
            (text, reading)
        }
    };
    Metric {
        name: "x".parse().unwrap(),
        query,
        unit: None,
        reading,
    }
}

fn client(url: &str, more: &[(&str, &str)]) -> Prometheus {
    let variables = [("PROMETHEUS_URL", url)].into_iter();
    let environment: Environment = variables.chain(more.iter().copied()).collect();
    Prometheus::new(&PrometheusConfig::read(&environment).unwrap()).unwrap()
}

/// Everything that a fetch sends, and how it went.
async fn fetched(
    prometheus: &Prometheus,
    metric: &Metric,
) -> (Vec<FetchedSeries>, Result<Fetched, FetchError>) {
    let (found, mut arriving) = mpsc::channel(100);
    let outcome = prometheus.fetch(metric, range(), &found).await;
    drop(found);
    let mut all = Vec::new();
    while let Some(series) = arriving.recv().await {
        all.push(series);
    }
    (all, outcome)
}

fn values(series: &[FetchedSeries]) -> Vec<(i64, f64)> {
    let samples = series.iter().flat_map(|series| &series.samples);
    samples
        .map(|sample| (sample.time.millis(), sample.value))
        .collect()
}

fn matrix(series: &[(&str, &[(i64, f64)])]) -> String {
    let rows = series.iter().map(|(labels, samples)| {
        let values = samples
            .iter()
            .map(|(millis, value)| format!(r#"[{},"{value}"]"#, *millis as f64 / 1000.0));
        let values: Vec<String> = values.collect();
        format!(r#"{{"metric":{labels},"values":[{}]}}"#, values.join(","))
    });
    let rows: Vec<String> = rows.collect();
    format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#,
        rows.join(",")
    )
}

/// A query API, a configuration, and remote read as it is given.
async fn server(read: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let config = r#"{"status":"success","data":{"yaml":"global:\n  scrape_interval: 15s\n"}}"#;
    mount(
        &server,
        "api/v1/status/config",
        ResponseTemplate::new(200).set_body_string(config),
    )
    .await;
    mount(&server, "api/v1/read", read).await;
    let answer = matrix(&[(r#"{"__name__":"up","job":"a"}"#, &samples())]);
    mount(
        &server,
        "api/v1/query",
        ResponseTemplate::new(200).set_body_string(answer),
    )
    .await;
    server
}

async fn mount(server: &MockServer, at: &str, answer: ResponseTemplate) {
    Mock::given(path(format!("/{at}")))
        .respond_with(answer)
        .mount(server)
        .await;
}

/// The paths that were asked for.
async fn asked(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let paths = requests
        .iter()
        .map(|request| format!("{} {}", request.method, request.url.path()));
    paths.collect()
}

fn streamed(body: Vec<u8>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(
        body,
        "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse",
    )
}

fn up(chunks: &[(i32, &[(i64, f64)])]) -> Vec<u8> {
    let labels = [("__name__", "up"), ("job", "a")];
    let chunks = chunks.iter().map(|(encoding, samples)| Chunk {
        encoding: *encoding,
        samples,
    });
    stream(&[(&labels[..], chunks.collect())])
}

#[tokio::test]
async fn a_stream_is_read_and_costs_one_request_once_the_server_is_known() {
    let server = server(streamed(up(&[(1, &samples()[..2]), (1, &samples()[2..])]))).await;
    let prometheus = client(&server.uri(), &[]);
    for requests in [2, 3] {
        let (series, outcome) = fetched(&prometheus, &metric("up")).await;
        assert_eq!(outcome.unwrap(), Fetched::default());
        assert_eq!(values(&series), samples());
        assert_eq!(asked(&server).await.len(), requests);
    }
}

#[tokio::test]
async fn where_remote_read_cannot_be_used_the_query_api_is_asked_and_every_run_says_so() {
    let refused = |status: u16, said: &str| ResponseTemplate::new(status).set_body_string(said);
    let cut = {
        let mut whole = up(&[(1, &samples())]);
        whole.truncate(20);
        whole
    };
    for (case, read) in [
        ("400", refused(400, "unsupported path")),
        ("403", refused(403, "only GET")),
        ("404", refused(404, "not found")),
        ("405", refused(405, "")),
        ("406", refused(406, "")),
        ("415", refused(415, "")),
        ("422", refused(422, "")),
        ("501", refused(501, "")),
        ("500", refused(500, "unknown chunk Encoding 4")),
        (
            "not a stream",
            ResponseTemplate::new(200).set_body_raw(vec![0], "application/x-protobuf"),
        ),
        ("XOR2", streamed(up(&[(4, &samples())]))),
        (
            "XOR, then XOR2",
            streamed(up(&[(1, &samples()[..2]), (4, &samples()[2..])])),
        ),
        ("garbage", streamed(vec![0x05, 1, 2, 3, 4, 5, 6, 7, 8, 9])),
        ("cut off", streamed(cut)),
    ] {
        let server = server(read).await;
        let prometheus = client(&server.uri(), &[]);
        for _ in 0..2 {
            let (series, outcome) = fetched(&prometheus, &metric("up")).await;
            assert_eq!(values(&series), samples(), "{case}");
            let warnings = outcome.unwrap().warnings;
            assert_eq!(warnings.len(), 1, "{case}: {warnings:?}");
            assert!(warnings[0].contains("query API"), "{case}: {warnings:?}");
        }
    }
}

#[tokio::test]
async fn finding_out_costs_two_requests_and_a_warm_fetch_none() {
    for status in [400, 405] {
        let server = server(ResponseTemplate::new(status)).await;
        let prometheus = client(&server.uri(), &[]);
        for requests in [3, 4, 5] {
            fetched(&prometheus, &metric("up")).await.1.unwrap();
            assert_eq!(asked(&server).await.len(), requests, "{status}");
        }
    }
}

#[tokio::test]
async fn a_series_that_was_streamed_before_an_unknown_chunk_is_sent_once() {
    let labels = |job: &'static str| [("__name__", "up"), ("job", job)];
    let (one, other) = (labels("a"), labels("b"));
    let (whole, samples) = (samples(), samples());
    let chunk = |encoding: i32| {
        vec![Chunk {
            encoding,
            samples: &whole,
        }]
    };
    let body = stream(&[
        (&one[..], chunk(1)),
        (&other[..], chunk(1)),
        (&one[..], chunk(4)),
    ]);
    let server = server(streamed(body)).await;
    server.reset().await;
    let config = r#"{"data":{"yaml":""}}"#;
    mount(
        &server,
        "api/v1/status/config",
        ResponseTemplate::new(200).set_body_string(config),
    )
    .await;
    let body = stream(&[(&one[..], chunk(1)), (&other[..], chunk(4))]);
    mount(&server, "api/v1/read", streamed(body)).await;
    let answer = matrix(&[
        (r#"{"__name__":"up","job":"a"}"#, &samples),
        (r#"{"__name__":"up","job":"b"}"#, &samples),
    ]);
    mount(
        &server,
        "api/v1/query",
        ResponseTemplate::new(200).set_body_string(answer),
    )
    .await;
    let (series, outcome) = fetched(&client(&server.uri(), &[]), &metric("up")).await;
    outcome.unwrap();
    let jobs: Vec<String> = series.iter().map(|of| of.labels.to_string()).collect();
    assert_eq!(jobs, [r#"{job="a"}"#, r#"{job="b"}"#]);
}

#[tokio::test]
async fn a_server_that_cannot_answer_now_is_not_asked_in_another_way() {
    for (status, said, is_busy) in [
        (429, "too many", true),
        (503, "starting", true),
        (502, "<b>bad gateway</b>", false),
        (504, "", false),
        (500, "disk full", false),
    ] {
        let read = ResponseTemplate::new(status)
            .insert_header("Retry-After", "0")
            .set_body_string(said);
        let server = server(read).await;
        let (series, outcome) = fetched(&client(&server.uri(), &[]), &metric("up")).await;
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(error.word(), is_busy.then_some("busy"), "{status}");
        assert_eq!(error.is_unreachable(), !is_busy, "{status}");
        let asked = asked(&server).await;
        assert!(
            !asked.contains(&"POST /api/v1/query".to_owned()),
            "{asked:?}"
        );
        // Once more where waiting may help.
        assert_eq!(asked.len(), if is_busy { 3 } else { 2 });
        assert!(series.is_empty());
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_once_more() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v1/query_range"))
        .respond_with(ResponseTemplate::new(429).insert_header("Retry-After", "0"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let answer = matrix(&[("{}", &samples())]);
    mount(
        &server,
        "api/v1/query_range",
        ResponseTemplate::new(200).set_body_string(answer),
    )
    .await;
    let (series, outcome) = fetched(&client(&server.uri(), &[]), &metric("rate(x[5m])")).await;
    outcome.unwrap();
    assert_eq!(values(&series), samples());
}

#[tokio::test]
async fn a_server_that_takes_no_post_is_asked_by_get_from_then_on() {
    for status in [405, 403, 501] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(status))
            .mount(&server)
            .await;
        let answer = matrix(&[("{}", &samples())]);
        Mock::given(method("GET"))
            .and(path("/api/v1/query_range"))
            .respond_with(ResponseTemplate::new(200).set_body_string(answer))
            .mount(&server)
            .await;
        let prometheus = client(&server.uri(), &[]);
        for _ in 0..2 {
            let (series, outcome) = fetched(&prometheus, &metric("rate(x[5m])")).await;
            outcome.unwrap();
            assert_eq!(values(&series), samples());
        }
        let asked = asked(&server).await;
        let (by_post, by_get) = ("POST /api/v1/query_range", "GET /api/v1/query_range");
        assert_eq!(asked, [by_post, by_get, by_get]);
    }
}

#[tokio::test]
async fn every_request_has_the_login_the_headers_and_a_query_its_time_limit() {
    let server = server(ResponseTemplate::new(404)).await;
    let url = server.uri().replace("http://", "http://me:secret@");
    let headers = [("PROMETHEUS_HEADERS", "X-Scope-OrgID: team-a")];
    let prometheus = client(&url, &headers);
    fetched(&prometheus, &metric("up")).await.1.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 3);
    let header = |request: &Request, name: &str| {
        let value = request.headers.get(name);
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    for request in &requests {
        assert_eq!(header(request, "x-scope-orgid").as_deref(), Some("team-a"));
        // me:secret
        let login = Some("Basic bWU6c2VjcmV0");
        assert_eq!(header(request, "authorization").as_deref(), login);
    }
    let query = String::from_utf8_lossy(&requests[2].body).into_owned();
    assert!(query.contains("timeout=90s"), "{query}");
    assert!(query.contains("query=up%5B60000ms%5D"), "{query}");
    assert!(!format!("{prometheus:?}").contains("secret"));
    assert!(!format!("{prometheus:?}").contains("team-a"));
}

#[tokio::test]
async fn a_server_s_own_words_are_part_of_the_reason() {
    for (status, body) in [
        (401, "no org id\n"),
        (400, r#"{"status":"error","error":"no org id"}"#),
        (422, "no org id"),
        (404, "no org id"),
    ] {
        let server = MockServer::start().await;
        mount(
            &server,
            "api/v1/query_range",
            ResponseTemplate::new(status).set_body_string(body),
        )
        .await;
        let (_, outcome) = fetched(&client(&server.uri(), &[]), &metric("rate(x[5m])")).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, FetchError::Refused(_)), "{error:?}");
        assert!(error.to_string().contains("no org id"), "{error}");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_range_that_is_too_long_for_the_server_is_asked_in_slices() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v1/query_range"))
        .respond_with(|request: &Request| {
            let form: std::collections::HashMap<String, String> =
                url::form_urlencoded::parse(&request.body)
                    .into_owned()
                    .collect();
            let second = |name: &str| form[name].parse::<f64>().unwrap();
            let (start, end) = (second("start"), second("end"));
            if end - start > 20.0 {
                let said =
                    r#"{"error":"query processing would load too many samples into memory"}"#;
                return ResponseTemplate::new(422).set_body_string(said);
            }
            let inside = samples()
                .into_iter()
                .filter(|(millis, _)| (start..=end).contains(&(*millis as f64 / 1000.0)));
            let inside: Vec<(i64, f64)> = inside.collect();
            let answer = if inside.is_empty() {
                matrix(&[])
            } else {
                matrix(&[(r#"{"job":"a"}"#, &inside)])
            };
            ResponseTemplate::new(200).set_body_string(answer)
        })
        .mount(&server)
        .await;
    let (series, outcome) = fetched(&client(&server.uri(), &[]), &metric("rate(x[5m])")).await;
    outcome.unwrap();
    assert_eq!(series.len(), 1);
    assert_eq!(values(&series), samples());
    // One that is too long, and four slices of 15 s.
    assert_eq!(asked(&server).await.len(), 5);
}

#[tokio::test]
async fn a_native_histogram_is_a_reason_of_its_own() {
    let labels = [("__name__", "up")];
    let whole = samples();
    let chunk = Chunk {
        encoding: 2,
        samples: &whole,
    };
    let server = MockServer::start().await;
    let config = r#"{"data":{"yaml":"global: {}"}}"#;
    mount(
        &server,
        "api/v1/status/config",
        ResponseTemplate::new(200).set_body_string(config),
    )
    .await;
    mount(
        &server,
        "api/v1/read",
        streamed(stream(&[(&labels[..], vec![chunk])])),
    )
    .await;
    let answer = r#"{"data":{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"histograms":[[1,{"count":"1","sum":"1"}]]}]}}"#;
    mount(
        &server,
        "api/v1/query",
        ResponseTemplate::new(200).set_body_string(answer),
    )
    .await;
    let (series, outcome) = fetched(&client(&server.uri(), &[]), &metric("up")).await;
    assert!(series.is_empty());
    assert_eq!(outcome.unwrap_err().word(), Some("native_histogram"));
}

/// The resident memory of this process, bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        << 10
}

/// A server that answers a query with so many series of so many samples, written as they are asked for.
async fn large(series: usize, samples: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let _ = connection.read(&mut [0; 4096]).await;
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"data\":{\"resultType\":\"matrix\",\"result\":[";
        connection.write_all(head.as_bytes()).await.unwrap();
        let values: Vec<String> = (0..samples)
            .map(|k| format!("[{},\"{}\"]", 1 + k % 60, k as f64 / 7.0))
            .collect();
        let values = values.join(",");
        for number in 0..series {
            let comma = if number == 0 { "" } else { "," };
            let row = format!("{comma}{{\"metric\":{{\"n\":\"{number}\"}},\"values\":[{values}]}}");
            connection.write_all(row.as_bytes()).await.unwrap();
        }
        connection.write_all(b"]}}").await.unwrap();
    });
    url
}

#[tokio::test]
async fn a_large_answer_is_handed_on_while_it_arrives_and_is_never_held() {
    let (series, samples) = (1_500, 1_000);
    let prometheus = client(&large(series, samples).await, &[]);
    let (found, mut arriving) = mpsc::channel(8);
    let before = resident();
    let fetch = async {
        let metric = metric("rate(x[5m])");
        let outcome = prometheus.fetch(&metric, range(), &found).await;
        drop(found);
        outcome
    };
    let count = async {
        let (mut count, mut greatest) = (0, 0);
        while let Some(series) = arriving.recv().await {
            count += 1;
            assert_eq!(series.samples.len(), samples);
            greatest = greatest.max(resident());
        }
        (count, greatest)
    };
    let (outcome, (count, greatest)) = tokio::join!(fetch, count);
    outcome.unwrap();
    assert_eq!(count, series);
    // The body has 36 MB, the samples 24 MB.
    let grown = greatest.saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes");
}
