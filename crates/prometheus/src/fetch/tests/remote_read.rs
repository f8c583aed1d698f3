//! Remote read, and what is done where it cannot be used.

use wiremock::matchers::method;

use super::*;
use crate::remote_read::testing::{Chunk, stream};

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
        assert!(!prometheus.is_query_only().await.unwrap());
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
        ("histograms", streamed(up(&[(2, &samples())]))),
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
async fn where_remote_read_cannot_be_tried_every_run_says_so() {
    let answered = |body: String| ResponseTemplate::new(200).set_body_string(body);
    let hidden = MockServer::start().await;
    let answer = matrix(&[(r#"{"__name__":"up","job":"a"}"#, &samples())]);
    mount(&hidden, "api/v1/query", answered(answer)).await;

    let by_get = server(ResponseTemplate::new(405)).await;
    Mock::given(method("POST"))
        .and(path("/api/v1/query_range"))
        .respond_with(ResponseTemplate::new(405))
        .mount(&by_get)
        .await;
    mount(&by_get, "api/v1/query_range", answered(matrix(&[]))).await;

    for (server, why) in [(hidden, "its configuration"), (by_get, "takes no POST")] {
        let prometheus = client(&server.uri(), &[]);
        let _ = fetched(&prometheus, &metric("rate(x[5m])")).await;
        for _ in 0..2 {
            let (series, outcome) = fetched(&prometheus, &metric("up")).await;
            assert_eq!(values(&series), samples(), "{why}");
            let warnings = outcome.unwrap().warnings;
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains(why), "{warnings:?}");
            assert!(prometheus.is_query_only().await.unwrap(), "{why}");
            assert!(warnings[0].contains("query API"), "{warnings:?}");
        }
        let asked = asked(&server).await;
        assert!(
            !asked.contains(&"POST /api/v1/read".to_owned()),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn where_remote_read_alone_is_forbidden_queries_go_on_by_post() {
    for status in [403, 405, 501] {
        let server = server(ResponseTemplate::new(status)).await;
        let prometheus = client(&server.uri(), &[]);
        for _ in 0..2 {
            fetched(&prometheus, &metric("up")).await.1.unwrap();
        }
        let (config, read, query) = (
            "GET /api/v1/status/config",
            "POST /api/v1/read",
            "POST /api/v1/query",
        );
        assert_eq!(asked(&server).await, [config, read, query, query]);
    }
}

#[tokio::test]
async fn a_remote_read_that_hangs_keeps_no_other_metric_from_being_read() {
    let hangs = ResponseTemplate::new(200).set_delay(Duration::from_secs(50));
    let server = server(hangs).await;
    let prometheus = client(&server.uri(), &[]);
    let (first, second) = (metric("up"), metric(r#"up{job="a"}"#));
    tokio::select! {
        biased;
        _ = fetched(&prometheus, &first) => panic!("the first read did not hang"),
        (series, outcome) = fetched(&prometheus, &second) => {
            outcome.unwrap();
            assert_eq!(values(&series), samples());
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

#[tokio::test]
async fn native_histograms_beside_numbers_are_left_out_with_a_word() {
    let server = server(ResponseTemplate::new(404)).await;
    let answer = r#"{"data":{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"values":[[1,"1"]],"histograms":[[2,{"count":"1","sum":"1"}]]}]}}"#;
    Mock::given(path("/api/v1/query"))
        .respond_with(ResponseTemplate::new(200).set_body_string(answer))
        .with_priority(1)
        .mount(&server)
        .await;
    let (series, outcome) = fetched(&client(&server.uri(), &[]), &metric("up")).await;
    assert_eq!(values(&series), [(1_000, 1.0)]);
    let warnings = outcome.unwrap().warnings;
    let said = "x: 1 series have native histograms beside numbers; these were left out";
    assert!(warnings.contains(&said.to_owned()), "{warnings:?}");
}

#[tokio::test]
async fn what_is_not_wanted_is_left_out_only_if_the_server_lists_all_there_is() {
    let listed = r#"[{"__name__":"up","job":"a"},{"__name__":"up","job":"b"}]"#;
    for (status, answer, left_out) in [
        (200, format!(r#"{{"data":{listed}}}"#), 1),
        (200, format!(r#"{{"data":{listed},"warnings":null}}"#), 1),
        (
            200,
            format!(r#"{{"data":{listed},"warnings":["a store is away"]}}"#),
            0,
        ),
        (200, r#"{"data":null}"#.to_owned(), 0),
        (200, "<html>".to_owned(), 0),
        (422, r#"{"error":"too many series"}"#.to_owned(), 0),
    ] {
        let server = server(streamed(up(&[(1, &samples())]))).await;
        let listing = ResponseTemplate::new(status).set_body_string(&answer);
        mount(&server, "api/v1/series", listing).await;
        let prometheus = client(&server.uri(), &[]);
        let (found, mut arriving) = mpsc::channel(100);
        let wanted = |labels: &Labels| labels.0.get("job").is_some_and(|job| job == "a");
        let fetched = prometheus
            .fetch_wanted(&metric("up"), range(), wanted, &found)
            .await
            .unwrap();
        drop(found);
        assert_eq!(fetched.left_out.len(), left_out, "{answer}");
        let series = arriving.recv().await.unwrap();
        assert_eq!(values(&[series]), samples());
    }
}
