//! Which series, episodes and versions `/check_json` lists.

use serde_json::{Value, json};

use crate::{
    budget::made,
    check::{AS_OF, excursion, store, told, web},
    service::{Told, objectives, outlook},
};

#[tokio::test]
async fn many_series_that_flap_fit_into_an_answer() {
    let stated: Vec<_> = (0..8)
        .map(|number| json!({"id": format!("o{number}"), "metric": "memory", "min": 10}))
        .collect();
    let (database, service, objectives) = made(Value::from(stated)).await;
    let flapping = [5.0, 50.0].repeat(101);
    for number in 0..101 {
        let instance = format!("pod-{number}-{}", "x".repeat(300));
        let documents: Vec<_> = objectives
            .iter()
            .map(|objective| told(objective, AS_OF).of(&instance, &flapping, outlook(0.1)))
            .collect();
        store(&database, &documents).await;
    }
    for route in ["/check_json", "/predict_json"] {
        let uri = format!("{route}?as_of={AS_OF}");
        let document = service.get(&uri).await;
        let length = document.to_string().len();
        assert!((100_000..6_000_000).contains(&length), "{route}: {length}");
        let entries = document["objectives"].as_array().unwrap();
        assert_eq!(entries.len(), 800);
        for entry in entries {
            assert_eq!(entry["series"], 101, "{route}");
            if route == "/check_json" {
                assert_eq!(entry["episodes_total"], 101);
                assert!(!entry["episodes"].as_array().unwrap().is_empty());
            }
        }
    }
}

#[tokio::test]
async fn labels_that_are_long_once_they_are_escaped_fit_into_an_answer() {
    let (database, service, objectives) = web().await;
    let cpu = told(&objectives[0], AS_OF);
    for number in 0..100 {
        // Four bytes each in what a function returns.
        let instance = format!("{number}{}", "\"".repeat(16_000));
        store(&database, &[cpu.of(&instance, &[50.0; 9], outlook(0.1))]).await;
    }
    for route in ["/check_json", "/predict_json"] {
        let document = service.get(&format!("{route}?as_of={AS_OF}")).await;
        let entries = document["objectives"].as_array().unwrap();
        let cpu = entries.iter().filter(|entry| entry["objective"] == "cpu");
        let shown: Vec<_> = cpu.collect();
        assert_eq!(shown.len(), 50, "{route}");
        assert_eq!(shown[0]["series"], 100, "{route}");
    }
}

#[tokio::test]
async fn a_series_that_left_leaves_the_answer_and_its_past_stays() {
    let (database, service, objectives) = web().await;
    let earlier = "2026-11-23T08:44:30Z";
    let cpu = &objectives[0];
    store(
        &database,
        &["a", "b"].map(|instance| told(cpu, earlier).of(instance, &[50.0; 9], outlook(0.1))),
    )
    .await;
    store(
        &database,
        &[told(cpu, AS_OF).of("a", &[50.0; 9], outlook(0.1))],
    )
    .await;
    for (as_of, count) in [(AS_OF, 1), (earlier, 2), ("2026-11-23T08:44:59.999Z", 2)] {
        let document = service.get(&format!("/check_json?as_of={as_of}")).await;
        let entries = document["objectives"].as_array().unwrap();
        let cpu = entries.iter().filter(|entry| entry["objective"] == "cpu");
        assert_eq!(cpu.count(), count, "{as_of}");
    }
}

#[tokio::test]
async fn of_many_series_the_hundred_worst_are_told_with_all_counted() {
    for series in [130, 700] {
        the_hundred_worst_of(series).await;
    }
}

async fn the_hundred_worst_of(series: u32) {
    let (database, service, objectives) = web().await;
    let cpu = told(&objectives[0], AS_OF);
    let mut documents = Vec::new();
    for number in 0..series {
        let values = match number {
            7 => vec![90.0; 20],
            11 => vec![90.0; 40],
            13 => excursion(),
            _ => vec![50.0; 9],
        };
        documents.push(cpu.of(
            &format!("host{number}"),
            &values,
            outlook(f64::from(number) / 1_000.0),
        ));
    }
    store(&database, &documents).await;
    let document = service.get(&format!("/check_json?as_of={AS_OF}")).await;
    let entries = document["objectives"].as_array().unwrap();
    let cpu: Vec<&Value> = entries
        .iter()
        .filter(|entry| entry["objective"] == "cpu")
        .collect();
    assert_eq!(cpu.len(), 100);
    let worst: Vec<&Value> = cpu
        .iter()
        .take(3)
        .map(|entry| &entry["labels"]["instance"])
        .collect();
    assert_eq!(worst, ["host11", "host7", "host13"]);
    assert_eq!(
        (&cpu[0]["series"], &cpu[0]["firing"], &cpu[0]["no_data"]),
        (&json!(series), &json!(2), &json!(0))
    );

    let document = service.get(&format!("/predict_json?as_of={AS_OF}")).await;
    let entries = document["objectives"].as_array().unwrap();
    assert_eq!(entries.len(), 101);
    assert_eq!(
        entries[0]["labels"]["instance"],
        format!("host{}", series - 1)
    );
    assert_eq!(
        entries[99]["labels"]["instance"],
        format!("host{}", series - 100)
    );
}

