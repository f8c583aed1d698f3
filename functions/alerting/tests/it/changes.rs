//! What is said of an SLA, and when.

use domain::alert::AlertState;
use serde_json::json;
use store::alert::AlertFilter;

use crate::{receiver::Receiver, service::System};

#[tokio::test]
async fn a_violation_reaches_a_webhook_once_and_so_does_its_end() {
    let receiver = Receiver::start().await;
    let system = System::with(&[("ops", &receiver)]).await;
    system.evaluate(60, &[("a", 90.0), ("b", 50.0)]).await;
    assert_eq!(system.tick().await["fired"], 2);
    system.tick().await;
    let [message] = &receiver.received()[..] else {
        panic!("{:?}", receiver.received());
    };
    let data = &message.body["data"];
    assert_eq!(message.body["type"], "alert.firing");
    assert_eq!(data["labels"]["alertname"], "SlacastViolation");
    assert_eq!(data["labels"]["instance"], "a");
    assert_eq!(data["labels"]["severity"], "page");
    assert_eq!(
        (&data["ends_at"], &data["reason"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(data["annotations"]["value"], "90");
    let summary = data["annotations"]["summary"].as_str().unwrap();
    assert!(summary.contains("`cpuUsage` is above 80"), "{summary}");

    let firing = system.get("/alerts?state=firing&sla=demo").await;
    let [alert] = &firing["alerts"].as_array().unwrap()[..] else {
        panic!("{firing}");
    };
    assert_eq!(alert["fingerprint"], data["fingerprint"]);
    assert_eq!(
        (&alert["state"], &alert["frozen"]),
        (&json!("firing"), &json!(false))
    );

    system.evaluate(30, &[("a", 50.0), ("b", 50.0)]).await;
    assert_eq!(system.tick().await["resolved"], 1);
    assert_eq!(receiver.kinds(), ["alert.firing", "alert.resolved"]);
    let ids: Vec<_> = receiver.received().into_iter().map(|own| own.id).collect();
    assert_eq!(ids[0].replace("-firing", "-resolved"), ids[1]);
    let deliveries = system.get("/alerts/deliveries?state=delivered").await;
    assert_eq!(deliveries["deliveries"].as_array().unwrap().len(), 2);
    let resolved = system.get("/alerts?state=resolved").await;
    assert_eq!(resolved["alerts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn neither_silence_nor_an_incomplete_run_resolves() {
    let receiver = Receiver::start().await;
    let system = System::with(&[("ops", &receiver)]).await;
    // Too old to be fresh, but once it was: what it says stays said.
    system.evaluate(80, &[("a", 90.0), ("b", 50.0)]).await;
    system.tick().await;
    assert_eq!(receiver.kinds(), ["alert.firing"]);
    sqlx::query("UPDATE evaluation SET complete = 0")
        .execute(system.database.pool())
        .await
        .unwrap();
    system.tick().await;
    assert_eq!(receiver.kinds(), ["alert.firing"]);
    let frozen = system.get("/alerts?state=frozen").await;
    assert_eq!(frozen["alerts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_retired_sla_resolves_its_alerts_and_says_so() {
    let receiver = Receiver::start().await;
    let system = System::with(&[("ops", &receiver)]).await;
    system.evaluate(60, &[("a", 90.0), ("b", 50.0)]).await;
    system.tick().await;
    let store = system.database.store();
    let any = store::sla::Condition::Any;
    store
        .retire_sla("demo", &any, chrono::Utc::now().into())
        .await
        .unwrap();
    system.tick().await;
    assert_eq!(receiver.kinds(), ["alert.firing", "alert.resolved"]);
    assert_eq!(receiver.received()[1].body["data"]["reason"], "retired");
}

#[tokio::test]
async fn each_series_has_its_own_alert_and_its_own_worst_value() {
    let receiver = Receiver::start().await;
    let system = System::with(&[("ops", &receiver)]).await;
    let machines = [("a", 90.0), ("b", 91.0), ("c", 92.0), ("d", 50.0)];
    system.evaluate(60, &machines).await;
    system.tick().await;
    let received = receiver.received().into_iter();
    let mut values: Vec<_> = received
        .map(|own| own.body["data"]["annotations"]["value"].clone())
        .collect();
    values.sort_by_key(ToString::to_string);
    assert_eq!(values, [json!("90"), json!("91"), json!("92")]);
}

#[tokio::test]
async fn alerts_are_listed_as_they_stood_at_a_time() {
    let receiver = Receiver::start().await;
    let system = System::with(&[("ops", &receiver)]).await;
    system.evaluate(60, &[("a", 90.0), ("b", 50.0)]).await;
    system.tick().await;
    system.evaluate(30, &[("a", 50.0), ("b", 50.0)]).await;
    system.tick().await;
    // Where these times lie does not depend on how long that took.
    sqlx::query(
        "UPDATE alert SET since = '2026-11-23 08:00:00', resolved_at = '2026-11-23 08:30:00' WHERE state = 'resolved'",
    )
    .execute(system.database.pool())
    .await
    .unwrap();
    sqlx::query("DELETE FROM alert WHERE state <> 'resolved'")
        .execute(system.database.pool())
        .await
        .unwrap();
    let store = system.database.store();
    let at = async |time: &str, state: Option<AlertState>| {
        let filter = AlertFilter {
            state,
            at: time.parse().ok(),
            ..AlertFilter::default()
        };
        let found = store.alerts(&filter, 10, None).await.unwrap();
        let found = found.rows.into_iter();
        found
            .map(|alert| (alert.state, alert.resolved_at.is_some()))
            .collect::<Vec<_>>()
    };
    let (fired, resolved) = ((AlertState::Firing, false), (AlertState::Resolved, true));
    for (time, state, expected) in [
        ("2026-11-23T07:59:59Z", None, vec![]),
        ("2026-11-23T08:00:00Z", None, vec![fired]),
        ("2026-11-23T08:29:59Z", None, vec![fired]),
        ("2026-11-23T08:30:00Z", None, vec![resolved]),
        ("2026-11-23T08:29:59Z", Some(AlertState::Resolved), vec![]),
        ("2026-11-23T08:30:00Z", Some(AlertState::Firing), vec![]),
    ] {
        assert_eq!(at(time, state).await, expected, "{time} {state:?}");
    }
}
