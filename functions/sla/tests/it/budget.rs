use std::time::Duration;

use domain::sla::{Draft, Objective};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use store::{pipeline::Document, sla::Condition, testing::TestDatabase};

use crate::{
    check::{excursion, store},
    service::{Service, Told, outlook, time},
};

pub(crate) const CREATED: &str = "2026-11-23T08:00:00Z";
pub(crate) const AS_OF: &str = "2026-11-23T08:45:00Z";

/// A database with the SLA `web`, made at [`CREATED`].
pub(crate) async fn made(objectives: Value) -> (TestDatabase, Service, Vec<Objective>) {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let objectives = put(&database, CREATED, objectives).await;
    (database, service, objectives)
}

/// Makes the next version of `web` at that time.
async fn put(database: &TestDatabase, at: &str, objectives: Value) -> Vec<Objective> {
    let draft = Draft::parse(&json!({"objectives": objectives})).unwrap();
    let store = database.store();
    let change = store.put_sla("web", &draft.objectives, &Condition::Any, time(at));
    change.await.unwrap();
    draft.ranges()
}

pub(crate) fn cpu(target: f64) -> Value {
    json!({"id": "cpu", "metric": "cpuUsage", "labels": {"job": "node"}, "max": 80, "for": "1m",
        "target": target, "budget_window": "1d"})
}

pub(crate) fn told<'a>(objective: &'a Objective, as_of: &'a str) -> Told<'a> {
    Told {
        sla: "web",
        version: 1,
        objective,
        as_of,
    }
}

/// An answer without its age.
pub(crate) async fn ageless(service: &Service, uri: &str) -> Value {
    let mut document = service.get(uri).await;
    document.as_object_mut().unwrap().remove("age_seconds");
    document
}

