//! What servers do that are not the newest Prometheus, against stand-ins.

mod query_api;
mod remote_read;

use std::time::Duration;

use config::{Environment, PrometheusConfig};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use super::*;
use crate::{Query, metrics_file::Reading};

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
