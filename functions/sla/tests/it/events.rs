//! Objectives of events, from what is stored of their slices.
#![allow(clippy::float_cmp, reason = "whole numbers are counted exactly")]

use std::time::Duration;

use domain::{
    Labels, Timestamp,
    events::{Counting, Minute, SliceCounts},
    message::SlicesDocument,
    sla::{AnyObjective, EventsObjective},
};
use serde_json::{Value, json};
use sla::Evaluator;
use store::{
    pipeline::Document,
    testing::{TestDatabase, recorded},
};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::path};

use crate::service::{Service, json as body, time};

const AS_OF: &str = "2026-11-23T08:45:00Z";

/// What a minute counts: bad and all events; `None`: no counter stands.
type Minutes<'a> = &'a dyn Fn(Timestamp) -> Option<[f64; 2]>;

/// A database with the SLA `web` of these objectives, the last of them of events.
async fn made(objectives: Value) -> (TestDatabase, Service, EventsObjective) {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let reply = service
        .send(
            "POST",
            "/sla",
            None,
            json!({"name": "web", "objectives": objectives}),
        )
        .await;
    assert_eq!(reply.status(), 201, "{}", body(&reply));
    let stored = database.store().sla("web").await.unwrap().unwrap();
    let Some(AnyObjective::Events(objective)) = stored.sla.all().pop() else {
        panic!("{objectives}");
    };
    (database, service, objective)
}

fn availability() -> Value {
    json!({"id": "availability", "events": {"bad": "errors_total", "total": "requests_total"},
        "target": 0.99, "budget_window": "1d"})
}

/// What a run at `as_of` counted of a group.
fn counted(
    objective: &EventsObjective,
    group: Labels,
    as_of: Timestamp,
    minutes: Minutes<'_>,
) -> Document {
    let slices = Counting::run_slices(as_of);
    let ends = Minute::ended_by(slices.start).up_to(Minute::ended_by(slices.end));
    let slices = ends.map(|minute| {
        let counted = minutes(minute.end());
        let sums = counted.unwrap_or_default();
        SliceCounts {
            end: minute.end(),
            sums,
            measured: counted.is_some(),
            reach: (sums != [0.0; 2]).then(|| minute.start() - Duration::from_secs(15)),
        }
    });
    Document::Slices(Box::new(SlicesDocument {
        sla: "web".parse().unwrap(),
        version: 1,
        definition: objective.definition(),
        group,
        objective: objective.clone(),
        as_of,
        resets: 0,
        slices: slices.collect(),
    }))
}

