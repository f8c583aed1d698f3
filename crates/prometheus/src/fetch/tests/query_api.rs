//! The query API: methods, logins, refusals, long ranges and large answers.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{
    Request,
    matchers::{any, bearer_token, method},
};

use super::*;

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
async fn a_query_that_is_too_long_for_a_get_is_tried_by_post() {
    let (by_post, by_get) = ("POST /api/v1/query_range", "GET /api/v1/query_range");
    for (status, post) in [(414, 200), (431, 200), (414, 405)] {
        let server = MockServer::start().await;
        let answer = matrix(&[("{}", &samples())]);
        let good = ResponseTemplate::new(200).set_body_string(answer);
        // The first query shows that it takes no POST.
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(405))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        Mock::given(method("GET"))
            .respond_with(good.clone())
            .up_to_n_times(1)
            .mount(&server)
            .await;
        let of_post = if post == 200 {
            good
        } else {
            ResponseTemplate::new(post)
        };
        Mock::given(method("POST"))
            .respond_with(of_post)
            .mount(&server)
            .await;
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(status))
            .mount(&server)
            .await;
        let prometheus = client(&server.uri(), &[]);
        fetched(&prometheus, &metric("rate(x[5m])"))
            .await
            .1
            .unwrap();
        let (series, outcome) = fetched(&prometheus, &metric("rate(x[5m])")).await;
        if post == 200 {
            outcome.unwrap();
            assert_eq!(values(&series), samples());
        } else {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains("414"), "{error}");
        }
        assert_eq!(asked(&server).await, [by_post, by_get, by_get, by_post]);
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
async fn a_query_part_of_the_address_goes_with_each_request_and_is_in_the_form_of_a_post() {
    let server = server(ResponseTemplate::new(404)).await;
    let url = format!("{}/?namespace=team+a&dedup=true", server.uri());
    let prometheus = client(&url, &[]);
    fetched(&prometheus, &metric("up")).await.1.unwrap();
    let _ = fetched(&prometheus, &metric("rate(x[5m])")).await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(405))
        .with_priority(1)
        .mount(&server)
        .await;
    let _ = fetched(&prometheus, &metric("rate(x[5m])")).await;
    let requests = server.received_requests().await.unwrap();
    let ranges: Vec<String> = requests
        .iter()
        .filter(|request| request.url.path().ends_with("query_range"))
        .map(|request| format!("{}{}", request.url, String::from_utf8_lossy(&request.body)))
        .collect();
    // VictoriaMetrics would hold the last 30 s back.
    assert!(
        ranges
            .iter()
            .all(|asked| asked.contains("latency_offset=1ms")),
        "{ranges:?}"
    );
    for request in &requests {
        let query = request.url.query().unwrap();
        assert!(query.starts_with("namespace=team+a&dedup=true"), "{query}");
        let is_form = request.method == "POST" && !request.url.path().ends_with("/read");
        let body = String::from_utf8_lossy(&request.body);
        assert_eq!(
            body.contains("namespace=team+a&dedup=true"),
            is_form,
            "{} {body}",
            request.url
        );
    }
    let last = requests.last().unwrap();
    assert_eq!(last.method, "GET");
    assert!(last.url.query().unwrap().contains("query=rate"));
}

