use serde_json::{Value, json};

use crate::{
    budget::{AS_OF, ageless, cpu, made, told},
    check::{excursion, store},
    service::{Service, json as body, outlook},
};

async fn exclude(service: &Service, from: &str, to: &str, objective: Option<&str>) -> Value {
    let document = json!({
        "from": format!("2026-11-23T{from}Z"), "to": format!("2026-11-23T{to}Z"),
        "reason": "upgrade", "objective": objective
    });
    let reply = service
        .send("POST", "/sla/web/exclusions", None, document)
        .await;
    let exclusion = body(&reply);
    assert_eq!(reply.status(), 201, "{exclusion}");
    let location = format!("/sla/web/exclusions/{}", exclusion["id"]);
    assert_eq!(reply.headers()["location"], location.as_str());
    exclusion
}

/// What an SRE sees: `/check_json`, the budget and the violations.
async fn answers(service: &Service) -> [Value; 3] {
    let mut check = ageless(service, "/check_json?sla=web").await;
    check["stale"].take();
    [
        check,
        ageless(service, "/sla/web/budget").await,
        service.get("/sla/web/violations").await,
    ]
}

/// The two windows' numbers, the budget's, and the episode's, of the first entries.
fn numbers([check, budget, violations]: &[Value; 3]) -> Value {
    let hour = &check["objectives"][0]["windows"]["1h"];
    let budget = &budget["objectives"][0];
    json!([
        hour["violations"],
        hour["seconds"],
        hour["excluded_seconds"],
        budget["bad_seconds"],
        budget["excluded_seconds"],
        check["objectives"][0]["episodes"][0]["excluded_seconds"],
        violations["violations"][0]["excluded_seconds"],
        violations["violations"][0]["seconds"],
    ])
}

#[tokio::test]
async fn an_exclusion_counts_after_the_fact_until_it_is_taken_back() {
    let (database, service, objectives) = made(json!([cpu(0.99)])).await;
    // Out of range from 08:38:15 to 08:40:15.
    let document = told(&objectives[0], AS_OF).of("a", &excursion(), outlook(0.1));
    store(&database, &[document]).await;
    let before = answers(&service).await;
    assert_eq!(
        numbers(&before),
        json!([1, 120.0, 0.0, 120.0, 0.0, 0.0, 0.0, 120.0])
    );
    // Half of it, by two that overlap, one of the objective alone.
    let first = exclude(&service, "08:38:00", "08:39:00", None).await;
    let second = exclude(&service, "08:38:30", "08:39:15", Some("cpu")).await;
    let partly = answers(&service).await;
    assert_eq!(
        numbers(&partly),
        json!([1, 60.0, 60.0, 60.0, 75.0, 60.0, 60.0, 120.0])
    );
    // All of it.
    let third = exclude(&service, "08:39:00", "08:40:15", None).await;
    let wholly = answers(&service).await;
    assert_eq!(
        numbers(&wholly),
        json!([0, 0.0, 120.0, 0.0, 135.0, 120.0, 120.0, 120.0])
    );
    // State, samples and coverage are what they were.
    let unchanged = |answers: &[Value; 3]| {
        let mut entry = answers[0]["objectives"][0].clone();
        for window in ["1h", "3h", "12h"] {
            let window = entry["windows"][window].as_object_mut().unwrap();
            window.retain(|name, _| {
                matches!(
                    name.as_str(),
                    "coverage" | "observed_samples" | "out_of_range_samples"
                )
            });
        }
        let coverage = answers[1]["objectives"][0]["coverage"].clone();
        [entry["state"].take(), entry["windows"].take(), coverage]
    };
    assert_eq!(unchanged(&before), unchanged(&wholly));
    // The budget is what it would be without that time.
    let budget = &wholly[1]["objectives"][0];
    assert_eq!(budget["sli"], 1.0);
    let spendable = 86_400.0 - 42_855.0 - 135.0;
    assert!((budget["budget_seconds"].as_f64().unwrap() - 0.01 * spendable).abs() < 1e-9);

    for exclusion in [first, second, third] {
        let uri = format!("/sla/web/exclusions/{}", exclusion["id"]);
        let deleted = service.send("DELETE", &uri, None, "").await;
        assert_eq!(deleted.status(), 200);
        assert!(body(&deleted)["deleted_at"].is_string());
        // Once more changes nothing, not even the time.
        assert_eq!(
            body(&service.send("DELETE", &uri, None, "").await),
            body(&deleted)
        );
    }
    assert_eq!(answers(&service).await, before);
    for (query, count) in [
        ("", 3),
        ("from=2026-11-23T08:39:00Z", 2),
        ("to=2026-11-23T08:38:00Z", 1),
        ("as_of=2026-11-23T08:38:30Z", 2),
        ("as_of=2026-11-23T08:38:30Z&from=2026-11-23T08:38:31Z", 0),
    ] {
        let audit = service.get(&format!("/sla/web/exclusions?{query}")).await;
        let audit = audit["exclusions"].as_array().unwrap();
        assert_eq!(audit.len(), count, "{query}");
    }
}

