use std::time::Duration;

use domain::{
    Sample, Timestamp,
    evaluation::{Outlook, STALENESS, evaluate, recommend},
    message::{SeriesReference, TrialDocument, TriedObjective, TriedSeries, ViolationsDocument},
    sla::{Draft, Objective, SlaName},
};
use serde_json::{Value, json};
use sla::Evaluator;
use store::testing::{Documents, TestDatabase};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, method, path},
};

use crate::service::{Service, json as body, outlook, time};

const AS_OF: &str = "2026-11-23T08:45:00Z";

fn objectives() -> Value {
    json!([
        {"id": "cpu", "metric": "cpuUsage", "max": 80},
        {"id": "gone", "metric": "cpuTemp", "min": 10}
    ])
}

/// What etl says of them: 50, 90 and 70 were seen of one series, of the other objective nothing.
fn told() -> TrialDocument {
    let draft = Draft::parse(&json!({"objectives": objectives()})).unwrap();
    let [cpu, gone]: [Objective; 2] = draft.ranges().try_into().unwrap();
    let as_of = time(AS_OF);
    let samples = [(120, 50.0), (60, 90.0), (0, 70.0)].map(|(age, value)| Sample {
        time: as_of - Duration::from_secs(age),
        value,
    });
    let judgement = evaluate(&cpu, &samples, STALENESS, as_of).judgement();
    let judgement = judgement.unwrap();
    let series = SeriesReference::new(Documents::about("cpuUsage", "a").series(), None);
    let found = TriedSeries {
        violations: ViolationsDocument::judged(
            &SlaName::trial(),
            0,
            &cpu,
            series,
            judgement,
            Outlook::Forecast(outlook(0.37)),
        ),
        episodes_total: 1,
        recommended: recommend(&cpu, &samples, STALENESS, as_of, 0),
    };
    let absent = TriedSeries {
        violations: ViolationsDocument::without_series(&SlaName::trial(), 0, &gone, as_of),
        episodes_total: 0,
        recommended: Default::default(),
    };
    let of = |objective: Objective, series, entries| TriedObjective {
        objective,
        series,
        firing: 0,
        no_data: 0,
        ended: 0,
        ended_until: None,
        entries,
    };
    TrialDocument {
        as_of,
        objectives: vec![of(cpu, 1, vec![found]), of(gone, 0, vec![absent])],
        events: Vec::new(),
        failures: Vec::new(),
    }
}

async fn service(etl: &MockServer, database: &TestDatabase) -> Service {
    let evaluator = Evaluator::new(Some(etl.uri().parse().unwrap()), None).unwrap();
    Service::with(database.store().clone(), evaluator)
}

#[tokio::test]
async fn objectives_are_tried_and_nothing_is_saved() {
    let database = TestDatabase::create().await;
    let etl = MockServer::start().await;
    let asked = json!({"objectives": objectives(), "as_of": AS_OF, "violations": 2});
    let mut dry_run = asked.clone();
    dry_run["dry_run"] = json!(true);
    Mock::given(method("POST"))
        .and(path("/ETL"))
        .and(body_json(dry_run))
        .respond_with(ResponseTemplate::new(200).set_body_json(told()))
        .expect(1)
        .mount(&etl)
        .await;
    let service = service(&etl, &database).await;
    let reply = service.send("POST", "/sla/try", None, asked).await;
    let document = body(&reply);
    assert_eq!(reply.status(), 200, "{document}");
    assert_eq!(document["as_of"], AS_OF);
    let check = &document["check_json"];
    assert_eq!(
        (
            &check["sla"],
            &check["as_of"],
            &check["stale"],
            &check["state"]
        ),
        (
            &json!("try"),
            &json!(AS_OF),
            &json!(false),
            &json!("no_data")
        )
    );
    let cpu = &check["objectives"][0];
    assert_eq!(cpu["windows"]["1h"]["violations"], 1);
    assert_eq!(cpu["episodes"][0]["worst"], 90.0);
    assert_eq!(check["objectives"][1]["reason"], "no_series");
    let predicted = &document["predict_json"]["objectives"][0];
    assert_eq!(
        (&predicted["probability"], &predicted["max"]),
        (&json!(0.37), &json!(80.0))
    );
    assert_eq!(
        document["recommended"],
        json!([
            {"objective": "cpu", "metric": "cpuUsage", "labels": {"instance": "a", "job": "node"}, "min": null, "max": 90.0},
            {"objective": "gone", "metric": "cpuTemp", "labels": {}, "min": null, "max": null}
        ])
    );
    assert!(database.contents().await.is_empty());
}

#[tokio::test]
async fn what_is_invalid_is_named_by_its_pointer_before_etl_is_asked() {
    let database = TestDatabase::create().await;
    let etl = MockServer::start().await;
    let service = service(&etl, &database).await;
    for (document, pointer) in [
        (json!([]), ""),
        (json!({}), "/objectives"),
        (json!({"objectives": []}), "/objectives"),
        (
            json!({"objectives": [{"metric": "m", "min": 2, "max": 1}]}),
            "/objectives/0/min",
        ),
        (json!({"objectives": objectives(), "name": "web"}), "/name"),
        (
            json!({"objectives": objectives(), "dry_run": false}),
            "/dry_run",
        ),
        (json!({"objectives": objectives(), "sla": "web"}), "/sla"),
        (
            json!({"objectives": objectives(), "violations": "none"}),
            "/violations",
        ),
    ] {
        let reply = service.send("POST", "/sla/try", None, &document).await;
        let problem = body(&reply);
        assert_eq!(reply.status(), 422, "{document}: {problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    assert_eq!(service.status("POST", "/sla/try", None, "{").await, 400);
    assert_eq!(service.status("GET", "/sla/try", None, "").await, 405);
    assert!(etl.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_etl_calls_invalid_is_told_as_etl_tells_it() {
    let database = TestDatabase::create().await;
    let etl = MockServer::start().await;
    let errors = json!([{"pointer": "/as_of", "detail": "is in the future"}]);
    let problem =
        ResponseTemplate::new(422).set_body_json(json!({"status": 422, "errors": errors}));
    Mock::given(path("/ETL"))
        .respond_with(problem)
        .mount(&etl)
        .await;
    let service = service(&etl, &database).await;
    let later: Timestamp = time("2100-01-01T00:00:00Z");
    let asked = json!({"objectives": objectives(), "as_of": later});
    let reply = service.send("POST", "/sla/try", None, asked).await;
    assert_eq!(reply.status(), 422);
    assert_eq!(body(&reply)["errors"], errors);
}

#[tokio::test]
async fn without_etl_nothing_can_be_tried() {
    let database = TestDatabase::create().await;
    let etl = MockServer::start().await;
    Mock::given(path("/ETL"))
        .respond_with(ResponseTemplate::new(503))
        .mount(&etl)
        .await;
    let nobody = "http://127.0.0.1:1".parse().unwrap();
    let away = Evaluator::new(Some(nobody), None).unwrap();
    for service in [
        service(&etl, &database).await,
        Service::with(database.store().clone(), away),
        Service::new(database.store().clone()),
    ] {
        let asked = json!({"objectives": objectives()});
        let reply = service.send("POST", "/sla/try", None, asked).await;
        assert_eq!(reply.status(), 503);
        assert!(reply.headers().contains_key("retry-after"));
        assert_eq!(body(&reply)["detail"], "etl is away");
    }
}