#[tokio::test]
async fn a_budget_is_told_series_by_series_and_rolled_up() {
    let (database, service, objectives) = made(json!([cpu(0.99)])).await;
    let cpu = told(&objectives[0], AS_OF);
    store(
        &database,
        &[
            cpu.of("a", &[50.0; 48], outlook(0.1)),
            cpu.of("b", &excursion(), outlook(0.1)),
        ],
    )
    .await;
    let document = ageless(&service, "/sla/web/budget").await;
    let hosts = document["objectives"].as_array().unwrap().iter();
    let hosts: Vec<_> = hosts.map(|entry| &entry["labels"]["instance"]).collect();
    assert_eq!(hosts, ["b", "a"]);
    let sum = &document["rolled_up"][0];
    assert_eq!((&sum["series"], &sum["labels"]), (&json!(2), &json!({})));
    assert_eq!(sum["bad_seconds"], 120.0);
    assert_eq!(sum["unjudged_seconds"], 2.0 * (86_400.0 - 43_560.0));
    assert_eq!(
        (&document["as_of"], &document["next"]),
        (&json!(AS_OF), &Value::Null)
    );
    insta::assert_json_snapshot!(document["objectives"][0], @r#"
      {
        "alerts": [
          {
            "budget_share": 0.6,
            "factor": 14.4,
            "firing": false,
            "frozen": true,
            "long": "1h",
            "reachable": true,
            "severity": "page",
            "short": "5m",
            "unmeasured_since": null
          },
          {
            "budget_share": 1.5,
            "factor": 6.0,
            "firing": false,
            "frozen": true,
            "long": "6h",
            "reachable": true,
            "severity": "page",
            "short": "30m",
            "unmeasured_since": null
          },
          {
            "budget_share": 3.0,
            "factor": 3.0,
            "firing": false,
            "frozen": true,
            "long": "1d",
            "reachable": true,
            "severity": "ticket",
            "short": "2h",
            "unmeasured_since": null
          }
        ],
        "as_of": "2026-11-23T08:45:00Z",
        "bad_seconds": 120.0,
        "budget_seconds": 435.4500000000004,
        "budget_window": "1d",
        "burn": {
          "1d": null,
          "1h": null,
          "2h": null,
          "30m": null,
          "5m": 4.999999999999996,
          "6h": null
        },
        "coverage": 1.0,
        "excluded_seconds": 0.0,
        "exhaustion_seconds": 1853.2687500000022,
        "in_exclusion": false,
        "kind": "range",
        "labels": {
          "instance": "b",
          "job": "node"
        },
        "metric": "cpuUsage",
        "missing": "excluded",
        "objective": "cpu",
        "remaining_seconds": 315.4500000000004,
        "remaining_share": 0.7244230106786086,
        "selector": {
          "job": "node"
        },
        "series": 2,
        "sli": 0.8297872340425532,
        "target": 0.99,
        "unjudged_seconds": 42840.0
      }
    "#);
}

#[tokio::test]
async fn before_the_first_evaluation_the_budget_is_whole() {
    let (_database, service, _) =
        made(json!([cpu(0.99), {"id": "free", "metric": "m", "max": 1}])).await;
    let document = service.get("/sla/web/budget").await;
    assert_eq!(
        (&document["as_of"], &document["age_seconds"]),
        (&Value::Null, &Value::Null)
    );
    let cpu = &document["objectives"][0];
    assert_eq!((&cpu["sli"], &cpu["series"]), (&Value::Null, &json!(0)));
    assert_eq!(cpu["remaining_share"], 1.0);
    let free = &document["objectives"][1];
    assert_eq!(
        (&free["target"], &free["budget_seconds"], &free["alerts"]),
        (&Value::Null, &Value::Null, &json!([]))
    );
    let one = service.get("/sla/web/budget?objective=free").await;
    assert_eq!(one["objectives"], json!([free]));
    assert_eq!(
        service.status("GET", "/sla/api/budget", None, "").await,
        404
    );
}

#[tokio::test]
async fn each_instant_is_charged_to_the_version_in_force_then() {
    let tight = |max: f64| {
        json!([{"id": "cpu", "metric": "cpuUsage", "max": max, "target": 0.9,
            "budget_window": "1d", "missing": "good"}])
    };
    let (database, service, first) = made(tight(80.0)).await;
    // 90 all of the time: out of range by the first version, in range by the second, out of range by the third.
    let values = vec![90.0; 4 * 60];
    let evaluate = async |version, objective: &Objective, as_of: &str| {
        let evaluation = Told {
            version,
            ..told(objective, as_of)
        };
        store(&database, &[evaluation.of("a", &values, outlook(0.1))]).await;
    };
    evaluate(1, &first[0], CREATED).await;
    evaluate(1, &first[0], "2026-11-23T08:30:00Z").await;
    let second = put(&database, "2026-11-23T08:30:00Z", tight(95.0)).await;
    evaluate(2, &second[0], "2026-11-23T08:45:00Z").await;
    let third = put(&database, "2026-11-23T08:45:00Z", tight(85.0)).await;
    evaluate(3, &third[0], "2026-11-23T09:00:00Z").await;
    let document = service.get("/sla/web/budget").await;
    assert_eq!(document["version"], 3);
    let budget = &document["objectives"][0];
    // From the oldest sample that the newest evaluation of the first version saw to 08:30, and from 08:45 to 09:00.
    assert_eq!(budget["bad_seconds"], (3_585 + 900) as f64);
    // The first version judged from 12 h before it was made, although its evaluation read 5 minutes more.
    assert_eq!(budget["unjudged_seconds"], (24 - 12 - 1) as f64 * 3_600.0);
    // Each evaluation publishes what it read, so the hours before a change are published by both versions.
    let violations = service.get("/sla/web/violations").await;
    let versions = violations["violations"].as_array().unwrap().iter();
    let versions: Vec<_> = versions.map(|violation| &violation["version"]).collect();
    assert_eq!(versions, [3, 1]);
}

/// Ten evaluations of two objectives on two series, each with the samples it saw.
fn evaluations(objectives: &[Objective]) -> Vec<Document> {
    let evaluated = (0..10).flat_map(|number| {
        let as_of = (time("2026-11-23T08:30:00Z") + Duration::from_secs(300 * number)).to_string();
        let samples = move |high: u64| -> Vec<f64> {
            (0..=120 + 20 * number)
                .map(|k| if k % 37 < high { 90.0 } else { 50.0 })
                .collect()
        };
        let of = move |objective, instance, high| {
            told(objective, &as_of).of(instance, &samples(high), outlook(0.1))
        };
        let [first, second] = objectives else {
            unreachable!()
        };
        [of(first, "a", 9), of(first, "b", 30), of(second, "a", 3)]
    });
    evaluated.collect()
}

/// The budget of `web` when its evaluations have arrived, in batches of `batch`.
async fn answers_after(
    database: &TestDatabase,
    service: &Service,
    (order, batch): (&[usize], usize),
) -> Vec<Value> {
    database.clear().await;
    let mut memory = cpu(0.9);
    memory["id"] = json!("again");
    let objectives = put(database, CREATED, json!([cpu(0.95), memory])).await;
    let evaluations = evaluations(&objectives);
    for batch in order.chunks(batch) {
        let batch = batch.iter().map(|place| evaluations[*place].clone());
        store(database, &batch.collect::<Vec<_>>()).await;
    }
    let mut answers = Vec::new();
    for uri in [
        "/sla/web/budget",
        "/sla/web/budget?as_of=2026-11-23T09:00:00Z",
        "/sla/web/violations",
        "/check_json?as_of=2026-11-23T09:15:00Z",
        "/predict_json?as_of=2026-11-23T09:15:00Z",
    ] {
        answers.push(ageless(service, uri).await);
    }
    answers
}

#[test]
fn what_is_stored_twice_or_out_of_order_changes_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let service = Service::new(database.store().clone());
    let all: Vec<usize> = (0..30).collect();
    let after = |order: &[usize], batch| {
        runtime.block_on(answers_after(&database, &service, (order, batch)))
    };
    let expected = after(&all, 3);
    assert_eq!(expected[0]["as_of"], "2026-11-23T09:15:00Z");
    assert!(expected[0]["objectives"][0]["bad_seconds"].as_f64() > Some(600.0));
    let order = Just(all.clone()).prop_shuffle();
    let again = prop::collection::vec(0..all.len(), 0..30);
    let runner = Config {
        failure_persistence: None,
        ..Config::with_cases(24)
    };
    TestRunner::new(runner)
        .run(
            &(order, again, 1..=60_usize),
            |(mut order, again, batch)| {
                order.extend(again);
                prop_assert_eq!(&after(&order, batch), &expected);
                Ok(())
            },
        )
        .unwrap();
}

