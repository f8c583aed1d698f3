//! Alerts and their deliveries: written together, leased by one at a time, in order.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    Labels, Timestamp,
    alert::{Alert, AlertName, AlertState, Change, Fingerprint, Scope},
};
use store::{
    Store,
    alert::{
        AlertFilter, Attempted, Delivery, DeliveryKind, DeliveryState, KnownReceiver, NewDelivery,
        Outcome,
    },
    testing::TestDatabase,
};

const LEASE: Duration = Duration::from_secs(30);

pub(crate) fn at(seconds: u64) -> Timestamp {
    let start: Timestamp = "2026-11-23T08:45:00Z".parse().unwrap();
    start + Duration::from_secs(seconds)
}

pub(crate) fn alert(number: usize, state: AlertState) -> Alert {
    let labels: Labels = [("number", number.to_string())].into_iter().collect();
    Alert {
        fingerprint: Fingerprint::of(&labels),
        scope: Scope::of(AlertName::Violation, "web", "cpu"),
        labels,
        series: None,
        annotations: [("summary".to_owned(), "é".to_owned())].into(),
        state,
        frozen: false,
        since: at(number as u64),
        as_of: at(0),
        resolved_at: (state == AlertState::Resolved).then(|| at(60)),
        reason: None,
    }
}

/// Writes a change of each alert, with a delivery to `ops`.
pub(crate) async fn write(store: &Store, alerts: &[Alert]) {
    // The turn before ends a moment after it is dropped.
    let patience = Duration::from_secs(5);
    let mut turn = store.comparing_turn(patience).await.unwrap().unwrap();
    let changes = alerts.iter().cloned().map(|alert| match alert.state {
        AlertState::Resolved => Change::Resolves(alert),
        _ => Change::Fires(alert),
    });
    let changes: Vec<Change> = changes.collect();
    let deliveries = alerts.iter().map(|alert| NewDelivery {
        receiver: "ops".to_owned(),
        fingerprint: alert.fingerprint,
        kind: DeliveryKind::Firing,
        message: alert.message_id(),
        body: "{}".to_owned(),
    });
    let deliveries: Vec<NewDelivery> = deliveries.collect();
    turn.write(&changes, &deliveries, at(0)).await.unwrap();
}

async fn lease(store: &Store, seconds: u64) -> Vec<Delivery> {
    let leased = store.lease_deliveries(&["ops"], 1_000, at(seconds), LEASE);
    leased.await.unwrap()
}

fn messages(deliveries: &[Delivery]) -> Vec<&str> {
    let deliveries = deliveries.iter();
    deliveries.map(|own| own.message.as_str()).collect()
}

async fn finish(store: &Store, deliveries: Vec<Delivery>, outcome: Outcome, seconds: u64) {
    let attempted = deliveries.into_iter().map(|delivery| Attempted {
        delivery,
        outcome: outcome.clone(),
    });
    let attempted: Vec<Attempted> = attempted.collect();
    store
        .finish_attempts(&attempted, at(seconds))
        .await
        .unwrap();
}

fn failed() -> Outcome {
    Outcome::Failed {
        error: "it answered 500".to_owned(),
        retry_after: None,
    }
}

#[tokio::test]
async fn one_instance_compares_at_a_time() {
    let database = TestDatabase::create().await;
    let other = store::connect(database.url()).unwrap();
    let turn = database
        .store()
        .comparing_turn(Duration::ZERO)
        .await
        .unwrap();
    assert!(turn.is_some());
    assert!(
        other
            .comparing_turn(Duration::ZERO)
            .await
            .unwrap()
            .is_none()
    );
    drop(turn);
    let patience = Duration::from_secs(5);
    assert!(other.comparing_turn(patience).await.unwrap().is_some());
}

