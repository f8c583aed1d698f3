use std::time::Duration;

use domain::{Timestamp, sla::Draft};
use serde_json::{Value, json};
use store::{
    sla::Condition,
    testing::{Documents, TestDatabase},
};

use crate::service::{Service, etag, json as body};

fn sla(name: &str, max: f64) -> Value {
    json!({"name": name, "objectives": [{"id": "cpu", "metric": "cpuUsage", "max": max}]})
}

#[tokio::test]
async fn an_sla_is_created_with_advice_and_found_again() {
    let database = TestDatabase::create().await;
    let now = Timestamp::from(chrono::Utc::now()).floor_to_second();
    // One of them was not seen in the last 12 h.
    let series = [("a", now), ("b", now - Duration::from_secs(13 * 3_600))];
    let series =
        series.map(|(instance, seen)| Documents::about("cpuUsage", instance).metrics(seen));
    database.store().store_batch(&series, &[]).await.unwrap();
    let service = Service::new(database.store().clone());
    let reply = service
        .send(
            "POST",
            "/sla",
            None,
            json!({"name": "web", "objectives": [
                {"metric": "cpuUsage", "labels": {"instance": "a"}, "min": 0, "max": 80, "for": "1m"},
                {"id": "gone", "metric": "cpuUsage", "labels": {"instance": "b"}, "max": 80},
                {"id": "typo", "metric": "cpuusag", "max": 1e3},
                {"id": "counter", "metric": "node_network_receive_bytes_total", "max": 5}
            ]}),
        )
        .await;
    assert_eq!((reply.status().as_u16(), etag(&reply)), (201, "\"1\""));
    assert_eq!(reply.headers()["location"], "/sla/web");
    let mut created = body(&reply);
    created["created_at"].take();
    insta::assert_json_snapshot!(created, @r#"
      {
        "advised": 4,
        "created_at": null,
        "evaluation": {
          "reason": "ETL_URL is not set",
          "requested": false,
          "run_id": null
        },
        "name": "web",
        "objectives": [
          {
            "budget_window": "30d",
            "for": "1m",
            "for_seconds": 60.0,
            "hold": "15m",
            "id": "5fabe39fb44801b8",
            "labels": {
              "instance": "a"
            },
            "matches": 1,
            "max": 80.0,
            "metric": "cpuUsage",
            "min": 0.0,
            "missing": "excluded",
            "series_end": "ended",
            "target": null,
            "warnings": []
          },
          {
            "budget_window": "30d",
            "for": "0s",
            "for_seconds": 0.0,
            "hold": "15m",
            "id": "gone",
            "labels": {
              "instance": "b"
            },
            "matches": 0,
            "max": 80.0,
            "metric": "cpuUsage",
            "min": null,
            "missing": "excluded",
            "series_end": "ended",
            "target": null,
            "warnings": []
          },
          {
            "budget_window": "30d",
            "for": "0s",
            "for_seconds": 0.0,
            "hold": "15m",
            "id": "typo",
            "labels": {},
            "matches": 0,
            "max": 1000.0,
            "metric": "cpuusag",
            "min": null,
            "missing": "excluded",
            "series_end": "ended",
            "target": null,
            "warnings": [
              {
                "detail": "no series of `cpuusag` is known yet",
                "did_you_mean": "cpuUsage",
                "warning": "unknown_metric"
              }
            ]
          },
          {
            "budget_window": "30d",
            "for": "0s",
            "for_seconds": 0.0,
            "hold": "15m",
            "id": "counter",
            "labels": {},
            "matches": 0,
            "max": 5.0,
            "metric": "node_network_receive_bytes_total",
            "min": null,
            "missing": "excluded",
            "series_end": "ended",
            "target": null,
            "warnings": [
              {
                "detail": "no series of `node_network_receive_bytes_total` is known yet",
                "did_you_mean": null,
                "warning": "unknown_metric"
              },
              {
                "detail": "`node_network_receive_bytes_total` looks like a counter, which only grows: a range on its rate may be meant",
                "warning": "raw_counter"
              }
            ]
          }
        ],
        "version": 1
      }
    "#);

    let found = service.send("GET", "/sla/web", None, "").await;
    assert_eq!(etag(&found), "\"1\"");
    let mut found = body(&found);
    found["created_at"].take();
    insta::assert_json_snapshot!(found["objectives"][0], @r#"
      {
        "budget_window": "30d",
        "for": "1m",
        "for_seconds": 60.0,
        "hold": "15m",
        "id": "5fabe39fb44801b8",
        "labels": {
          "instance": "a"
        },
        "max": 80.0,
        "metric": "cpuUsage",
        "min": 0.0,
        "missing": "excluded",
        "series_end": "ended",
        "target": null
      }
    "#);
    assert_eq!(
        service.get("/sla").await["slas"][0]["objectives"],
        found["objectives"]
    );
}

#[tokio::test]
async fn a_name_that_is_taken_is_a_conflict() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    assert_eq!(
        service.status("POST", "/sla", None, sla("web", 80.0)).await,
        201
    );
    let reply = service.send("POST", "/sla", None, sla("web", 90.0)).await;
    assert_eq!(reply.status(), 409);
    assert!(
        body(&reply)["detail"]
            .as_str()
            .unwrap()
            .contains("PUT /sla/web")
    );
    assert_eq!(service.get("/sla/web").await["objectives"][0]["max"], 80.0);
}

#[tokio::test]
async fn without_a_name_the_default_sla_is_made_and_then_replaced() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let original = json!({"cpuUsage": {"min": 0, "max": 80}, "cpuTemp": {"max": 70}});
    let reply = service.send("POST", "/sla", None, &original).await;
    assert_eq!((reply.status().as_u16(), etag(&reply)), (201, "\"1\""));
    assert_eq!(reply.headers()["location"], "/sla/default");
    let again = service.send("POST", "/sla", None, &original).await;
    assert_eq!((again.status().as_u16(), etag(&again)), (200, "\"2\""));
    let unnamed = json!({"objectives": [{"metric": "cpuUsage", "max": 1}]});
    let third = service.send("POST", "/sla", None, unnamed).await;
    assert_eq!((third.status().as_u16(), etag(&third)), (200, "\"3\""));
    let default = service.get("/sla/default").await;
    assert_eq!(default["objectives"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_names_the_version_it_is_about() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    service.send("POST", "/sla", None, sla("web", 80.0)).await;
    for (method, if_match, status) in [
        ("PUT", None, 428),
        ("DELETE", None, 428),
        ("PUT", Some("\"2\""), 412),
        ("DELETE", Some("\"0\""), 412),
        ("PUT", Some("W/\"1\""), 412),
        ("PUT", Some("yes"), 400),
        ("PUT", Some("\"7\", \"1\""), 200),
        ("PUT", Some("\"1\""), 412),
        ("PUT", Some("*"), 200),
        ("PUT", Some("3"), 200),
        ("DELETE", Some("\"4\""), 200),
        ("DELETE", Some("\"4\""), 404),
        ("PUT", Some("\"4\""), 404),
        ("PUT", Some("*"), 404),
    ] {
        let status_now = service
            .status(method, "/sla/web", if_match, sla("web", 90.0))
            .await;
        assert_eq!(status_now, status, "{method} {if_match:?}");
    }
}

#[tokio::test]
async fn history_stays_and_versions_never_restart() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    service.send("POST", "/sla", None, sla("web", 80.0)).await;
    service
        .send("PUT", "/sla/web", Some("\"1\""), sla("web", 81.0))
        .await;
    let retired = service.send("DELETE", "/sla/web", Some("\"2\""), "").await;
    assert_eq!(
        (retired.status().as_u16(), &body(&retired)["version"]),
        (200, &json!(2))
    );
    assert_eq!(service.status("GET", "/sla/web", None, "").await, 404);
    assert_eq!(service.get("/sla").await, json!({"slas": [], "next": null}));
    let again = service.send("POST", "/sla", None, sla("web", 82.0)).await;
    assert_eq!((again.status().as_u16(), etag(&again)), (201, "\"3\""));
    assert_eq!(
        (
            database.count("sla").await,
            database.count("sla_objective").await
        ),
        (3, 3)
    );
}

#[tokio::test]
async fn of_changes_at_once_every_one_makes_a_version_of_its_own() {
    let database = TestDatabase::create().await;
    let change = async |number: u32| {
        let service = Service::new(store::connect(database.url()).unwrap());
        let objectives = json!({"objectives": [{"metric": "cpuUsage", "max": number}]});
        service
            .send("POST", "/sla", None, objectives)
            .await
            .status()
            .as_u16()
    };
    let statuses = tokio::join!(change(1), change(2), change(3), change(4));
    let mut statuses = [statuses.0, statuses.1, statuses.2, statuses.3];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 201]);
    let service = Service::new(database.store().clone());
    assert_eq!(service.get("/sla/default").await["version"], 4);
}