#[tokio::test]
async fn an_objective_says_that_it_is_in_an_exclusion() {
    let (database, service, objectives) =
        made(json!([cpu(0.99), {"id": "memory", "metric": "memory", "min": 10}])).await;
    store(
        &database,
        &[
            told(&objectives[0], AS_OF).of("a", &[90.0; 20], outlook(0.9)),
            told(&objectives[1], AS_OF).of_nothing(),
        ],
    )
    .await;
    let said = async || {
        let uri = format!("/check_json?sla=web&as_of={AS_OF}");
        let check = service.get(&uri).await;
        let budget = service.get("/sla/web/budget").await;
        let of =
            |document: &Value, place: usize| document["objectives"][place]["in_exclusion"].clone();
        assert_eq!(of(&check, 0), of(&budget, 0));
        assert_eq!(check["objectives"][0]["state"], "firing");
        [of(&check, 0), of(&check, 1)]
    };
    assert_eq!(said().await, [false, false]);
    // It ends at the time of the evaluation.
    exclude(&service, "08:00:00", "08:45:00", None).await;
    assert_eq!(said().await, [false, false]);
    exclude(&service, "08:45:00", "08:45:01", Some("cpu")).await;
    assert_eq!(said().await, [true, false]);
    exclude(&service, "08:44:00", "23:59:59", None).await;
    assert_eq!(said().await, [true, true]);
}

#[tokio::test]
async fn violations_that_are_not_told_for_their_number_are_excluded_too() {
    let (database, service, objectives) =
        made(json!([{"id": "memory", "metric": "memory", "min": 10}])).await;
    let values: Vec<f64> = (0..600)
        .map(|k| if k % 4 == 1 { 5.0 } else { 50.0 })
        .collect();
    let document = told(&objectives[0], AS_OF).of("a", &values, outlook(0.1));
    store(&database, &[document]).await;
    let windows = async || {
        let mut check = service.get("/check_json?sla=web").await;
        let window = check["objectives"][0]["windows"]["12h"].take();
        [
            window["violations"].clone(),
            window["seconds"].clone(),
            window["excluded_seconds"].clone(),
        ]
    };
    assert_eq!(windows().await, [json!(150), json!(2250.0), json!(0.0)]);
    // The first ten minutes: of the 150, the newest 100 are listed.
    exclude(&service, "06:15:00", "06:25:15", None).await;
    assert_eq!(windows().await, [json!(140), json!(2100.0), json!(150.0)]);
}