#[tokio::test]
async fn an_alert_is_read_back_as_it_was_written() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let alerts: Vec<Alert> = (0..700)
        .map(|number| alert(number, AlertState::Firing))
        .collect();
    write(store, &alerts).await;
    let patience = Duration::from_secs(5);
    let mut turn = store.comparing_turn(patience).await.unwrap().unwrap();
    let mut read = turn.open_alerts().await.unwrap();
    read.sort_by_key(|alert| alert.since);
    assert_eq!(read, alerts);
    let filter = AlertFilter::default();
    let page = store.alerts(&filter, 10, None).await.unwrap();
    assert!(page.more);
    assert_eq!(page.rows[0], alerts[699]);
    assert_eq!(database.count("outbox").await, 700);
}

#[tokio::test]
async fn of_one_alert_the_oldest_delivery_goes_first_and_again_until_it_is_taken() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let (firing, resolved) = (alert(1, AlertState::Firing), alert(1, AlertState::Resolved));
    write(store, std::slice::from_ref(&firing)).await;
    write(store, std::slice::from_ref(&resolved)).await;
    let first = lease(store, 0).await;
    assert_eq!(messages(&first), [firing.message_id()]);
    // Nobody else gets it, nor what is behind it, until the one who has it is gone.
    assert!(lease(store, 29).await.is_empty());
    let again = lease(store, 30).await;
    assert_eq!(messages(&again), [firing.message_id()]);
    assert_eq!((again[0].attempts, again[0].first_attempt), (2, at(0)));
    finish(store, again, failed(), 31).await;
    assert!(lease(store, 32).await.is_empty());
    let after_30_s = lease(store, 61).await;
    assert_eq!(messages(&after_30_s), [firing.message_id()]);
    finish(store, after_30_s, Outcome::Delivered, 62).await;
    let last = lease(store, 62).await;
    assert_eq!(messages(&last), [resolved.message_id()]);
    finish(store, last, Outcome::Delivered, 63).await;
    assert!(lease(store, 1_000_000).await.is_empty());
    assert_eq!(store.next_delivery(&["ops"]).await.unwrap(), None);
}

#[tokio::test]
async fn what_fails_for_three_days_is_given_up_and_the_next_one_goes_on() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let (firing, resolved) = (alert(1, AlertState::Firing), alert(1, AlertState::Resolved));
    write(store, &[firing]).await;
    write(store, std::slice::from_ref(&resolved)).await;
    let leased = lease(store, 0).await;
    finish(store, leased, failed(), 1).await;
    let three_days = 3 * 86_400;
    let leased = lease(store, three_days).await;
    finish(store, leased, failed(), three_days + 1).await;
    let dead = store
        .deliveries(Some(DeliveryState::Dead), 10, None)
        .await
        .unwrap();
    assert_eq!(dead.rows.len(), 1);
    assert_eq!(dead.rows[0].last_error.as_deref(), Some("it answered 500"));
    assert_eq!(
        messages(&lease(store, three_days + 2).await),
        [resolved.message_id()]
    );
}

#[tokio::test]
async fn the_first_delivery_makes_all_that_waits_due() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let alerts: Vec<Alert> = (0..5)
        .map(|number| alert(number, AlertState::Firing))
        .collect();
    write(store, &alerts).await;
    let mut leased = lease(store, 0).await;
    assert_eq!(leased.len(), 5);
    let last = leased.pop().unwrap();
    finish(store, leased, failed(), 1).await;
    assert!(lease(store, 2).await.is_empty());
    finish(store, vec![last], Outcome::Delivered, 3).await;
    assert_eq!(lease(store, 3).await.len(), 4);
}

