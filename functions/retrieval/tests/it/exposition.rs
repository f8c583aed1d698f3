//! `GET /metrics` as `OpenMetrics` and as Prometheus' text.

use std::time::Duration;

use domain::{
    Labels,
    evaluation::{ForecastRisk, Outlook},
    events::SliceCounts,
    sla::{AnyObjective, Draft, ExclusionDraft},
};
use lambda_http::Body;
use serde_json::{Value, json};
use store::{
    pipeline::Document,
    sla::Condition,
    testing::{CountedEvents, Documents, TestDatabase, recorded},
};

use crate::{
    programs::said,
    service::{Service, json as document, time},
};

pub(crate) const AS_OF: &str = "2026-11-23T08:45:00Z";
const CREATED: &str = "2026-11-23T08:00:00Z";
const OPENMETRICS: &str = "application/openmetrics-text";
/// A label's value that has to be escaped.
pub(crate) const HOSTILE: &str = "b\"\\\n</svg>é";

/// A database with the SLA `web`: a range on two series, and events by two labels.
pub(crate) async fn web() -> (TestDatabase, Service) {
    let database = TestDatabase::create().await;
    let draft = Draft::parse(&json!({"objectives": [
        {"id": "cpu", "metric": "cpuUsage", "labels": {"job": "node"}, "max": 80, "for": "1m",
            "target": 0.99, "budget_window": "1d"},
        {"id": "availability", "events": {"bad": "errors_total", "total": "requests_total"},
            "by": ["http.route", "window"], "target": 0.99, "budget_window": "1h"},
        {"id": "memory", "metric": "memory", "max": 80}
    ]}))
    .unwrap();
    let store = database.store();
    let made = store.put_sla("web", &draft.objectives, &Condition::Any, time(CREATED));
    made.await.unwrap();
    let mut documents = Vec::new();
    for objective in &draft.objectives {
        match objective {
            AnyObjective::Range(range) if range.id.as_str() == "cpu" => {
                for (instance, probability) in [("a", 0.25), (HOSTILE, 0.5)] {
                    let about = Documents::about("cpuUsage", instance).under("web");
                    let samples: Vec<(u64, f64)> = (0..40)
                        .map(|k| {
                            (
                                k * 15,
                                if (10..20).contains(&k) && probability > 0.3 {
                                    90.0
                                } else {
                                    37.0
                                },
                            )
                        })
                        .collect();
                    let judged = about.violations_of(range, &samples, time(AS_OF));
                    documents.push(with_risk(judged, probability));
                    documents.push(about.prediction(time(AS_OF)));
                    documents.push(about.metrics(time(AS_OF)));
                }
            }
            AnyObjective::Events(objective) => {
                let counted = CountedEvents {
                    sla: "web".parse().unwrap(),
                    version: 1,
                    objective: objective.clone(),
                };
                for (labels, bad) in [
                    (Labels::default(), 3.0),
                    (
                        [("http.route", "/x"), ("window", "w")]
                            .into_iter()
                            .collect(),
                        2.0,
                    ),
                    ([("http.route", "/y")].into_iter().collect(), 1.0),
                ] {
                    let minutes = counted.document(&labels, time(AS_OF), |minute| SliceCounts {
                        end: minute.end(),
                        sums: [bad, 100.0],
                        measured: true,
                        reach: Some(minute.start()),
                    });
                    documents.push(minutes);
                }
            }
            AnyObjective::Range(_) => {}
        }
    }
    store.store_batch(&recorded(documents), &[]).await.unwrap();
    let service = Service::patient(store.clone());
    (database, service)
}

fn with_risk(judged: Document, probability: f64) -> Document {
    let Document::Violations(mut judged) = judged else {
        unreachable!("a judgement is one");
    };
    judged.outlook = Outlook::Forecast(ForecastRisk {
        probability,
        expected_violations: 2.0 * probability,
        ..ForecastRisk::default()
    });
    Document::Violations(judged)
}