#[tokio::test]
async fn objectives_beyond_what_an_answer_holds_come_by_the_cursor() {
    let objectives: Vec<Value> = (0..2_100)
        .map(|number| json!({"id": format!("o{number}"), "metric": "m", "max": 1, "target": 0.9}))
        .collect();
    let (_database, service, _) = made(json!(objectives)).await;
    let first = service.get("/sla/web/budget").await;
    let next = first["next"].as_str().unwrap();
    let second = service.get(&format!("/sla/web/budget?cursor={next}")).await;
    let count = |document: &Value| document["rolled_up"].as_array().unwrap().len();
    assert_eq!(count(&first) + count(&second), 2_100);
    assert_eq!(second["next"], Value::Null);
    assert!(reply_bytes(&first) < 6_000_000);
}

#[tokio::test]
async fn the_history_of_a_range_has_the_steps_of_which_something_was_judged() {
    let (database, service, objectives) = made(json!([cpu(0.99)])).await;
    let cpu = told(&objectives[0], AS_OF);
    store(&database, &[cpu.of("a", &excursion(), outlook(0.1))]).await;
    // Judged is the time from 20:39 to 08:45, and what ends after 08:40 may change.
    let uri = "/sla/web/history?step=1h&from=1970-01-01T00:00:00Z&to=2026-11-23T08:45:00Z";
    for (query, starts, many) in [
        ("", "2026-11-22T20:00:00Z", 12),
        ("&provisional=true", "2026-11-22T20:00:00Z", 13),
    ] {
        let document = service.get(&format!("{uri}{query}")).await;
        let steps = document["history"].as_array().unwrap();
        assert_eq!((&steps[0]["start"], steps.len()), (&json!(starts), many));
    }
}