#[tokio::test]
async fn the_list_is_paged_by_name() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    for name in ["c", "a", "b-2", "b", "retired"] {
        service.send("POST", "/sla", None, sla(name, 80.0)).await;
    }
    service.send("DELETE", "/sla/retired", Some("*"), "").await;
    let (mut names, mut query) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("/sla?limit=1{query}")).await;
        names.extend(
            page["slas"]
                .as_array()
                .unwrap()
                .iter()
                .map(|sla| sla["name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => query = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["a", "b", "b-2", "c"]);
}

/// The names and versions of a list.
async fn listed(service: &Service, query: &str) -> Vec<(String, u64)> {
    let page = service.get(&format!("/sla?{query}")).await;
    let slas = page["slas"].as_array().unwrap().iter();
    let named = |sla: &Value| {
        let name = sla["name"].as_str().unwrap().to_owned();
        (name, sla["version"].as_u64().unwrap())
    };
    slas.map(named).collect()
}

#[tokio::test]
async fn the_list_is_of_what_was_in_force_and_asks_for_labels() {
    let database = TestDatabase::create().await;
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let store = database.store();
    let put = async |name: &str, at: &str, job: &str| {
        let objectives = json!({"objectives": [
            {"metric": "cpuUsage", "labels": {"job": job, "dc": "a"}, "max": 80},
            {"metric": "memory", "labels": {"job": "all"}, "max": 80}]});
        let draft = Draft::parse(&objectives).unwrap();
        store
            .put_sla(name, &draft.objectives, &Condition::Any, time(at))
            .await
            .unwrap();
    };
    put("a", "2026-11-01T00:00:00Z", "x").await;
    put("a", "2026-11-03T00:00:00Z", "y").await;
    put("b", "2026-11-02T00:00:00Z", "x").await;
    put("c", "2026-11-02T00:00:00Z", "x").await;
    store
        .retire_sla(
            "b",
            &Condition::InForce(Vec::new()),
            time("2026-11-04T00:00:00Z"),
        )
        .await
        .unwrap();
    let service = Service::new(store.clone());
    for (query, expected) in [
        ("", &[("a", 2), ("c", 1)][..]),
        ("label.job=x", &[("c", 1)]),
        ("label.job=y&label.dc=a", &[("a", 2)]),
        ("label.job=all&metric=memory", &[("a", 2), ("c", 1)]),
        // Not both of one objective.
        ("label.job=all&metric=cpuUsage", &[]),
        ("label.job=all&label.dc=a", &[]),
        ("as_of=2026-10-31T00:00:00Z", &[]),
        ("as_of=2026-11-01T12:00:00Z", &[("a", 1)]),
        (
            "as_of=2026-11-03T12:00:00Z",
            &[("a", 2), ("b", 1), ("c", 1)],
        ),
        ("to=2026-11-02T12:00:00Z", &[("a", 1), ("b", 1), ("c", 1)]),
        ("from=2026-11-04T00:00:00Z", &[("a", 2), ("c", 1)]),
        (
            "as_of=2026-11-02T12:00:00Z&label.job=x&limit=1",
            &[("a", 1)],
        ),
    ] {
        let expected: Vec<(String, u64)> = expected
            .iter()
            .map(|(name, version)| ((*name).to_owned(), *version))
            .collect();
        assert_eq!(listed(&service, query).await, expected, "{query}");
    }
    let uri = "/sla?as_of=2026-11-02T12:00:00Z&label.job=x&limit=2";
    let first = service.get(uri).await;
    let next = first["next"].as_str().unwrap();
    let rest = service.get(&format!("{uri}&cursor={next}")).await;
    assert_eq!(
        (&rest["slas"][0]["name"], &rest["next"]),
        (&json!("c"), &Value::Null)
    );
}

#[tokio::test]
async fn an_sla_may_have_ten_thousand_objectives() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let objectives: Vec<Value> = (0..10_000)
        .map(|number| json!({"metric": "m", "max": number}))
        .collect();
    for name in ["large", "larger"] {
        let status = service
            .status(
                "POST",
                "/sla",
                None,
                json!({"name": name, "objectives": objectives}),
            )
            .await;
        assert_eq!(status, 201);
    }
    assert_eq!(
        service.get("/sla/large").await["objectives"]
            .as_array()
            .unwrap()
            .len(),
        10_000
    );
    // Both would be too much for one page.
    let page = service.get("/sla").await;
    assert_eq!(page["slas"].as_array().unwrap().len(), 1);
    assert!(page["next"].is_string());
    let active = database.store().active_slas().await.unwrap();
    let counts: Vec<(&str, usize)> = active
        .iter()
        .map(|sla| (&*sla.name, sla.objectives.len()))
        .collect();
    assert_eq!(counts, [("large", 10_000), ("larger", 10_000)]);
    assert_eq!(active[0].objectives[9_999].max, Some(9_999.0));
}

#[tokio::test]
async fn a_change_beyond_the_bound_of_judged_pairs_is_refused_with_the_number() {
    let database = TestDatabase::create().await;
    let as_of = domain::Timestamp::from(chrono::Utc::now()).floor_to_second();
    let series = ["a", "b", "c"].map(|host| Documents::about("cpuUsage", host).metrics(as_of));
    database.store().store_batch(&series, &[]).await.unwrap();
    let service = Service::new(database.store().clone()).judging(7);
    let objectives = |count: u64| -> Vec<Value> {
        let ids = 0..count;
        ids.map(|id| json!({"id": format!("o{id}"), "metric": "cpuUsage", "max": 1}))
            .collect()
    };
    let of = |name: &str, count| json!({"name": name, "objectives": objectives(count)});
    for name in ["one", "other"] {
        assert_eq!(service.status("POST", "/sla", None, of(name, 1)).await, 201);
    }
    // Nine pairs with those of the other two; an objective without a series is one.
    let refused = service.send("POST", "/sla", None, of("third", 1)).await;
    assert_eq!(refused.status(), 422);
    let error = &body(&refused)["errors"][0];
    assert_eq!(error["pointer"], "/objectives");
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains('9') && detail.contains('7'), "{detail}");
    let unknown = json!({"name": "third", "objectives": [{"metric": "cpuTemp", "max": 1}]});
    assert_eq!(service.status("POST", "/sla", None, unknown).await, 201);
    // A change that asks for no more than before is made.
    let version = Some("\"1\"");
    assert_eq!(
        service
            .status("PUT", "/sla/one", version, of("one", 2))
            .await,
        422
    );
    let service = service.judging(1);
    assert_eq!(
        service
            .status("PUT", "/sla/one", version, of("one", 1))
            .await,
        200
    );
}