/// The value of a line; `None` if there is no such line.
fn value(text: &str, name: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

fn hold(text: &str, expected: &[(&str, Option<f64>)]) {
    for (name, expected) in expected {
        let found = value(text, name);
        let is_it = match (found, *expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
            (found, expected) => found == expected,
        };
        assert!(
            is_it,
            "{name}: {found:?} instead of {expected:?} in\n{text}"
        );
    }
}

#[tokio::test]
async fn the_answer_is_json_unless_another_type_is_wanted_more() {
    let (_database, service) = web().await;
    let (json, openmetrics, text) = (
        "application/json",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "text/plain; version=0.0.4; charset=utf-8",
    );
    for (accept, expected) in [
        (None, json),
        (Some("*/*"), json),
        (Some("application/*"), json),
        (Some("image/png"), json),
        (
            Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            json,
        ),
        (Some("application/json, application/openmetrics-text"), json),
        (Some("application/openmetrics-text"), openmetrics),
        (
            Some("application/openmetrics-text;version=0.0.1, text/plain;q=0.5"),
            text,
        ),
        (
            Some("application/openmetrics-text, text/plain"),
            openmetrics,
        ),
        (
            Some("text/plain;version=0.0.4, application/openmetrics-text;q=0.9"),
            text,
        ),
        (Some("text/*"), text),
        (Some("application/json;q=0.1, text/plain;q=0.2"), text),
        (Some("application/json;q=0.2, text/plain;q=0.2"), json),
    ] {
        let headers: Vec<(&str, &str)> = accept
            .map(|accept| ("accept", accept))
            .into_iter()
            .collect();
        let reply = service
            .reply_to("GET", "/metrics", &headers, Body::Empty)
            .await;
        assert_eq!(reply.headers()["content-type"], expected, "{accept:?}");
        assert_eq!(reply.headers()["vary"], "Accept, Authorization");
        assert_eq!(reply.headers()["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn objectives_groups_and_runs_are_shown_in_numbers() {
    let (_database, service) = web().await;
    let text = service.text("/metrics", OPENMETRICS).await;
    assert!(text.ends_with("# EOF\n"), "{text}");
    let as_of = time(AS_OF).millis() as f64 / 1000.0;
    hold(
        &text,
        &[
            (
                r#"slacast_evaluation_timestamp_seconds{objective="cpu",sla="web"}"#,
                Some(as_of),
            ),
            (
                r#"slacast_evaluation_timestamp_seconds{objective="memory",sla="web"}"#,
                None,
            ),
            (
                r#"slacast_objective_state{objective="cpu",sla="web",state="ok"}"#,
                Some(1.0),
            ),
            (
                r#"slacast_objective_state{objective="cpu",sla="web",state="firing"}"#,
                Some(0.0),
            ),
            (r#"slacast_sla_state{sla="web",state="no_data"}"#, Some(1.0)),
            (
                r#"slacast_objective_series{objective="cpu",sla="web",state="ok"}"#,
                Some(2.0),
            ),
            (
                r#"slacast_objective_violations{objective="cpu",sla="web",window="1h"}"#,
                Some(1.0),
            ),
            (
                r#"slacast_objective_violation_seconds{objective="cpu",sla="web",window="12h"}"#,
                Some(150.0),
            ),
            (
                r#"slacast_objective_violation_probability{horizon="10m",objective="cpu",sla="web"}"#,
                Some(0.5),
            ),
            (
                r#"slacast_objective_expected_violations{horizon="10m",objective="cpu",sla="web"}"#,
                Some(1.5),
            ),
            (
                r#"slacast_objective_bad_seconds{objective="cpu",sla="web"}"#,
                Some(150.0),
            ),
            (
                r#"slacast_objective_target_ratio{objective="availability",sla="web"}"#,
                Some(0.99),
            ),
            (
                r#"slacast_objective_sli_ratio{objective="availability",sla="web"}"#,
                Some(0.97),
            ),
            (
                r#"slacast_objective_events{objective="availability",quality="bad",sla="web"}"#,
                Some(45.0),
            ),
            (
                r#"slacast_objective_burn_rate{objective="availability",sla="web",window="5m"}"#,
                Some(3.0),
            ),
            (
                r#"slacast_objective_burn_rate{objective="availability",sla="web",window="1h"}"#,
                None,
            ),
            (
                r#"slacast_group_sli_ratio{http_route="/x",objective="availability",series_window="w",sla="web"}"#,
                None,
            ),
            (
                r#"slacast_group_sli_ratio{http_route="/x",objective="availability",sla="web",window="w"}"#,
                Some(0.98),
            ),
            (
                r#"slacast_group_burn_rate{http_route="/x",objective="availability",series_window="w",sla="web",window="5m"}"#,
                Some(2.0),
            ),
            (
                r#"slacast_group_sli_ratio{http_route="/y",objective="availability",sla="web"}"#,
                Some(0.99),
            ),
            ("slacast_run_timestamp_seconds", Some(as_of)),
            ("slacast_run_samples", Some(2880.0)),
            (
                r#"slacast_run_stage_duration_seconds{stage="total"}"#,
                Some(0.081_25),
            ),
        ],
    );
    let quoted = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8";
    let text = service.text("/metrics", quoted).await;
    let line = r#"slacast_group_sli_ratio{"http.route"="/y",objective="availability",sla="web"}"#;
    hold(&text, &[(line, Some(0.99))]);
}

#[tokio::test]
async fn excluded_time_counts_for_nothing() {
    let (database, service) = web().await;
    let draft = ExclusionDraft {
        from: time(AS_OF) - Duration::from_secs(600),
        to: time(AS_OF),
        rule: None,
        reason: "upgrade".to_owned(),
        objective: Some("cpu".parse().unwrap()),
    };
    let made = database
        .store()
        .create_exclusion("web", &draft, time(AS_OF));
    made.await.unwrap();
    let text = service.text("/metrics", OPENMETRICS).await;
    hold(
        &text,
        &[
            (
                r#"slacast_objective_violations{objective="cpu",sla="web",window="1h"}"#,
                Some(0.0),
            ),
            (
                r#"slacast_objective_violation_seconds{objective="cpu",sla="web",window="1h"}"#,
                Some(0.0),
            ),
            (
                r#"slacast_objective_bad_seconds{objective="cpu",sla="web"}"#,
                Some(0.0),
            ),
        ],
    );
}

#[tokio::test]
async fn what_is_known_of_series_is_shown_where_it_is_asked_for() {
    let (_database, service) = web().await;
    let forecast = service.get("/predict?label.instance=a").await;
    let path = forecast["predictions"][0]["path"].as_array().unwrap();
    let last = |field: &str| path.last().unwrap()[field].as_f64();
    let text = service.text("/metrics?collect=series", "text/plain").await;
    let series = r#"instance="a",job="node",metric="cpuUsage""#;
    let escaped = r#"instance="b\"\\\n</svg>é",job="node",metric="cpuUsage""#;
    hold(
        &text,
        &[
            (
                &format!(r#"slacast_forecast_middle{{horizon="10m",{series}}}"#),
                last("median"),
            ),
            (
                &format!(r#"slacast_forecast_lower{{horizon="10m",{series}}}"#),
                last("lower"),
            ),
            (
                &format!(r#"slacast_forecast_upper{{horizon="10m",{escaped}}}"#),
                last("upper"),
            ),
            (
                &format!(
                    r#"slacast_series_state{{{escaped},objective="cpu",sla="web",state="ok"}}"#
                ),
                Some(1.0),
            ),
            (
                &format!(
                    r#"slacast_series_violation_probability{{horizon="10m",{series},objective="cpu",sla="web"}}"#
                ),
                Some(0.25),
            ),
            ("slacast_run_samples", None),
        ],
    );
    for (filter, lines) in [
        ("metric=cpuUsage", 2),
        ("metric=memory", 0),
        ("label.instance=a", 1),
        ("sla=web", 2),
        ("sla=other", 0),
        ("objective=cpu", 2),
        ("objective=memory", 0),
    ] {
        let uri = format!("/metrics?collect=series&{filter}");
        let text = service.text(&uri, OPENMETRICS).await;
        let found = text
            .lines()
            .filter(|line| line.starts_with("slacast_forecast_middle{"));
        assert_eq!(found.count(), lines, "{filter}: {text}");
    }
}

#[tokio::test]
async fn budgets_have_sloths_names_where_they_are_asked_for() {
    let (_database, service) = web().await;
    let text = service.text("/metrics?names=sloth", OPENMETRICS).await;
    let labels = r#"sloth_id="web-availability",sloth_service="web",sloth_slo="availability""#;
    hold(
        &text,
        &[
            (
                &format!(r#"slo:sli_error:ratio_rate5m{{{labels},sloth_window="5m"}}"#),
                Some(0.03),
            ),
            (
                &format!(r#"slo:sli_error:ratio_rate1h{{{labels},sloth_window="1h"}}"#),
                Some(0.03),
            ),
            (&format!("slo:error_budget:ratio{{{labels}}}"), Some(0.01)),
            (&format!("slo:objective:ratio{{{labels}}}"), Some(0.99)),
            (
                &format!("slo:period_burn_rate:ratio{{{labels}}}"),
                Some(3.0),
            ),
            (
                &format!("slo:period_error_budget_remaining:ratio{{{labels}}}"),
                Some(-2.0),
            ),
        ],
    );
    assert!(!text.contains("slacast_"), "{text}");
    // Both objectives have a budget window that a burn rate also has: it is said once.
    assert!(!text.contains("sloth_window_"), "{text}");
}

#[tokio::test]
async fn promtool_finds_nothing_to_say() {
    let (_database, service) = web().await;
    for uri in ["/metrics", "/metrics?collect=series", "/metrics?sla=web"] {
        let text = service.text(uri, "text/plain").await;
        let said = said("promtool", &["check", "metrics"], &text);
        let words = [said.stdout, said.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        assert!(
            said.status.success() && words.is_empty(),
            "{uri}: {words}\n{text}"
        );
    }
}

#[tokio::test]
async fn a_stale_objective_is_left_out() {
    let (database, _) = web().await;
    let service = Service::new(database.store().clone());
    for uri in [
        "/metrics",
        "/metrics?collect=series",
        "/metrics?names=sloth",
    ] {
        let text = service.text(uri, OPENMETRICS).await;
        for name in [
            "slacast_objective_",
            "slacast_sla_",
            "slacast_forecast_lower",
            "slo:",
        ] {
            assert!(!text.contains(name), "{uri}: {text}");
        }
    }
}

#[tokio::test]
async fn other_parameters_are_refused() {
    let (_database, service) = web().await;
    for (query, parameter) in [
        ("collect=objectives", "collect"),
        ("names=prometheus", "names"),
        ("limit=10", "limit"),
        ("cursor=x", "cursor"),
        ("metric=cpuUsage", "metric"),
        ("collect=series&names=sloth", "names"),
        ("window=1h", "window"),
    ] {
        let uri = format!("/metrics?{query}");
        let headers = [("accept", OPENMETRICS)];
        let reply = service.reply_to("GET", &uri, &headers, Body::Empty).await;
        assert_eq!(reply.status(), 400, "{query}");
        let problem: Value = document(&reply);
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{problem}");
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused_whole_and_says_how_to_ask_for_less() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let long = "x".repeat(4_000);
    let about = |metric: &str, number: u32| {
        let about = Documents::about(metric, &format!("{long}{number}"));
        about.prediction(time(AS_OF))
    };
    let many: Vec<Document> = (0..700).map(|number| about("cpuUsage", number)).collect();
    for documents in many.chunks(100) {
        store.store_batch(documents, &[]).await.unwrap();
    }
    store.store_batch(&[about("memory", 1)], &[]).await.unwrap();
    let service = Service::patient(store.clone());
    for accept in [OPENMETRICS, "text/plain"] {
        let headers = [("accept", accept)];
        let ask = async |uri: &str| service.reply_to("GET", uri, &headers, Body::Empty).await;
        let refused = ask("/metrics?collect=series").await;
        assert_eq!(refused.status(), 413, "{accept}");
        let problem: Value = document(&refused);
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("bytes") && detail.contains("metric"),
            "{detail}"
        );
        let fits = ask("/metrics?collect=series&metric=memory").await;
        assert_eq!(fits.status(), 200, "{accept}");
    }
}