#[tokio::test]
async fn at_most_a_hundred_episodes_are_told_newest_first() {
    let (database, service, objectives) = web().await;
    let values: Vec<f64> = (0..301)
        .map(|number| if number % 2 == 0 { 5.0 } else { 50.0 })
        .collect();
    store(
        &database,
        &[told(&objectives[1], AS_OF).of("a", &values, outlook(0.1))],
    )
    .await;
    let document = service.get("/check_json").await;
    let memory = &document["objectives"][1];
    let episodes = memory["episodes"].as_array().unwrap();
    assert_eq!(
        (episodes.len(), &memory["episodes_total"]),
        (100, &json!(151))
    );
    let starts: Vec<&str> = episodes
        .iter()
        .map(|episode| episode["start"].as_str().unwrap())
        .collect();
    assert!(starts.is_sorted_by(|one, other| one > other));
    assert_eq!(starts[0], AS_OF);
}

#[tokio::test]
async fn an_episode_of_days_is_told_from_its_beginning() {
    let (database, service, objectives) = web().await;
    // Every value of 13 hours is out of range: each evaluation sees no beginning, the stored episode has one.
    let long = vec![90.0; 13 * 240];
    let first = [vec![50.0; 4], vec![90.0; 400]].concat();
    store(
        &database,
        &[told(&objectives[0], "2026-11-22T20:45:00Z").of("a", &first, outlook(0.9))],
    )
    .await;
    store(
        &database,
        &[told(&objectives[0], AS_OF).of("a", &long, outlook(0.9))],
    )
    .await;
    let whole = service.get("/check_json").await["objectives"][0]["episodes"][0].take();
    let then =
        service.get(&format!("/check_json?as_of={AS_OF}")).await["objectives"][0]["episodes"][0]
            .take();
    assert_eq!(
        (&whole["start"], &whole["start_known"]),
        (&json!("2026-11-22T19:05:15Z"), &json!(true))
    );
    assert_eq!(
        (&then["start"], &then["start_known"]),
        (&json!("2026-11-22T20:39:15Z"), &json!(false))
    );
    assert_eq!(whole["end"], then["end"]);
}

#[tokio::test]
async fn the_past_is_told_by_the_version_that_was_evaluated_then() {
    let (database, service, objectives_then) = web().await;
    store(
        &database,
        &[told(&objectives_then[0], AS_OF).of("a", &[50.0; 9], outlook(0.1))],
    )
    .await;
    let document = json!({"objectives": [{"id": "cpu", "metric": "cpuUsage", "max": 40}]});
    service
        .send("PUT", "/sla/web", Some("\"1\""), document)
        .await;
    let now = service.get("/check_json").await;
    assert_eq!(
        (&now["version"], &now["objectives"][0]["reason"]),
        (&json!(2), &json!("not_evaluated_yet"))
    );
    let then = service.get("/check_json?as_of=2026-11-23T09:00:00Z").await;
    assert_eq!(
        (&then["version"], &then["as_of"]),
        (&json!(1), &json!(AS_OF))
    );
    assert_eq!(then["age_seconds"], 900.0);

    let objectives = objectives(&database, "web").await;
    let newer = Told {
        version: 2,
        ..told(&objectives[0], AS_OF)
    };
    store(&database, &[newer.of("a", &[50.0; 9], outlook(0.1))]).await;
    let then = service.get("/check_json?as_of=2026-11-23T09:00:00Z").await;
    assert_eq!(
        (&then["version"], &then["state"]),
        (&json!(2), &json!("firing"))
    );

    service.send("DELETE", "/sla/web", Some("*"), "").await;
    assert_eq!(
        service.status("GET", "/check_json?sla=web", None, "").await,
        404
    );
    let retired = service
        .get("/check_json?sla=web&as_of=2026-11-23T09:00:00Z")
        .await;
    assert_eq!(retired["version"], 2);
}

#[tokio::test]
async fn that_no_series_matches_is_told_only_while_none_does() {
    let (database, service, objectives) = web().await;
    store(&database, &[told(&objectives[1], AS_OF).of_nothing()]).await;
    let entry = service.get(&format!("/check_json?as_of={AS_OF}")).await["objectives"][1].take();
    assert_eq!(
        (&entry["reason"], &entry["labels"], &entry["windows"]),
        (&json!("no_series"), &json!({}), &Value::Null)
    );
    store(
        &database,
        &[told(&objectives[1], AS_OF).of("a", &[50.0; 9], outlook(0.1))],
    )
    .await;
    let entry = service.get(&format!("/check_json?as_of={AS_OF}")).await["objectives"][1].take();
    assert_eq!(
        (&entry["reason"], &entry["series"]),
        (&Value::Null, &json!(1))
    );
}
