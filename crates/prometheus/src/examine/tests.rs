use chrono::Utc;
use config::{Environment, PrometheusConfig};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::path};

use super::*;

async fn examined(url: &str) -> Server {
    examined_with(url, &[]).await
}

async fn examined_with(url: &str, more: &[(&str, &str)]) -> Server {
    let variables = [("PROMETHEUS_URL", url)].into_iter();
    let environment = Environment::from_iter(variables.chain(more.iter().copied()));
    let prometheus = Prometheus::new(&PrometheusConfig::read(&environment).unwrap()).unwrap();
    prometheus.examine(Utc::now().into()).await
}

#[tokio::test]
async fn a_server_that_cannot_be_read_comes_with_what_to_change() {
    let answer = |status: u16, body: &str| ResponseTemplate::new(status).set_body_string(body);
    for (answer, words, advice) in [
        (answer(401, "no org id"), "no org id", "X-Scope-OrgID"),
        (answer(403, "RBAC"), "RBAC", "PROMETHEUS_AUTH"),
        (
            answer(404, "not found"),
            "404",
            "what stands before /api/v1",
        ),
        (
            answer(200, "<title>Grafana</title>"),
            "begins with `<title>Grafana</title>`",
            "no API of a Prometheus",
        ),
        (answer(200, ""), "it is empty", "no API of a Prometheus"),
        (answer(200, "{}"), "missing field", "no API of a Prometheus"),
    ] {
        let server = MockServer::start().await;
        let everything = Mock::given(wiremock::matchers::any());
        everything.respond_with(answer).mount(&server).await;
        let found = examined(&server.uri()).await;
        let [way] = &found.ways[..] else {
            panic!("{found:?}")
        };
        assert!(found.answers && !way.works, "{found:?}");
        assert!(way.remark.contains(words), "{found:?}");
        assert!(found.advice.join(" ").contains(advice), "{found:?}");
    }
    // Nobody listens at a port that was just given up.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let found = examined(&format!("http://127.0.0.1:{port}")).await;
    assert!(!found.answers && !found.ways[0].works, "{found:?}");
    assert!(found.advice[0].contains("--prometheus"), "{found:?}");
}

#[tokio::test]
async fn a_login_that_is_refused_is_told_apart_from_one_that_is_missing() {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(401))
        .mount(&server)
        .await;
    let login = [("PROMETHEUS_AUTH", "bearer"), ("PROMETHEUS_TOKEN", "old")];
    for (login, said) in [
        (&login[..], "refuses the login that was given"),
        (&[][..], "wants a login"),
    ] {
        let found = examined_with(&server.uri(), login).await;
        assert!(found.advice[0].contains(said), "{found:?}");
    }
}

#[tokio::test]
async fn a_server_that_holds_expressions_back_comes_with_the_settle_it_needs() {
    for (held_back, advice) in [(0, None), (30, Some("SETTLE=45s"))] {
        let server = MockServer::start().await;
        let one = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        Mock::given(path("/api/v1/query"))
            .respond_with(ResponseTemplate::new(200).set_body_string(one))
            .mount(&server)
            .await;
        Mock::given(path("/api/v1/query_range"))
            .respond_with(move |request: &Request| {
                let form = url::form_urlencoded::parse(&request.body);
                let end = form.into_iter().find(|(name, _)| name == "end").unwrap();
                let end: f64 = end.1.parse().unwrap();
                let newest = end - f64::from(held_back);
                let matrix = format!(
                    r#"{{"data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":[[{end},"{newest}"]]}}]}}}}"#
                );
                ResponseTemplate::new(200).set_body_string(matrix)
            })
            .mount(&server)
            .await;
        let found = examined(&server.uri()).await;
        assert!(found.ways[0].works, "{found:?}");
        match advice {
            Some(advice) => assert!(found.advice[0].contains(advice), "{found:?}"),
            None => assert!(found.advice.is_empty(), "{found:?}"),
        }
    }
}
