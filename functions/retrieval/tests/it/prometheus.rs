//! `/prometheus/api/v1`, asked as Grafana's Prometheus data source asks.

use std::time::Duration;

use domain::{Bucket, BucketLength, message::HistoryDocument};
use lambda_http::Body;
use serde_json::{Value, json};
use store::{
    pipeline::Document,
    testing::{Documents, TestDatabase},
};

use crate::{
    exposition::{AS_OF, HOSTILE, web},
    service::{Service, json as document, time},
};

const API: &str = "/prometheus/api/v1";

/// The SLA `web`, and an hour of what a series was like: a bucket's average is the minute of its end.
pub(crate) async fn filled() -> (TestDatabase, Service) {
    let (database, service) = web().await;
    let length = BucketLength::FiveMinutes;
    let end = |k: u32| time(AS_OF) - k * length.duration();
    let buckets = (0..12).rev().map(|k| Bucket {
        end: end(k),
        min: Some(1.0),
        max: None,
        average: Some(f64::from(45 - 5 * k.min(9))),
        samples: 5,
    });
    let history = Document::History(HistoryDocument {
        series: Documents::about("cpuUsage", "a").series().id(),
        as_of: time(AS_OF),
        buckets: buckets.collect(),
    });
    let store = database.store();
    store.store_batch(&[history], &[]).await.unwrap();
    (database, service)
}

/// What a GET answers.
async fn get(service: &Service, path: &str, parameters: &[(&str, &str)]) -> (u16, Value) {
    let query = form(parameters);
    let reply = service.reply("GET", &format!("{API}/{path}?{query}")).await;
    (reply.status().as_u16(), document(&reply))
}

/// What a POST answers, which is what the GET does.
pub(crate) async fn asked(service: &Service, path: &str, parameters: &[(&str, &str)]) -> Value {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = Body::from(form(parameters));
    let reply = service
        .reply_to("POST", &format!("{API}/{path}"), &headers, body)
        .await;
    let posted = document(&reply);
    assert_eq!(reply.status(), 200, "{path}: {posted}");
    assert_eq!((200, posted.clone()), get(service, path, parameters).await);
    assert_eq!(posted["status"], "success");
    posted["data"].clone()
}

fn form(parameters: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let bytes = text.bytes();
        bytes.map(|byte| format!("%{byte:02X}")).collect()
    };
    let pairs = parameters.iter();
    let pairs = pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn the_data_source_is_tested() {
    let (_database, service) = filled().await;
    let found = asked(
        &service,
        "query",
        &[("query", "1+1"), ("time", "1795423500")],
    )
    .await;
    assert_eq!(
        found,
        json!({"resultType": "scalar", "result": [1_795_423_500.0, "2"]})
    );
    let build = asked(&service, "status/buildinfo", &[]).await;
    assert!(build["version"].is_string(), "{build}");
    let constant = [
        ("query", "2^10"),
        ("start", "0"),
        ("end", "60"),
        ("step", "30"),
    ];
    let found = asked(&service, "query_range", &constant).await;
    let values = json!([[0.0, "1024"], [30.0, "1024"], [60.0, "1024"]]);
    assert_eq!(found["result"], json!([{"metric": {}, "values": values}]));
}

