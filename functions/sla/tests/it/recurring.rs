//! Exclusions that recur.

use domain::Timestamp;
use serde_json::{Value, json};

use crate::{
    budget::{AS_OF, ageless, cpu, made, told},
    check::{excursion, store},
    service::{Service, json as body, outlook},
};

/// Every day at 09:38:30 in Rome, which is 08:38:30 in UTC, for 75 s: half of the violation of `excursion`.
fn daily(from: Option<&str>) -> Value {
    json!({
        "rrule": "FREQ=DAILY", "starts": "2026-11-20T09:38:30", "duration": "75s", "time_zone": "Europe/Rome",
        "reason": "backup", "from": from
    })
}

async fn post(service: &Service, document: &Value) -> Value {
    let reply = service
        .send("POST", "/sla/web/exclusions", None, document)
        .await;
    let exclusion = body(&reply);
    assert_eq!(reply.status(), 201, "{document}: {exclusion}");
    exclusion
}

async fn delete(service: &Service, exclusion: &Value, query: &str) -> (u16, Value) {
    let uri = format!("/sla/web/exclusions/{}{query}", exclusion["id"]);
    let reply = service.send("DELETE", &uri, None, "").await;
    (reply.status().as_u16(), body(&reply))
}

/// What is left of the violation in `/check_json`, in the budget and in the list of violations, seconds.
async fn excluded(service: &Service) -> [Value; 3] {
    let check = ageless(service, "/check_json?sla=web").await;
    let budget = ageless(service, "/sla/web/budget").await;
    let violations = service.get("/sla/web/violations").await;
    [
        check["objectives"][0]["windows"]["1h"]["excluded_seconds"].clone(),
        budget["objectives"][0]["bad_seconds"].clone(),
        violations["violations"][0]["excluded_seconds"].clone(),
    ]
}

#[tokio::test]
async fn occurrences_of_a_rule_count_like_exclusions_until_it_ends() {
    let (database, service, objectives) = made(json!([cpu(0.99)])).await;
    // Out of range from 08:38:15 to 08:40:15.
    let document = told(&objectives[0], AS_OF).of("a", &excursion(), outlook(0.1));
    store(&database, &[document]).await;
    let nothing = [json!(0.0), json!(120.0), json!(0.0)];
    let a_part = [json!(75.0), json!(45.0), json!(75.0)];
    assert_eq!(excluded(&service).await, nothing);
    let rule = post(&service, &daily(None)).await;
    assert_eq!(rule["from"], "2026-11-20T08:38:30Z");
    assert_eq!(rule["to"], Value::Null);
    assert_eq!(rule["rrule"], "FREQ=DAILY");
    assert_eq!(rule["starts"], "2026-11-20T09:38:30");
    assert_eq!(
        (&rule["duration"], &rule["duration_seconds"]),
        (&json!("1m15s"), &json!(75.0))
    );
    assert_eq!(rule["time_zone"], "Europe/Rome");
    assert_eq!(excluded(&service).await, a_part);
    // It ends in the middle of an occurrence: what was before stays.
    let (status, ended) = delete(&service, &rule, "?from=2026-11-23T08:38:45Z").await;
    assert_eq!(
        (status, &ended["to"]),
        (200, &json!("2026-11-23T08:38:45Z"))
    );
    assert_eq!(ended["deleted_at"], Value::Null);
    assert_eq!(
        excluded(&service).await,
        [json!(15.0), json!(105.0), json!(15.0)]
    );
    // An end after that changes nothing, nor does the same once more.
    for query in [
        "",
        "?from=2026-11-23T08:38:45Z",
        "?from=2026-12-01T00:00:00Z",
    ] {
        assert_eq!(
            delete(&service, &rule, query).await,
            (200, ended.clone()),
            "{query}"
        );
    }
    let (status, taken_back) = delete(&service, &rule, "?from=all").await;
    assert_eq!(status, 200);
    assert!(taken_back["deleted_at"].is_string());
    assert_eq!(excluded(&service).await, nothing);
    // Of one that ends before it begins nothing is left.
    let later = post(&service, &daily(Some("2026-11-22T00:00:00Z"))).await;
    assert_eq!(excluded(&service).await, a_part);
    let (_, gone) = delete(&service, &later, "?from=2026-11-22T00:00:00Z").await;
    assert!(gone["deleted_at"].is_string());
    assert_eq!(excluded(&service).await, nothing);
}

