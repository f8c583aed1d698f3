//! Budgets that burn or will be gone, violations that are likely, and what fails in the pipeline.

use std::time::Duration;

use domain::{
    Timestamp,
    evaluation::{ForecastRisk, Outlook},
    message::{Failure, RunDocument},
    sla::AnyObjective,
};
use serde_json::json;
use store::{
    pipeline::Document,
    testing::{Documents, recorded},
};

use crate::{
    service::System,
    shop::{Shop, firing, in_one_minute, now, put, store},
};

#[tokio::test]
async fn a_budget_that_burns_too_fast_or_is_gone_is_an_alert_each() {
    let shop = Shop::with(json!({})).await;
    let [first, second] = in_one_minute();
    shop.counted(first, 20.0).await;
    let [(severity, summary)] = &firing(&shop.system, "SlacastBudgetBurn", "severity").await[..]
    else {
        panic!("one alert burns");
    };
    assert_eq!(severity, "page");
    assert!(
        summary.contains("burns 20 times as fast as it may over 1h and 5m; 14.4 is the limit"),
        "{summary}"
    );
    let [(severity, summary)] = &firing(&shop.system, "SlacastExhaustion", "severity").await[..]
    else {
        panic!("the budget is gone");
    };
    assert_eq!(severity, "ticket");
    assert!(summary.ends_with("is gone"), "{summary}");

    // Nothing is bad any more: it does not burn, and there is no pace.
    shop.counted(second, 0.0).await;
    assert!(
        firing(&shop.system, "SlacastBudgetBurn", "severity")
            .await
            .is_empty()
    );
    assert!(
        firing(&shop.system, "SlacastExhaustion", "severity")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_few_bad_events_or_the_start_of_a_calendar_say_nothing() {
    let starts = (chrono::Utc::now() - chrono::TimeDelta::hours(2)).format("%Y-%m-%dT%H:%M:%S");
    let month = json!({"calendar": "1M", "starts": starts.to_string(), "time_zone": "UTC"});
    for (fields, burns) in [
        (json!({"min_bad": 1201}), 0),
        (json!({"budget_window": month}), 1),
    ] {
        let shop = Shop::with(fields.clone()).await;
        shop.counted(now() - Duration::from_secs(60), 20.0).await;
        let burning = firing(&shop.system, "SlacastBudgetBurn", "severity").await;
        assert_eq!(burning.len(), burns, "{fields}: {burning:?}");
        let gone = firing(&shop.system, "SlacastExhaustion", "severity").await;
        assert_eq!(gone, [], "{fields}");
    }
}

/// What is likely of the machine `a`, said at `as_of`.
fn likely(objective: &AnyObjective, probability: f64, as_of: Timestamp) -> Vec<Document> {
    let AnyObjective::Range(objective) = objective else {
        panic!("it is a range");
    };
    let about = Documents::about("cpuUsage", "a").under("web");
    let Document::Violations(mut document) = about.violations_of(objective, &[], as_of) else {
        panic!("it was judged");
    };
    document.outlook = Outlook::Forecast(ForecastRisk {
        probability,
        ..ForecastRisk::default()
    });
    recorded([Document::Violations(document)])
}

#[tokio::test]
async fn a_violation_that_is_likely_twice_is_expected_where_such_words_were_worth_something() {
    for (said, fires) in [(0.1, true), (0.9, false)] {
        let system = System::at(&[], true).await;
        let objective = json!({
            "id": "cpu", "metric": "cpuUsage", "max": 80, "expect": {"probability": 0.5}
        });
        let objective = put(&system, "web", objective).await;
        // What was said an hour ago, and did not happen. It comes in half of the spans of 10 minutes.
        let about = Documents::about("cpuUsage", "a").under("web");
        let hour_ago = now() - Duration::from_secs(3600);
        let Document::Score(mut score) = about.score(hour_ago, now()) else {
            panic!("it is a score");
        };
        score.objectives[0].objective = "cpu".parse().unwrap();
        score.objectives[0].probability = said;
        score.objectives[0].base_rate = Some(0.5);
        let scored = vec![about.prediction(hour_ago), Document::Score(score)];
        store(&system, scored).await;

        let name = "SlacastViolationExpected";
        store(
            &system,
            likely(&objective, 0.75, now() - Duration::from_secs(60)),
        )
        .await;
        assert!(firing(&system, name, "instance").await.is_empty(), "{said}");
        store(
            &system,
            likely(&objective, 0.75, now() - Duration::from_secs(30)),
        )
        .await;
        let expected = firing(&system, name, "instance").await;
        assert_eq!(expected.len(), usize::from(fires), "{said}: {expected:?}");
        for (instance, summary) in expected {
            assert_eq!(instance, "a");
            assert!(
                summary.contains("is 75 % likely within 10 minutes"),
                "{summary}"
            );
        }
        store(
            &system,
            likely(&objective, 0.25, now() - Duration::from_secs(1)),
        )
        .await;
        assert!(firing(&system, name, "instance").await.is_empty(), "{said}");
    }
}

/// The record of a run that failed so.
fn failed(as_of: Timestamp, failures: Vec<Failure>) -> Document {
    let Document::Run(run) = Documents::about("cpuUsage", "a").run(as_of) else {
        panic!("it is a run");
    };
    Document::Run(RunDocument { failures, ..run })
}

#[tokio::test]
async fn each_thing_that_fails_in_the_pipeline_is_an_alert_of_its_own_until_it_is_over() {
    let system = System::at(&[], true).await;
    let causes = async || {
        let firing = firing(&system, "SlacastPipeline", "cause").await;
        firing
            .into_iter()
            .map(|(cause, _)| cause)
            .collect::<Vec<_>>()
    };
    let minutes = |minutes: u64| now() - Duration::from_secs(60 * minutes);
    let away = || Failure {
        metric: Some("cpuUsage".to_owned()),
        ..Failure::new("fetch", "Prometheus cannot be reached")
    };
    // It fails for 40 minutes, then for an hour.
    store(
        &system,
        vec![
            failed(minutes(40), vec![away()]),
            failed(minutes(1), vec![away()]),
        ],
    )
    .await;
    assert_eq!(causes().await, [""; 0]);
    store(&system, vec![failed(minutes(61), vec![away()])]).await;
    assert_eq!(causes().await, ["metric_failed"]);

    // One message that was refused and scores that come later are not the run.
    let parts = vec![
        Failure::new("publish", "it is too large").of_series("cpuUsage"),
        Failure::new("scores", "MySQL does not answer: the next run scores them"),
    ];
    let as_of = now() - Duration::from_secs(45);
    store(&system, vec![failed(as_of, parts)]).await;
    assert_eq!(causes().await, [""; 0]);
    let broken = Failure::new("publish", "Kafka is away");
    store(
        &system,
        vec![failed(now() - Duration::from_secs(30), vec![broken])],
    )
    .await;
    sqlx::query(
        "INSERT INTO dead_letter (topic, `partition`, `offset`, `timestamp`, stored_at, headers, reason) \
         VALUES ('prometheusdata', 0, 1, 1, UTC_TIMESTAMP(3), '[]', 'is no JSON')",
    )
    .execute(system.database.pool())
    .await
    .unwrap();
    assert_eq!(causes().await, ["dead_letters", "run_failed"]);

    // A row of a run whose record does not come.
    let lagging = Documents::about("cpuUsage", "a");
    let ahead = now() + Duration::from_secs(120);
    store(
        &system,
        vec![failed(now(), Vec::new()), lagging.violations(&[], ahead)],
    )
    .await;
    assert_eq!(causes().await, ["dead_letters", "storage_lag"]);

    store(&system, vec![failed(ahead, Vec::new())]).await;
    sqlx::query("DELETE FROM dead_letter")
        .execute(system.database.pool())
        .await
        .unwrap();
    assert_eq!(causes().await, [""; 0]);
}