/// Stores what runs each 5 minutes over the `hours` before `as_of` counted of the groups, and of all of them together.
async fn store(
    database: &TestDatabase,
    objective: &EventsObjective,
    (as_of, hours): (&str, u64),
    groups: &[(&str, Minutes<'_>)],
) {
    let label = |service: &str| -> Labels { [("service", service)].into_iter().collect() };
    let all = |minute: Timestamp| {
        let counted = groups.iter().filter_map(|(_, minutes)| minutes(minute));
        counted.reduce(|one, other| [one[0] + other[0], one[1] + other[1]])
    };
    // A slice is final once a run that counts it looks at it 5 minutes after its end.
    for run in (0..12 * hours - 2).rev() {
        let as_of = time(as_of) - Duration::from_secs(300 * run);
        let mut documents = vec![counted(objective, Labels::default(), as_of, &all)];
        if !objective.by.is_empty() {
            documents.extend(
                groups
                    .iter()
                    .map(|(service, minutes)| counted(objective, label(service), as_of, minutes)),
            );
        }
        let batch = recorded(documents);
        database.store().store_batch(&batch, &[]).await.unwrap();
    }
}

#[tokio::test]
async fn a_composite_has_a_budget_of_minutes_and_can_be_put_back() {
    let latency = json!({"id": "latency", "events": {"good": "fast_total", "total": "requests_total"}, "target": 0.9});
    let parts = json!([{"objective": "availability", "weight": 3}, {"objective": "latency"}]);
    let journey = json!({"id": "journey", "target": 0.99, "budget_window": "1d", "events": {"composite": {"parts": parts}}});
    let (database, service, objective) = made(json!([availability(), latency, journey])).await;
    let spent = |_: Timestamp| Some([0.25, 1.0]);
    store(&database, &objective, (AS_OF, 6), &[("", &spent)]).await;
    let document = service.get("/sla/web/budget?objective=journey").await;
    let entry = &document["objectives"][0];
    assert_eq!(entry["composite"], "weighted", "{document}");
    let total = entry["total"].as_f64().unwrap();
    assert!(
        total > 300.0 && entry["bad"].as_f64() == Some(total / 4.0),
        "{entry}"
    );
    let first = &document["objectives"].as_array().unwrap();
    assert_eq!(first.len(), 1);

    let stored = service.get("/sla/web").await;
    let mut again = json!({"objectives": stored["objectives"]});
    for objective in again["objectives"].as_array_mut().unwrap() {
        let objective = objective.as_object_mut().unwrap();
        for answered in ["matches", "groups", "warnings"] {
            objective.remove(answered);
        }
    }
    again["objectives"][0]["events"]["bad"] = json!("failures_total");
    let reply = service.send("PUT", "/sla/web", Some("\"1\""), again).await;
    assert_eq!(reply.status(), 200, "{}", body(&reply));
    let changed = body(&reply);
    let part = &changed["objectives"][2]["events"]["composite"]["parts"][0];
    assert_eq!(
        (&part["events"]["bad"], &part["weight"]),
        (&json!("failures_total"), &json!(3.0))
    );
}

#[tokio::test]
async fn a_budget_of_events_is_answered_beside_that_of_a_range() {
    let cpu = json!({"id": "cpu", "metric": "cpuUsage", "max": 80, "target": 0.99});
    let (database, service, objective) = made(json!([cpu, availability()])).await;
    let steady = |_: Timestamp| Some([1.0, 200.0]);
    store(&database, &objective, (AS_OF, 6), &[("", &steady)]).await;
    let document = service.get("/sla/web/budget").await;
    assert_eq!(document["as_of"], AS_OF);
    let kinds: Vec<_> = document["objectives"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["kind"])
        .collect();
    assert_eq!(kinds, ["range", "events"]);
    assert_eq!(document["rolled_up"][1]["labels"], json!({}));
    let entry = &document["objectives"][1];
    for (field, expected) in [
        ("good", json!(71_640.0)),
        ("total", json!(72_000.0)),
        ("bad", json!(360.0)),
        ("clipped", json!(0.0)),
        ("coverage", json!(0.25)),
        ("excluded_seconds", json!(0.0)),
        ("from", json!("2026-11-22T08:45:00Z")),
        ("metric", json!("web/availability")),
        ("method", json!("occurrences")),
        ("budget_window", json!("1d")),
        ("labels", json!({})),
        ("series", json!(1)),
        ("in_exclusion", json!(false)),
    ] {
        assert_eq!(entry[field], expected, "{field}: {entry}");
    }
    let close = |value: &Value, expected: f64| {
        let value = value.as_f64().unwrap();
        assert!(
            (value - expected).abs() < 1e-9 * expected.max(1.0),
            "{value} {expected}"
        );
    };
    close(&entry["sli"], 0.995);
    close(&entry["budget_events"], 720.0);
    close(&entry["remaining_share"], 0.5);
    close(&entry["burn"]["1h"], 0.5);
    // Half of a day's budget at half the pace that it lasts at.
    close(&entry["exhaustion_seconds"], 86_400.0);
    assert_eq!(entry["burn"]["1d"], Value::Null);
    let alerts = entry["alerts"].as_array().unwrap().iter();
    let alerts: Vec<_> = alerts
        .map(|alert| (&alert["long"], &alert["firing"], &alert["frozen"]))
        .collect();
    assert_eq!(
        alerts,
        [
            (&json!("1h"), &json!(false), &json!(false)),
            (&json!("6h"), &json!(false), &json!(false)),
            (&json!("1d"), &json!(false), &json!(true)),
        ]
    );
    // The same at a time before.
    let earlier = service
        .get("/sla/web/budget?as_of=2026-11-23T04:45:00Z&objective=availability")
        .await;
    let entry = &earlier["objectives"][0];
    assert_eq!(
        (&entry["total"], &entry["bad"]),
        (&json!(24_000.0), &json!(120.0))
    );
}

#[tokio::test]
async fn each_group_has_its_own_budget_and_state() {
    let mut by_service = availability();
    by_service["by"] = json!(["service"]);
    let (database, service, objective) = made(json!([by_service])).await;
    let good = |_: Timestamp| Some([0.0, 100.0]);
    let bad = |_: Timestamp| Some([50.0, 100.0]);
    // Silent for the last half an hour.
    let silent =
        |minute: Timestamp| (minute < time("2026-11-23T08:15:00Z")).then_some([0.0, 100.0]);
    let groups: [(&str, Minutes<'_>); 3] = [("good", &good), ("bad", &bad), ("silent", &silent)];
    store(&database, &objective, (AS_OF, 7), &groups).await;
    let document = service.get("/sla/web/budget").await;
    let entries = document["objectives"].as_array().unwrap();
    let named: Vec<_> = entries
        .iter()
        .map(|entry| &entry["labels"]["service"])
        .collect();
    assert_eq!(named, ["bad", "good", "silent"]);
    let sum: f64 = entries
        .iter()
        .map(|entry| entry["total"].as_f64().unwrap())
        .sum();
    assert_eq!(document["rolled_up"][0]["total"], sum);
    assert_eq!(document["rolled_up"][0]["series"], 3);
    assert_eq!(entries[0]["alerts"][0]["firing"], true);
    assert_eq!(entries[2]["alerts"][0]["frozen"], true);
    assert_eq!(entries[2]["burn"]["5m"], Value::Null);

    let check = service.get(&format!("/check_json?as_of={AS_OF}")).await;
    assert_eq!(
        (&check["state"], &check["complete"]),
        (&json!("firing"), &json!(true))
    );
    let states: Vec<_> = check["objectives"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                &entry["labels"]["service"],
                &entry["state"],
                &entry["reason"],
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            (&json!("bad"), &json!("firing"), &Value::Null),
            (&json!("silent"), &json!("no_data"), &json!("not_measured")),
            (&json!("good"), &json!("ok"), &Value::Null),
        ]
    );
    let first = &check["objectives"][0];
    assert_eq!(
        (&first["series"], &first["firing"], &first["no_data"]),
        (&json!(3), &json!(1), &json!(1))
    );

    let prediction = service.get(&format!("/predict_json?as_of={AS_OF}")).await;
    let entry = &prediction["objectives"][0];
    assert_eq!(
        (&entry["kind"], &entry["reason"], &entry["state"]),
        (&json!("events"), &Value::Null, &json!("firing"))
    );
    // It fires, and nothing like it was over soon; its budget is spent already.
    assert_eq!(entry["probability"], entry["probability_fires"]);
    assert!(
        entry["probability_fires"].as_f64().unwrap() > 0.8,
        "{entry}"
    );
    for ahead in ["1h", "6h", "1d"] {
        let gone = entry["probability_exhausted"][ahead].as_f64().unwrap();
        assert!(gone > 0.8, "{entry}");
    }
    let silent = &prediction["objectives"][1];
    assert_eq!(
        (
            &silent["probability_fires"],
            &silent["reason"],
            &silent["probability_exhausted_reason"]
        ),
        (&Value::Null, &json!("not_measured"), &json!("not_measured"))
    );
    // Too old for the present.
    let check = service.get("/check_json").await;
    assert_eq!(check["objectives"][0]["reason"], "stale");
}

#[tokio::test]
async fn a_probability_of_a_budget_is_answered_with_what_those_before_it_were_worth() {
    let (database, service, objective) = made(json!([availability()])).await;
    let good = |_: Timestamp| Some([0.0, 100.0]);
    store(&database, &objective, (AS_OF, 2), &[("", &good)]).await;
    let entry = async || {
        let prediction = service.get(&format!("/predict_json?as_of={AS_OF}")).await;
        prediction["objectives"][0].clone()
    };
    let found = entry().await;
    assert_eq!(
        (&found["reliability"], &found["reliability_reason"]),
        (&Value::Null, &json!("not_scored_yet"))
    );
    // Each hour one was over. The newest was not over yet, and of one it is not known what came.
    for (about, hours) in [
        ("fires", 0..26),
        ("exhausted_6h", 0..12),
        ("exhausted_1d", 0..3),
    ] {
        for hour in hours {
            let over_at =
                time(AS_OF) + Duration::from_secs(3_600) - Duration::from_secs(3_600 * hour);
            sqlx::query(
                "INSERT INTO budget_score (sla, objective, about, version, group_id, forecast_as_of, over_at, \
                 probability, happened) VALUES ('web', 'availability', ?, 1, ?, ?, ?, 0.25, ?)",
            )
            .bind(about)
            .bind("0".repeat(32))
            .bind((over_at - Duration::from_secs(600)).to_utc().naive_utc())
            .bind(over_at.to_utc().naive_utc())
            .bind((hour != 2).then_some(hour < 8))
            .execute(database.pool())
            .await
            .unwrap();
        }
    }
    let found = entry().await;
    assert_eq!(
        found["reliability"],
        json!({"said": 0.25, "happened": 6.0 / 24.0, "forecasts": 24, "independent": 24, "events": 6})
    );
    assert_eq!(found["reliability_reason"], Value::Null);
    let exhausted = &found["reliability_exhausted"];
    assert_eq!(
        (&exhausted["1h"], &exhausted["1d"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        exhausted["6h"],
        json!({"said": 0.25, "happened": 0.6, "forecasts": 10, "independent": 3, "events": 6})
    );
}

#[tokio::test]
async fn before_the_first_evaluation_nothing_is_counted() {
    let (_database, service, _) = made(json!([availability()])).await;
    let budget = service.get("/sla/web/budget").await;
    let entry = &budget["objectives"][0];
    assert_eq!(
        (
            &entry["as_of"],
            &entry["sli"],
            &entry["total"],
            &entry["series"]
        ),
        (&Value::Null, &Value::Null, &json!(0.0), &json!(0))
    );
    let check = service.get("/check_json").await;
    let entry = &check["objectives"][0];
    assert_eq!(
        (&entry["state"], &entry["reason"]),
        (&json!("no_data"), &json!("not_evaluated_yet"))
    );
    let prediction = service.get("/predict_json").await;
    assert_eq!(prediction["objectives"][0]["reason"], "not_evaluated_yet");
}

#[tokio::test]
async fn an_exclusion_leaves_out_whole_slices_and_says_until_when() {
    let (database, service, objective) = made(json!([availability()])).await;
    let steady = |_: Timestamp| Some([1.0, 10.0]);
    store(&database, &objective, (AS_OF, 6), &[("", &steady)]).await;
    let exclusion =
        json!({"from": "2026-11-23T06:00:30Z", "to": "2026-11-23T07:00:00Z", "reason": "upgrade"});
    let reply = service
        .send("POST", "/sla/web/exclusions", None, exclusion)
        .await;
    let made = body(&reply);
    assert_eq!(reply.status(), 201, "{made}");
    // The first minute after it has increments that reach back into it.
    assert_eq!(
        (&made["effective_from"], &made["effective_to"]),
        (
            &json!("2026-11-23T06:00:00Z"),
            &json!("2026-11-23T07:01:00Z")
        )
    );
    let budget = service.get("/sla/web/budget").await;
    let entry = &budget["objectives"][0];
    assert_eq!(
        (&entry["excluded_seconds"], &entry["total"]),
        (&json!(61.0 * 60.0), &json!(10.0 * (360.0 - 61.0)))
    );
    // The list and the answer to DELETE say the same.
    let list = service.get("/sla/web/exclusions").await;
    assert_eq!(list["exclusions"], json!([made]));
    let uri = format!("/sla/web/exclusions/{}", made["id"]);
    let deleted = body(&service.send("DELETE", &uri, None, "").await);
    assert_eq!(deleted["effective_to"], made["effective_to"]);
    // A rule leaves out whole slices too, at each of its occurrences.
    let rule = json!({"rrule": "FREQ=DAILY;BYHOUR=6,7", "starts": "2026-11-23T06:00:30",
        "duration": "10m", "time_zone": "UTC", "to": "2026-11-23T07:05:00Z", "reason": "backup"});
    let refused = service
        .status("POST", "/sla/web/exclusions", None, &rule)
        .await;
    assert_eq!(refused, 422);
    let mut rule = rule;
    rule["rrule"] = json!("FREQ=HOURLY;COUNT=3");
    let status = service
        .status("POST", "/sla/web/exclusions", None, rule)
        .await;
    assert_eq!(status, 201);
    let budget = service.get("/sla/web/budget").await;
    // From 06:00 to 06:11, and from 07:00 to 07:06, whose last minute reaches back into it.
    assert_eq!(
        budget["objectives"][0]["excluded_seconds"],
        json!(17.0 * 60.0)
    );
}

#[tokio::test]
async fn the_history_of_events_is_answered_step_by_step() {
    let (database, service, objective) = made(json!([availability()])).await;
    let steady = |_: Timestamp| Some([1.0, 100.0]);
    store(&database, &objective, (AS_OF, 3), &[("", &steady)]).await;
    let steps = |document: &Value| document["history"].as_array().unwrap().len();
    let uri =
        "/sla/web/history?objective=availability&from=2026-11-23T06:10:00Z&to=2026-11-23T08:45:00Z";
    let hours = service.get(&format!("{uri}&step=1h")).await;
    // From 06:00 on; the hour that goes on is not final.
    let first = &hours["history"][0];
    assert_eq!(
        (&first["start"], &first["end"]),
        (
            &json!("2026-11-23T06:00:00Z"),
            &json!("2026-11-23T07:00:00Z")
        )
    );
    assert_eq!(
        (
            &first["total"],
            &first["bad"],
            &first["measured"],
            &first["revision"]
        ),
        (&json!(6_000.0), &json!(60.0), &json!(3_600.0), &json!(0))
    );
    // 1 % is what the target allows.
    assert!(first["remaining_share"].as_f64().unwrap().abs() < 1e-9);
    assert_eq!(steps(&hours), 2);
    let provisional = service
        .get(&format!("{uri}&step=1h&provisional=true"))
        .await;
    assert_eq!(steps(&provisional), 3);
    // What is there of an hour is final, but not all of the hour is there.
    let longer = uri.replace("from=2026-11-23T06:10", "from=2026-11-23T05:00");
    assert_eq!(steps(&service.get(&format!("{longer}&step=1h")).await), 2);
    let all = format!("{longer}&step=1h&provisional=true");
    assert_eq!(steps(&service.get(&all).await), 4);
    // Long ago there is nothing to look through.
    let ever = uri.replace("2026-11-23T06:10", "1970-01-01T00:00");
    let first = service.get(&format!("{ever}&step=1m&limit=1")).await;
    assert_eq!(steps(&first), 1);
    assert_eq!(first["history"][0]["start"], "2026-11-23T05:45:00Z");
    let next = first["next"].as_str().unwrap();
    let second = format!("{ever}&step=1m&limit=1&cursor={next}");
    let second = service.get(&second).await;
    assert_eq!(second["history"][0]["start"], "2026-11-23T05:46:00Z");
    let minutes = service
        .get(&format!("{uri}&step=1m&share=false&limit=100"))
        .await;
    assert_eq!(steps(&minutes), 100);
    assert_eq!(minutes["history"][0].get("remaining_share"), None);
    let next = minutes["next"].as_str().unwrap();
    let rest = service
        .get(&format!(
            "{uri}&step=1m&share=false&limit=100&cursor={next}"
        ))
        .await;
    // What ends after 08:40 is not final.
    assert_eq!(steps(&rest), 50);
    assert_eq!(rest["next"], Value::Null);
    let sum = |document: &Value| -> f64 {
        let points = document["history"].as_array().unwrap().iter();
        points.map(|point| point["total"].as_f64().unwrap()).sum()
    };
    assert_eq!(sum(&minutes) + sum(&rest), 15_000.0);
    for bad in [
        "step=2m",
        "from=x",
        "step=1h&step=1h",
        "share=yes",
        "limit=0",
    ] {
        assert_eq!(
            service
                .status("GET", &format!("/sla/web/history?{bad}"), None, "")
                .await,
            400,
            "{bad}"
        );
    }
    assert_eq!(
        service.status("GET", "/sla/api/history", None, "").await,
        404
    );
}

/// A service whose etl answers each request to count with the counts of `selectors`: of each, how many series and of which
/// type.
async fn counting(database: &TestDatabase, series: Value, groups: u64) -> (MockServer, Service) {
    let etl = MockServer::start().await;
    let counts = move |request: &Request| {
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        let Some(objectives) = asked["count"].as_array() else {
            return ResponseTemplate::new(202).set_body_json(json!({"run_id": "r1"}));
        };
        let counts = objectives.iter().map(|objective| {
            if let Some(query) = objective["query"].as_str() {
                let found = &series[query];
                let selector = json!({"sum": "query", "selector": query, "series": found[0], "metric_type": null});
                return json!({"selectors": [selector], "groups": null});
            }
            let sums = objective["events"].as_object().unwrap();
            let selectors = sums.iter().map(|(sum, selector)| {
                let found = &series[selector.as_str().unwrap()];
                json!({"sum": sum, "selector": selector, "series": found[0], "metric_type": found[1]})
            });
            let selectors: Vec<Value> = selectors.collect();
            json!({"selectors": selectors, "groups": groups})
        });
        let counts: Vec<Value> = counts.collect();
        let is_query_only = series["is_query_only"] == true;
        let answer = json!({"counts": counts, "is_query_only": is_query_only});
        ResponseTemplate::new(200).set_body_json(answer)
    };
    Mock::given(path("/ETL"))
        .respond_with(counts)
        .mount(&etl)
        .await;
    let evaluator = Evaluator::new(Some(etl.uri().parse().unwrap()), None).unwrap();
    let service = Service::with(database.store().clone(), evaluator);
    (etl, service)
}

#[tokio::test]
async fn a_change_says_what_its_selectors_match_now() {
    let database = TestDatabase::create().await;
    let series = json!({"errors_total": [0, null], "requests_total": [7, "gauge"]});
    let (_etl, service) = counting(&database, series, 3).await;
    let cpu = json!({"metric": "cpuUsage", "max": 80});
    let document = json!({"name": "web", "objectives": [cpu, availability()]});
    let reply = service.send("POST", "/sla", None, document).await;
    let made = body(&reply);
    assert_eq!(reply.status(), 201, "{made}");
    let objective = &made["objectives"][1];
    assert_eq!(
        (&objective["matches"], &objective["groups"]),
        (&json!(7), &json!(3))
    );
    let warnings = objective["warnings"].as_array().unwrap().iter();
    let warnings: Vec<_> = warnings.map(|warning| &warning["warning"]).collect();
    assert_eq!(warnings, ["no_series", "gauge"]);
    assert_eq!(
        made["objectives"][0]["warnings"][0]["warning"],
        "unknown_metric"
    );
}

#[tokio::test]
async fn without_an_answer_a_change_is_stored_with_a_warning() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let document = json!({"name": "web", "objectives": [availability()]});
    let reply = service.send("POST", "/sla", None, document).await;
    let made = body(&reply);
    assert_eq!(reply.status(), 201, "{made}");
    assert_eq!(
        made["objectives"][0]["warnings"][0]["warning"],
        "not_counted"
    );
    assert_eq!(database.count("sla").await, 1);
}

#[tokio::test]
async fn too_many_counters_or_groups_are_refused_with_their_number() {
    let database = TestDatabase::create().await;
    let mut grouped = availability();
    grouped["by"] = json!(["service"]);
    for (series, groups, pointer, number) in [
        (
            json!({"errors_total": [20_000, null], "requests_total": [1, null]}),
            1,
            "/objectives",
            "20001",
        ),
        (
            json!({"errors_total": [1, null], "requests_total": [1, null]}),
            501,
            "/objectives/0/by",
            "501",
        ),
    ] {
        let (_etl, service) = counting(&database, series, groups).await;
        let document = json!({"name": "web", "objectives": [grouped]});
        let reply = service.send("POST", "/sla", None, document).await;
        let problem = body(&reply);
        assert_eq!(reply.status(), 422, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
        assert!(
            problem["errors"][0]["detail"]
                .as_str()
                .unwrap()
                .contains(number),
            "{problem}"
        );
    }
    // 25 objectives, each with its own 900 counters, are too many together.
    let objectives: Vec<Value> = (0..25)
        .map(|number| {
            json!({"id": format!("o{number}"), "target": 0.9,
                "events": {"bad": format!("errors{number}"), "total": "requests"}})
        })
        .collect();
    let mut series = json!({"requests": [900, null]});
    for number in 0..25 {
        series[format!("errors{number}")] = json!([900, null]);
    }
    let (_etl, service) = counting(&database, series, 1).await;
    let reply = service
        .send(
            "POST",
            "/sla",
            None,
            json!({"name": "web", "objectives": objectives}),
        )
        .await;
    let problem = body(&reply);
    assert_eq!(reply.status(), 422, "{problem}");
    assert!(
        problem["errors"][0]["detail"]
            .as_str()
            .unwrap()
            .contains("23400 counters"),
        "{problem}"
    );
    assert_eq!(database.count("sla").await, 0);
}

#[tokio::test]
async fn queries_of_too_many_series_are_refused_with_their_number() {
    let database = TestDatabase::create().await;
    let series = json!({"huge": [50_000, null], "large": [15_000, null], "small": [4_000, null]});
    let (_etl, service) = counting(&database, series, 1).await;
    let of = |name: &str, queries: &[&str]| {
        let queries = queries.iter().enumerate();
        let objectives =
            queries.map(|(id, query)| json!({"id": format!("o{id}"), "query": query, "max": 1}));
        json!({"name": name, "objectives": objectives.collect::<Vec<_>>()})
    };
    let status =
        async |method: &str, path: &str, version: Option<&str>, document: Value, number: &str| {
            let reply = service.send(method, path, version, document).await;
            if reply.status() == 422 {
                let error = &body(&reply)["errors"][0];
                assert_eq!(error["pointer"], "/objectives");
                let detail = error["detail"].as_str().unwrap();
                assert!(detail.contains(number), "{detail}");
            }
            reply.status().as_u16()
        };
    let one = of("one", &["huge"]);
    assert_eq!(status("POST", "/sla", None, one, "50000").await, 422);
    let one = of("one", &["large", "small"]);
    assert_eq!(status("POST", "/sla", None, one, "").await, 201);
    let other = of("other", &["small"]);
    assert_eq!(status("POST", "/sla", None, other, "23000").await, 422);
    // What is replaced does not count.
    let version = Some("\"1\"");
    let one = of("one", &["large"]);
    assert_eq!(status("PUT", "/sla/one", version, one, "").await, 200);
    let other = of("other", &["small"]);
    assert_eq!(status("POST", "/sla", None, other, "").await, 201);
}

#[tokio::test]
async fn fewer_counters_are_taken_where_only_the_query_api_answers() {
    let database = TestDatabase::create().await;
    let objectives: Vec<Value> = (0..5)
        .map(|number| {
            json!({"id": format!("o{number}"), "target": 0.9,
                "events": {"bad": format!("errors{number}"), "total": "requests"}})
        })
        .collect();
    for (is_query_only, status) in [(true, 422), (false, 201)] {
        let mut series = json!({"requests": [900, null], "is_query_only": is_query_only});
        for number in 0..5 {
            series[format!("errors{number}")] = json!([900, null]);
        }
        let (_etl, service) = counting(&database, series, 1).await;
        let document = json!({"name": "web", "objectives": objectives});
        let reply = service.send("POST", "/sla", None, document).await;
        let answer = body(&reply);
        assert_eq!(reply.status(), status, "{answer}");
        if is_query_only {
            let detail = answer["errors"][0]["detail"].as_str().unwrap();
            assert!(
                detail.contains("5400 counters") && detail.contains("5000"),
                "{detail}"
            );
        }
    }
}