#[tokio::test]
async fn a_rule_is_listed_with_its_occurrences() {
    let (_database, service, _) = made(json!([cpu(0.99)])).await;
    // Rome changes its clocks on 29 March 2026: 02:30 does not exist, and is 03:30.
    let rule = json!({
        "rrule": "FREQ=WEEKLY;BYDAY=SU", "starts": "2026-03-22T02:30:00", "duration": "2h",
        "time_zone": "Europe/Rome", "reason": "backup", "objective": "cpu"
    });
    let made = post(&service, &rule).await;
    let listed = async |query: &str| {
        let list = service.get(&format!("/sla/web/exclusions?{query}")).await;
        let exclusions = list["exclusions"].as_array().unwrap().clone();
        assert!(exclusions.iter().all(|one| one["id"] == made["id"]));
        exclusions.first().map(|one| one["occurrences"].clone())
    };
    assert_eq!(
        listed("from=2026-03-22T03:30:00Z&to=2026-04-05T00:30:00Z").await,
        Some(json!([
            {"from": "2026-03-29T01:30:00Z", "to": "2026-03-29T03:30:00Z"},
            {"from": "2026-04-05T00:30:00Z", "to": "2026-04-05T02:30:00Z"},
        ]))
    );
    assert_eq!(
        listed("from=2026-03-23T00:00:00Z&to=2026-03-24T00:00:00Z").await,
        Some(json!([]))
    );
    assert_eq!(listed("to=2026-03-01T00:00:00Z").await, None);
    // Some of a rule without end are listed unasked, each once.
    let some = listed("").await.unwrap();
    let some = some.as_array().unwrap();
    assert!((52..=110).contains(&some.len()), "{}", some.len());
    // Its own time cuts them.
    let mut short = rule.clone();
    short["from"] = json!("2026-03-22T02:00:00Z");
    short["to"] = json!("2026-03-29T02:00:00Z");
    let short = post(&service, &short).await;
    assert_eq!(
        short["occurrences"],
        json!([
            {"from": "2026-03-22T02:00:00Z", "to": "2026-03-22T03:30:00Z"},
            {"from": "2026-03-29T01:30:00Z", "to": "2026-03-29T02:00:00Z"},
        ])
    );
}

#[tokio::test]
async fn a_rule_that_is_wrong_is_refused_by_pointer_and_nothing_is_stored() {
    let (database, service, _) = made(json!([cpu(0.99)])).await;
    let before = database.contents().await;
    for (field, value, pointer) in [
        ("rrule", json!("FREQ=DAILY;UNTIL=20270101T000000"), "/rrule"),
        ("rrule", json!("FREQ=DAILY;BYHOUR=9,10"), "/rrule"),
        ("rrule", json!("FREQ=HOURLY"), "/rrule"),
        ("rrule", json!("'; --"), "/rrule"),
        ("rrule", Value::Null, "/rrule"),
        ("rrule", json!("FREQ=WEEKLY;BYDAY=MO"), "/starts"),
        (
            "rrule",
            json!("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
            "/starts",
        ),
        ("starts", json!("2026-11-20T08:38:30Z"), "/starts"),
        ("duration", json!("8d"), "/duration"),
        ("time_zone", json!("Atlantis"), "/time_zone"),
        ("to", json!("2026-11-20T08:38:30Z"), "/to"),
        ("objective", json!("memory"), "/objective"),
    ] {
        let mut document = daily(None);
        document[field] = value;
        let reply = service
            .send("POST", "/sla/web/exclusions", None, &document)
            .await;
        let problem = body(&reply);
        assert_eq!(reply.status(), 422, "{document}: {problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{document}");
    }
    assert_eq!(database.contents().await, before);
    // Only a rule ends at a time.
    let once = json!({"from": "2026-11-23T08:00:00Z", "to": "2026-11-23T09:00:00Z", "reason": "x"});
    let once = post(&service, &once).await;
    for query in ["?from=2026-11-23T08:30:00Z", "?from=never", "?to=all"] {
        let (status, problem) = delete(&service, &once, query).await;
        assert_eq!(status, 400, "{query}: {problem}");
    }
    assert_eq!(delete(&service, &once, "?from=all").await.0, 200);
}

#[tokio::test]
async fn an_sla_has_at_most_100_rules_in_effect() {
    let (database, service, _) = made(json!([cpu(0.99)])).await;
    let made = post(&service, &daily(None)).await;
    for _ in 1..100 {
        post(&service, &daily(None)).await;
    }
    let reply = service
        .send("POST", "/sla/web/exclusions", None, daily(None))
        .await;
    assert_eq!(reply.status(), 409);
    delete(&service, &made, "?from=all").await;
    post(&service, &daily(None)).await;
    let excluded = database
        .store()
        .excluded_time("web", "2026-11-23T08:45:00Z".parse::<Timestamp>().unwrap())
        .await
        .unwrap();
    // Those of three days before, today's and tomorrow's.
    assert_eq!(excluded.of("cpu").spans().len(), 5);
}