#[tokio::test]
async fn variables_are_filled() {
    let (_database, service) = filled().await;
    let names = asked(&service, "label/__name__/values", &[]).await;
    let names = names.as_array().unwrap();
    for name in [
        "slacast_objective_state",
        "slacast_history_average",
        "slacast_forecast_middle",
    ] {
        assert!(names.contains(&json!(name)), "{name}");
    }
    for (label, selector, expected) in [
        (
            "objective",
            "slacast_objective_state",
            json!(["availability", "cpu"]),
        ),
        (
            "instance",
            r#"slacast_history_average{metric="cpuUsage"}"#,
            json!(["a", HOSTILE]),
        ),
        (
            "metric",
            r#"slacast_forecast_middle{instance!="a"}"#,
            json!(["cpuUsage"]),
        ),
        ("window", "slacast_group_state", json!(["w"])),
        ("nothing", "slacast_objective_state", json!([])),
    ] {
        let path = format!("label/{label}/values");
        let parameters = [("match[]", selector), ("start", "0"), ("end", "1")];
        let found = asked(&service, &path, &parameters).await;
        assert_eq!(found, expected, "{label} of {selector}");
    }
    let labels = asked(
        &service,
        "labels",
        &[("match[]", "slacast_group_burn_rate")],
    )
    .await;
    let expected = json!([
        "__name__",
        "http.route",
        "objective",
        "series_window",
        "sla",
        "window"
    ]);
    assert_eq!(labels, expected);
    let all = asked(&service, "labels", &[]).await;
    assert!(all.as_array().unwrap().contains(&json!("horizon")), "{all}");
    let series = [
        ("match[]", r#"slacast_objective_target_ratio{sla="web"}"#),
        ("match[]", "slacast_history_min"),
    ];
    let series = asked(&service, "series", &series).await;
    assert_eq!(series.as_array().unwrap().len(), 4, "{series}");
    let target =
        json!({"__name__": "slacast_objective_target_ratio", "sla": "web", "objective": "cpu"});
    assert!(series.as_array().unwrap().contains(&target), "{series}");
    for path in ["label/__name__/values", "labels", "metadata"] {
        let some = asked(&service, path, &[("limit", "2")]).await;
        let count = some.as_array().map(Vec::len);
        let count = count.or_else(|| some.as_object().map(serde_json::Map::len));
        assert_eq!(count, Some(2), "{path}");
    }
    let metadata = asked(
        &service,
        "metadata",
        &[("metric", "slacast_objective_burn_rate")],
    )
    .await;
    assert_eq!(metadata["slacast_objective_burn_rate"][0]["type"], "gauge");
}

#[tokio::test]
async fn a_panel_shows_what_was_and_what_is_to_come() {
    let (_database, service) = filled().await;
    let panel = [
        (
            "query",
            r#"slacast_history_average{metric="cpuUsage",instance=~"a|b"}"#,
        ),
        ("start", "2026-11-23T08:20:00Z"),
        ("end", "2026-11-23T08:55:00Z"),
        ("step", "300"),
    ];
    let found = asked(&service, "query_range", &panel).await;
    let series = &found["result"][0];
    assert_eq!(
        series["metric"],
        json!({"__name__": "slacast_history_average", "metric": "cpuUsage", "instance": "a", "job": "node"})
    );
    let values: Vec<&str> = series["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value[1].as_str().unwrap())
        .collect();
    // A point counts for 5 minutes after the end of its bucket.
    assert_eq!(values, ["20", "25", "30", "35", "40", "45", "45"]);
    let predicted = service.get("/predict?label.instance=a").await;
    let path = predicted["predictions"][0]["path"]
        .as_array()
        .unwrap()
        .clone();
    let at = |k: usize| path[k]["time"].as_str().unwrap();
    let panel = [
        ("query", r#"slacast_forecast_middle{instance="a"}"#),
        ("start", at(0)),
        ("end", at(1)),
        ("step", "60s"),
    ];
    let found = asked(&service, "query_range", &panel).await;
    let values = found["result"][0]["values"].as_array().unwrap();
    let first: f64 = values[0][1].as_str().unwrap().parse().unwrap();
    assert!(
        (first - path[0]["median"].as_f64().unwrap()).abs() < 1e-12,
        "{found}"
    );
}

#[tokio::test]
async fn a_selector_looks_where_it_says() {
    let (_database, service) = filled().await;
    for (query, time, expected) in [
        (
            r#"slacast_history_average{instance="a"}"#,
            "2026-11-23T08:41:00Z",
            Some("40"),
        ),
        (
            r#"slacast_history_average{instance="a"} offset 10m"#,
            "2026-11-23T08:41:00Z",
            Some("30"),
        ),
        (
            r#"slacast_history_average{instance="a"} @ 1795423200"#,
            "2026-11-23T10:00:00Z",
            Some("40"),
        ),
        (
            r#"slacast_history_average{instance="a"}"#,
            "2026-11-23T08:50:00Z",
            Some("45"),
        ),
        (
            r#"slacast_history_average{instance="a"}"#,
            "2026-11-23T08:50:01Z",
            None,
        ),
        (
            r#"slacast_history_max{instance="a"}"#,
            "2026-11-23T08:41:00Z",
            None,
        ),
        (
            r#"slacast_objective_state{objective="cpu",state="ok"}"#,
            AS_OF,
            Some("1"),
        ),
        (
            r#"slacast_objective_state{objective="cpu",state="ok"}"#,
            "2026-11-23T08:50:01Z",
            None,
        ),
        (r#"{__name__="slacast_run_samples"}"#, AS_OF, Some("2880")),
        ("slacast_run_samples{sla=\"web\"}", AS_OF, None),
    ] {
        let found = asked(&service, "query", &[("query", query), ("time", time)]).await;
        assert_eq!(found["resultType"], "vector");
        let value = found["result"][0]["value"][1].as_str();
        assert_eq!(value, expected, "{query} at {time}: {found}");
    }
}

#[tokio::test]
async fn what_is_malformed_or_not_offered_is_an_error_in_prometheus_shape() {
    let (_database, service) = filled().await;
    let long = [
        ("query", "1"),
        ("start", "0"),
        ("end", "110001"),
        ("step", "10"),
    ];
    let many = [
        ("query", "1"),
        ("start", "0"),
        ("end", "110001"),
        ("step", "1"),
    ];
    assert_eq!(get(&service, "query_range", &long).await.0, 200);
    for (path, parameters, status, kind) in [
        ("query", &[("query", "up{")][..], 400, "bad_data"),
        ("query", &[][..], 400, "bad_data"),
        ("query", &[("query", "1"), ("time", "x")], 400, "bad_data"),
        ("query", &[("query", "sum(up)")], 422, "execution"),
        ("query", &[("query", "rate(up[5m])")], 422, "execution"),
        ("query_range", &many, 400, "bad_data"),
        (
            "query_range",
            &[("query", "1"), ("start", "0"), ("end", "10"), ("step", "0")],
            400,
            "bad_data",
        ),
        (
            "query_range",
            &[("query", "1"), ("start", "9"), ("end", "1"), ("step", "1")],
            400,
            "bad_data",
        ),
        (
            "query_range",
            &[("query", "1"), ("start", "9")],
            400,
            "bad_data",
        ),
        ("series", &[], 400, "bad_data"),
        ("series", &[("match[]", "1")], 400, "bad_data"),
        (
            "series",
            &[("match[]", "up"), ("start", "x")],
            400,
            "bad_data",
        ),
        ("labels", &[("start", "9"), ("end", "1")], 400, "bad_data"),
        ("labels", &[("limit", "-1")], 400, "bad_data"),
        ("metadata", &[("limit", "x")], 400, "bad_data"),
        (
            "query",
            &[("query", "1"), ("timeout", "x")],
            400,
            "bad_data",
        ),
        ("labels", &[("match[]", "sum(up)")], 422, "execution"),
    ] {
        let (found, answer) = get(&service, path, parameters).await;
        assert_eq!(found, status, "{path} {parameters:?}: {answer}");
        assert_eq!(
            (&answer["status"], &answer["errorType"]),
            (&json!("error"), &json!(kind))
        );
        assert!(!answer["error"].as_str().unwrap().is_empty());
    }
    let no_form = [("content-type", "application/json")];
    let body = Body::from("{\"query\":\"1\"}");
    let reply = service
        .reply_to("POST", &format!("{API}/query"), &no_form, body)
        .await;
    assert_eq!(document(&reply)["errorType"], "bad_data");
}

#[tokio::test]
async fn an_hour_counts_for_an_hour_once_its_parts_are_gone() {
    let (database, service) = filled().await;
    let limits = store::retention::Limits {
        every_run: Duration::from_secs(172_800),
        everything: Duration::from_secs(30 * 86_400),
        buckets: Duration::from_secs(3_600),
        hours: Duration::from_secs(400 * 86_400),
    };
    let now = time(AS_OF) + Duration::from_secs(7_200);
    while !database
        .store()
        .purge(now, limits, 10_000)
        .await
        .unwrap()
        .done
    {}
    for (at, expected) in [
        ("2026-11-23T08:59:59Z", Some("15")),
        ("2026-11-23T09:00:00Z", Some("45")),
        ("2026-11-23T10:00:00Z", Some("45")),
        ("2026-11-23T10:00:01Z", None),
    ] {
        let query = [
            ("query", r#"slacast_history_samples{instance="a"}"#),
            ("time", at),
        ];
        let found = asked(&service, "query", &query).await;
        assert_eq!(
            found["result"][0]["value"][1].as_str(),
            expected,
            "{at}: {found}"
        );
    }
}