#[tokio::test]
async fn an_invalid_exclusion_is_refused_by_pointer_and_nothing_is_stored() {
    let (database, service, _) = made(json!([cpu(0.99)])).await;
    let before = database.contents().await;
    let valid =
        json!({"from": "2026-11-23T08:00:00Z", "to": "2026-11-23T09:00:00Z", "reason": "x"});
    for (field, value, pointer) in [
        ("to", json!("2026-11-23T07:59:59Z"), "/to"),
        ("to", json!("2026-11-23T08:00:00Z"), "/to"),
        ("from", json!("now"), "/from"),
        ("from", Value::Null, "/from"),
        ("reason", json!(""), "/reason"),
        ("reason", json!("x".repeat(1_001)), "/reason"),
        ("objective", json!("memory"), "/objective"),
        ("objective", json!("'; --"), "/objective"),
        ("until", json!("2026-11-23T09:00:00Z"), "/until"),
    ] {
        let mut document = valid.clone();
        document[field] = value;
        let reply = service
            .send("POST", "/sla/web/exclusions", None, &document)
            .await;
        let problem = body(&reply);
        assert_eq!(reply.status(), 422, "{document}: {problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{document}");
    }
    for (name, document, status) in [
        ("web", "{".to_owned(), 400),
        ("web", String::new(), 400),
        ("web", "[]".to_owned(), 422),
        ("web", "x".repeat((1 << 20) + 1), 413),
        ("api", valid.to_string(), 404),
        ("%27%3B--", valid.to_string(), 404),
    ] {
        let uri = format!("/sla/{name}/exclusions");
        assert_eq!(service.status("POST", &uri, None, document).await, status);
    }
    for id in ["0", "1", "-1", "x", "18446744073709551616", "%27"] {
        let uri = format!("/sla/web/exclusions/{id}");
        assert_eq!(service.status("DELETE", &uri, None, "").await, 404, "{id}");
    }
    assert_eq!(database.contents().await, before);
}

#[tokio::test]
async fn exclusions_are_listed_newest_first_page_by_page() {
    let (_database, service, _) = made(json!([cpu(0.99)])).await;
    assert_eq!(
        service.get("/sla/web/exclusions").await,
        json!({"exclusions": [], "next": null})
    );
    for minute in 10..15 {
        exclude(&service, &format!("08:{minute}:00"), "09:00:00", None).await;
    }
    let mut starts = Vec::new();
    let mut uri = "/sla/web/exclusions?limit=2".to_owned();
    loop {
        let page = service.get(&uri).await;
        let listed = page["exclusions"].as_array().unwrap();
        starts.extend(listed.iter().map(|one| one["from"].clone()));
        match page["next"].as_str() {
            Some(next) => uri = format!("/sla/web/exclusions?limit=2&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<Value> = (10..15)
        .rev()
        .map(|minute| json!(format!("2026-11-23T08:{minute}:00Z")))
        .collect();
    assert_eq!(starts, expected);
    let missing = service.status("GET", "/sla/api/exclusions", None, "").await;
    assert_eq!(missing, 404);
}

#[tokio::test]
async fn exclusions_are_listed_by_what_their_objectives_are_about() {
    let memory = json!({"id": "memory", "metric": "memory", "labels": {"job": "all"}, "max": 80});
    let (_database, service, _) = made(json!([cpu(0.99), memory])).await;
    for objective in [None, Some("cpu"), Some("memory")] {
        exclude(&service, "08:00:00", "09:00:00", objective).await;
    }
    for (query, expected) in [
        ("", json!(["memory", "cpu", null])),
        ("?metric=cpuUsage", json!(["cpu", null])),
        ("?label.job=all", json!(["memory", null])),
        ("?label.job=all&limit=1", json!(["memory"])),
        ("?metric=cpuUsage&label.job=all", json!([])),
    ] {
        let page = service.get(&format!("/sla/web/exclusions{query}")).await;
        let rows = page["exclusions"].as_array().unwrap().iter();
        let objectives: Value = rows.map(|row| row["objective"].clone()).collect();
        assert_eq!(objectives, expected, "{query}");
        assert_eq!(page["next"].is_string(), query.contains("limit"), "{query}");
    }
}