#[tokio::test]
async fn a_disabled_receiver_keeps_what_waits_until_its_address_changes() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let known = |address: &str| {
        let receiver = KnownReceiver {
            name: "ops".to_owned(),
            address: address.repeat(64),
        };
        [receiver]
    };
    store.know_receivers(&known("a"), at(0)).await.unwrap();
    write(store, &[alert(1, AlertState::Firing)]).await;
    let leased = lease(store, 0).await;
    finish(store, leased, Outcome::Disabled, 1).await;
    let states = store.know_receivers(&known("a"), at(2)).await.unwrap();
    assert_eq!(states[0].disabled_at, Some(at(1)));
    let waiting = store
        .deliveries(Some(DeliveryState::Waiting), 10, None)
        .await
        .unwrap();
    assert_eq!(
        (waiting.rows.len(), waiting.rows[0].next_attempt),
        (1, None)
    );
    let states = store.know_receivers(&known("b"), at(3)).await.unwrap();
    assert_eq!(states[0].disabled_at, None);
    assert_eq!(store.disabled_receivers(at(3)).await.unwrap(), []);
    assert_eq!(lease(store, 4).await.len(), 1);
}

#[tokio::test]
async fn what_waited_for_a_disabled_receiver_has_three_days_once_it_is_enabled() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let receiver = |address: &str| KnownReceiver {
        name: "ops".to_owned(),
        address: address.repeat(64),
    };
    store.know_receivers(&[receiver("a")], at(0)).await.unwrap();
    write(store, &[alert(1, AlertState::Firing)]).await;
    let disabled = async |day: u64| {
        let leased = lease(store, day * 86_400).await;
        assert_eq!((leased.len(), leased[0].attempts), (1, 1), "{day}");
        finish(store, leased, failed(), day * 86_400 + 1).await;
        let leased = lease(store, day * 86_400 + 10).await;
        assert_eq!((leased.len(), leased[0].attempts), (1, 2), "{day}");
        finish(store, leased, Outcome::Disabled, day * 86_400 + 11).await;
    };
    disabled(0).await;
    store.enable_receiver("ops", at(4 * 86_400)).await.unwrap();
    disabled(4).await;
    let days = 8 * 86_400;
    store
        .know_receivers(&[receiver("b")], at(days))
        .await
        .unwrap();
    disabled(8).await;
}

#[tokio::test]
async fn what_was_given_up_at_an_alertmanager_has_three_days_more_once_it_is_retried() {
    let database = TestDatabase::create().await;
    let store = database.store();
    write(store, &[alert(1, AlertState::Firing)]).await;
    let waiting = async || {
        let waiting = store.waiting_deliveries("ops").await.unwrap();
        waiting.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    let ids = waiting().await;
    let fail = async |seconds: u64| {
        let failed = store.finish_waiting("ops", &ids, Some("it answered 500"), at(seconds));
        failed.await.unwrap();
    };
    let three_days = 3 * 86_400;
    fail(10).await;
    fail(10 + three_days).await;
    assert_eq!(waiting().await, ids);
    fail(11 + three_days).await;
    assert!(waiting().await.is_empty());
    store
        .retry_delivery(ids[0], at(12 + three_days))
        .await
        .unwrap();
    fail(13 + three_days).await;
    fail(13 + 2 * three_days).await;
    assert_eq!(waiting().await, ids);
    fail(14 + 2 * three_days).await;
    assert!(waiting().await.is_empty());
}

#[tokio::test]
async fn two_instances_never_lease_the_same_delivery() {
    let database = TestDatabase::create().await;
    let alerts: Vec<Alert> = (0..300)
        .map(|number| alert(number, AlertState::Firing))
        .collect();
    write(database.store(), &alerts).await;
    let other = store::connect(database.url()).unwrap();
    let mut seen = BTreeSet::new();
    while seen.len() < 300 {
        let take = |store: &Store| {
            let store = store.clone();
            async move { store.lease_deliveries(&["ops"], 20, at(0), LEASE).await }
        };
        let (one, two) = tokio::join!(take(database.store()), take(&other));
        for delivery in [one, two].into_iter().flatten().flatten() {
            assert!(seen.insert(delivery.id), "{delivery:?}");
        }
    }
}
