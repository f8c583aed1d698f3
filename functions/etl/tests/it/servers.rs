//! Runs on servers that are no Prometheus: VictoriaMetrics, found in `VICTORIAMETRICS_URL`, and stand-ins.

use std::fmt::Write as _;

use uuid::Uuid;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use super::{assert_the_same_bytes, moment_ago};

/// A server that answers each query with these series, and says whether something is missing.
pub(super) async fn stand_in(is_partial: bool, series: &str) -> MockServer {
    let server = MockServer::start().await;
    let answer = format!(
        r#"{{"isPartial":{is_partial},"data":{{"resultType":"matrix","result":[{series}]}}}}"#
    );
    Mock::given(path("/api/v1/query"))
        .respond_with(ResponseTemplate::new(200).set_body_string(answer))
        .mount(&server)
        .await;
    server
}

/// Two hours of three series, a sample each 15 s, in the text format with times.
fn history(name: &str) -> String {
    let newest = moment_ago().millis() / 15_000 * 15_000;
    let mut text = String::new();
    for node in ["a", "b", "c"] {
        for back in 0..480 {
            let value = 40 + (back * 7_919 + node.len() as i64) % 23;
            let time = newest - back * 15_000;
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}{{node=\"{node}\"}} {value} {time}");
        }
    }
    text
}

#[tokio::test]
async fn another_server_gives_the_same_bytes_as_well() {
    let url = std::env::var("VICTORIAMETRICS_URL")
        .expect("VICTORIAMETRICS_URL is not set: run the tests with `cargo local test`");
    let name = format!("level_{}", Uuid::new_v4().simple());
    let client = http_client::direct().build().unwrap();
    let pushed = client
        .post(format!("{url}/api/v1/import/prometheus"))
        .body(history(&name))
        .send()
        .await
        .unwrap();
    assert!(pushed.status().is_success(), "{pushed:?}");
    // What it took is shown once it is flushed.
    let flushed = client
        .get(format!("{url}/internal/force_flush"))
        .send()
        .await
        .unwrap();
    assert!(flushed.status().is_success(), "{flushed:?}");
    let text = format!(
        "[[metric]]\nname = \"level\"\nquery = \"{name}\"\n\
         [[metric]]\nname = \"sum\"\nquery = \"sum(avg_over_time({name}[1m]))\"\n"
    );
    assert_the_same_bytes(&text, &[("PROMETHEUS_URL", &url)]).await;
}