#[tokio::test]
async fn a_server_that_refuses_unknown_parameters_is_asked_without_them_from_then_on() {
    let server = MockServer::start().await;
    let answer = matrix(&[("{}", &samples())]);
    Mock::given(path("/api/v1/query_range"))
        .respond_with(move |request: &Request| {
            let form = String::from_utf8_lossy(&request.body);
            if form.contains("latency_offset") {
                let said = r#"{"error":{"code":400,"message":"Unknown name \"latency_offset\": Cannot bind query parameter."}}"#;
                return ResponseTemplate::new(400).set_body_string(said);
            }
            ResponseTemplate::new(200).set_body_string(answer.clone())
        })
        .mount(&server)
        .await;
    let prometheus = client(&server.uri(), &[]);
    for requests in [2, 3] {
        let (series, outcome) = fetched(&prometheus, &metric("rate(x[5m])")).await;
        outcome.unwrap();
        assert_eq!(values(&series), samples());
        assert_eq!(asked(&server).await.len(), requests);
    }
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

/// A server that answers for at most so many seconds at once, and how it says that.
async fn short_ranges(seconds: f64, status: u16, said: &'static str) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/api/v1/query_range"))
        .respond_with(move |request: &Request| {
            let form: std::collections::HashMap<String, String> =
                url::form_urlencoded::parse(&request.body)
                    .into_owned()
                    .collect();
            let second = |name: &str| form[name].parse::<f64>().unwrap();
            let (start, end) = (second("start"), second("end"));
            if end - start > seconds {
                return ResponseTemplate::new(status).set_body_string(said);
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
    server
}

#[tokio::test]
async fn a_range_that_is_too_long_for_the_server_is_asked_in_slices() {
    for (status, said) in [
        (
            422,
            r#"{"error":"query processing would load too many samples into memory"}"#,
        ),
        (413, "response larger than the max (26214400 vs 20971520)"),
        (500, r#"{"error":"exceeded chunks limit"}"#),
    ] {
        let server = short_ranges(20.0, status, said).await;
        let (series, outcome) = fetched(&client(&server.uri(), &[]), &metric("rate(x[5m])")).await;
        outcome.unwrap();
        assert_eq!(series.len(), 1, "{said}");
        assert_eq!(values(&series), samples(), "{said}");
        // One that is too long, and four slices of 15 s.
        assert_eq!(asked(&server).await.len(), 5, "{said}");
    }
}

#[tokio::test]
async fn a_range_of_which_every_slice_is_too_long_fails_as_the_server_said_last() {
    for (status, is_unreachable) in [(413, false), (500, true)] {
        let server = short_ranges(-1.0, status, "exceeded chunks limit").await;
        let (series, outcome) = fetched(&client(&server.uri(), &[]), &metric("rate(x[5m])")).await;
        assert!(series.is_empty());
        let error = outcome.unwrap_err();
        assert_eq!(error.is_unreachable(), is_unreachable, "{error}");
        assert!(
            error.to_string().contains("exceeded chunks limit"),
            "{error}"
        );
        // Each time the first slice.
        assert_eq!(asked(&server).await.len(), 4, "{status}");
    }
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

#[tokio::test]
async fn a_login_that_is_refused_is_read_again() {
    let server = MockServer::start().await;
    let answer = matrix(&[(r#"{"job":"a"}"#, &samples())]);
    Mock::given(bearer_token("new"))
        .respond_with(ResponseTemplate::new(200).set_body_string(answer))
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(401))
        .mount(&server)
        .await;
    let url = server.uri();
    for (read_again, is_read, reads) in [("new", true, 1), ("wrong", false, 1)] {
        let config = |token: &'static str| {
            let variables = [
                ("PROMETHEUS_URL", url.as_str()),
                ("PROMETHEUS_AUTH", "bearer"),
                ("PROMETHEUS_TOKEN", token),
            ];
            PrometheusConfig::read(&variables.into_iter().collect()).unwrap()
        };
        let count = Arc::new(AtomicUsize::new(0));
        let renewed = config(read_again);
        let read = {
            let count = count.clone();
            move || {
                count.fetch_add(1, Ordering::Relaxed);
                let renewed = renewed.clone();
                async move { Ok::<_, String>(renewed) }
            }
        };
        let prometheus = Prometheus::new(&config("old")).unwrap().renewed_by(read);
        let metric = metric("sum(x)");
        // Those that ask at one time read it once; it is left alone for a while.
        let (one, other) =
            tokio::join!(fetched(&prometheus, &metric), fetched(&prometheus, &metric));
        let later = fetched(&prometheus, &metric).await;
        for (_, outcome) in [one, other, later] {
            assert_eq!(outcome.is_ok(), is_read, "{outcome:?}");
        }
        assert_eq!(count.load(Ordering::Relaxed), reads, "{read_again}");
    }
}
