//! Deliveries: order, retries, tests, and many at once.

use std::time::Instant;

use serde_json::json;
use sqlx::QueryBuilder;

use crate::{receiver::Receiver, service::System};

/// Makes every delivery that waits due.
async fn make_due(system: &System) {
    sqlx::query("UPDATE outbox SET next_attempt = '2000-01-01', leased_until = NULL")
        .execute(system.database.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_later_change_waits_for_the_earlier_one() {
    let receiver = Receiver::start().await;
    let system = System::with(&[("ops", &receiver)]).await;
    receiver.answer(500, &[]);
    system.evaluate(60, &[("a", 90.0), ("b", 50.0)]).await;
    system.tick().await;
    system.evaluate(30, &[("a", 50.0), ("b", 50.0)]).await;
    system.tick().await;
    assert_eq!(receiver.kinds(), ["alert.firing"]);
    let deliveries = system.get("/alerts/deliveries").await;
    let [later, earlier] = &deliveries["deliveries"].as_array().unwrap()[..] else {
        panic!("{deliveries}");
    };
    assert_eq!(
        (&earlier["state"], &later["state"]),
        (&json!("failed"), &json!("waiting"))
    );
    assert_eq!(earlier["last_error"], "it answered 500");
    assert_eq!(
        (&earlier["attempts"], &later["attempts"]),
        (&json!(1), &json!(0))
    );
    for (state, count) in [("failed", 1), ("waiting", 1), ("delivered", 0)] {
        let listed = system
            .get(&format!("/alerts/deliveries?state={state}"))
            .await;
        assert_eq!(
            listed["deliveries"].as_array().unwrap().len(),
            count,
            "{state}"
        );
    }
    let retry = format!("/alerts/deliveries/{}/retry", earlier["id"]);
    assert_eq!(system.ask("POST", &retry).await.0, 200);
    system.tick().await;
    system.tick().await;
    let kinds = ["alert.firing", "alert.firing", "alert.resolved"];
    assert_eq!(receiver.kinds(), kinds);
    let ids: Vec<_> = receiver.received().into_iter().map(|own| own.id).collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(system.ask("POST", &retry).await.0, 409);
    assert_eq!(
        system.ask("POST", "/alerts/deliveries/999/retry").await.0,
        404
    );
}

#[tokio::test]
async fn a_test_reaches_every_receiver_and_enables_one_that_was_disabled() {
    let (good, gone) = (Receiver::start().await, Receiver::start().await);
    let system = System::with(&[("good", &good), ("gone", &gone)]).await;
    gone.answer(410, &[]);
    system.evaluate(60, &[("a", 90.0), ("b", 50.0)]).await;
    system.tick().await;
    make_due(&system).await;
    system.tick().await;
    // The pipeline alert about it waits too.
    assert_eq!(gone.kinds().len(), 1);
    let waiting = system.get("/alerts/deliveries?state=waiting").await;
    let waiting = waiting["deliveries"].as_array().unwrap().clone();
    assert!(
        waiting
            .iter()
            .all(|own| own["receiver"] == "gone" && own["next_attempt"].is_null())
    );
    assert!(good.kinds().contains(&"alert.firing".to_owned()));

    let (status, tested) = system.ask("POST", "/alerts/test").await;
    assert_eq!(status, 200);
    assert_eq!(
        tested["outcomes"],
        json!([
            {"receiver": "good", "delivered": true, "status": 200, "error": null},
            {"receiver": "gone", "delivered": true, "status": 200, "error": null},
        ])
    );
    system.tick().await;
    system.tick().await;
    assert_eq!(gone.kinds()[1..3], ["alert.test", "alert.firing"]);
}

/// So many changes of as many alerts wait for the receiver `ops`.
async fn crowd(system: &System, changes: usize) {
    let rows: Vec<usize> = (0..changes).collect();
    for rows in rows.chunks(500) {
        let mut query = QueryBuilder::new(
            "INSERT INTO outbox (receiver, fingerprint, kind, message, body, state, created_at, attempts, next_attempt) ",
        );
        query.push_values(rows, |mut row, number| {
            row.push("'ops'")
                .push_bind(format!("{number:016x}"))
                .push("'firing'")
                .push_bind(format!("{number:016x}-1-firing"))
                .push_bind(r#"{"type":"alert.firing"}"#)
                .push("'waiting', '2026-01-01', 0, '2026-01-01'");
        });
        query.build().execute(system.database.pool()).await.unwrap();
    }
}

#[tokio::test]
async fn two_instances_send_each_of_a_thousand_changes_once() {
    let receiver = Receiver::start().await;
    let system = System::with(&[("ops", &receiver)]).await;
    crowd(&system, 1_000).await;
    let started = Instant::now();
    while receiver.received().len() < 1_000 {
        tokio::join!(system.tick(), system.tick());
        assert!(started.elapsed().as_secs() < 60);
    }
    println!("1,000 changes to one receiver: {:?}", started.elapsed());
    let mut ids: Vec<_> = receiver.received().into_iter().map(|own| own.id).collect();
    assert_eq!(ids.len(), 1_000);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1_000);
}