#[tokio::test]
async fn the_histories_of_many_ranges_come_one_after_the_other_by_the_cursor() {
    let with_data = [3, 4, 90];
    let objectives = (0..100).map(|number| {
        let id = format!("o{number:02}");
        json!({"id": id, "metric": "cpuUsage", "max": number, "target": 0.9})
    });
    let (database, service, objectives) = made(objectives.collect()).await;
    for position in with_data {
        let own = told(&objectives[position], AS_OF);
        store(&database, &[own.of("a", &excursion(), outlook(0.1))]).await;
    }
    let uri = "/sla/web/history?step=1h&limit=5&from=1970-01-01T00:00:00Z&to=2026-11-23T08:45:00Z";
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("{uri}{next}")).await;
        for step in page["history"].as_array().unwrap() {
            found.push((step["objective"].clone(), step["start"].clone()));
        }
        let Some(cursor) = page["next"].as_str() else {
            break;
        };
        next = format!("&cursor={cursor}");
    }
    assert_eq!(found.len(), 3 * 12);
    for (steps, position) in found.chunks(12).zip(with_data) {
        let id = format!("o{position:02}");
        assert!(steps.iter().all(|(objective, _)| *objective == id));
        assert!(steps.is_sorted_by_key(|(_, start)| start.to_string()));
    }
}

#[tokio::test]
async fn every_series_of_an_objective_comes_by_the_cursor() {
    let (database, service, objectives) = made(json!([cpu(0.99)])).await;
    let cpu = told(&objectives[0], AS_OF);
    let hosts: Vec<String> = (0..120).map(|number| format!("host{number:03}")).collect();
    let rows: Vec<Document> = hosts
        .iter()
        .map(|host| cpu.of(host, &[50.0; 3], outlook(0.1)))
        .collect();
    store(&database, &rows).await;
    let whole = service.get("/sla/web/budget").await;
    assert_eq!(whole["objectives"].as_array().unwrap().len(), 120);
    assert_eq!(whole["next"], Value::Null);
    let (mut found, mut sums, mut query) = (Vec::new(), 0, String::new());
    loop {
        let page = service
            .get(&format!("/sla/web/budget?limit=50{query}"))
            .await;
        let entries = page["objectives"].as_array().unwrap();
        assert!(entries.len() <= 50);
        found.extend(
            entries
                .iter()
                .map(|entry| entry["labels"]["instance"].as_str().unwrap().to_owned()),
        );
        sums += page["rolled_up"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => query = format!("&cursor={next}"),
            None => break,
        }
    }
    found.sort_unstable();
    assert_eq!((found, sums), (hosts, 1));
    for bad in ["0", "1001", "x"] {
        let uri = format!("/sla/web/budget?limit={bad}");
        assert_eq!(service.status("GET", &uri, None, "").await, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_list_ends_where_the_sla_changes_between_its_pages() {
    let (database, service, objectives) = made(json!([cpu(0.99)])).await;
    let own = told(&objectives[0], AS_OF);
    for host in ["a", "b"] {
        store(&database, &[own.of(host, &excursion(), outlook(0.1))]).await;
    }
    let lists = [
        "/sla/web/budget?limit=1",
        "/sla/web/history?step=1h&limit=1&from=1970-01-01T00:00:00Z&to=2026-11-23T08:45:00Z",
    ];
    let mut rest = Vec::new();
    for uri in lists {
        let next = &service.get(uri).await["next"];
        rest.push(format!("{uri}&cursor={}", next.as_str().unwrap()));
    }
    for uri in &rest {
        assert_eq!(service.status("GET", uri, None, "").await, 200, "{uri}");
    }
    put(&database, AS_OF, json!([cpu(0.98)])).await;
    for uri in &rest {
        assert_eq!(service.status("GET", uri, None, "").await, 400, "{uri}");
    }
}

fn reply_bytes(document: &Value) -> usize {
    document.to_string().len()
}
