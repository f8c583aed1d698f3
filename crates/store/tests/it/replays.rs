//! Replays of SLAs that are made and retired.

use std::time::Duration;

use domain::{
    Span, Timestamp,
    sla::{About, AnyObjective, SlaName},
};
use store::{
    replay::{NewReplay, Replay, ReplayOutcome},
    sla::{Change, Condition, SlaVersion},
    testing::{CountedEvents, TestDatabase},
};

/// `minutes` after 2026-11-23T08:00:00Z.
fn at(minutes: u64) -> Timestamp {
    "2026-11-23T08:00:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(60 * minutes)
}

fn version() -> SlaVersion {
    SlaVersion {
        objectives: vec![AnyObjective::Events(CountedEvents::by(&[]).objective)],
        about: About::default(),
        origin: None,
    }
}

fn hour_before(minutes: u64) -> NewReplay {
    NewReplay {
        span: Span {
            start: at(minutes - 60),
            end: at(minutes),
        },
        objectives: None,
        replace: false,
    }
}

async fn put(database: &TestDatabase, replays: &[NewReplay], now: Timestamp) -> Change {
    let (store, version) = (database.store(), version());
    let change = store.put_version("demo", &version, replays, &Condition::Any, now);
    change.await.unwrap()
}

async fn waiting(database: &TestDatabase) -> Vec<NewReplay> {
    let waiting = database.store().waiting_replays().await.unwrap();
    waiting.into_iter().map(|replay| replay.asked).collect()
}

#[tokio::test]
async fn a_version_is_made_with_its_replays_or_not_at_all() {
    let database = TestDatabase::create().await;
    let replays = [hour_before(120), hour_before(60)];
    assert_eq!(put(&database, &replays, at(130)).await, Change::Created(1));
    assert_eq!(waiting(&database).await, replays);
    // A change that is not made starts none.
    let (store, version) = (database.store(), version());
    let refused = store.put_version("demo", &version, &replays, &Condition::Absent, at(131));
    assert_eq!(refused.await.unwrap(), Change::Taken(1));
    assert_eq!(waiting(&database).await, replays);

    let database = TestDatabase::create().await;
    sqlx::raw_sql("DROP TABLE replay")
        .execute(database.pool())
        .await
        .unwrap();
    let store = database.store();
    let failed = store.put_version("demo", &version, &replays, &Condition::Any, at(130));
    failed.await.unwrap_err();
    assert_eq!(database.count("sla").await, 0);
}

#[tokio::test]
async fn that_many_replays_wait_is_no_reason_to_refuse_a_version() {
    let database = TestDatabase::create().await;
    let sla: SlaName = "demo".parse().unwrap();
    for _ in 0..100 {
        let made = database
            .store()
            .create_replay(&sla, hour_before(60), at(60));
        assert!(matches!(made.await.unwrap(), ReplayOutcome::Created(_)));
    }
    let change = put(&database, &[hour_before(120)], at(130)).await;
    assert_eq!(change, Change::Created(1));
    assert_eq!(database.count("replay").await, 100);
}

#[tokio::test]
async fn retiring_an_sla_stops_its_replays_for_good() {
    let database = TestDatabase::create().await;
    put(&database, &[hour_before(60)], at(70)).await;
    let store = database.store();
    let retired = store.retire_sla("demo", &Condition::Any, at(80));
    assert_eq!(retired.await.unwrap(), Change::Retired(1));
    let sla: SlaName = "demo".parse().unwrap();
    let stopped: Vec<Replay> = store.replays(&sla).await.unwrap();
    assert_eq!(stopped[0].stopped_at, Some(at(80)));
    // They do not go on when the name is made again.
    put(&database, &[hour_before(120)], at(130)).await;
    assert_eq!(waiting(&database).await, [hour_before(120)]);
}
