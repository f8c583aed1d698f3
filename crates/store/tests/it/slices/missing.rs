//! Minutes that no complete evaluation judged.

use domain::sla::{AnyObjective, EventsObjective};
use store::{replay::NewReplay, sla::Condition};

use super::*;

const DAY: i64 = 1_440;

/// The missing minutes of the objective, as spans of minutes, at `now`.
async fn missing(database: &TestDatabase, now: Timestamp) -> Vec<(i64, i64)> {
    let found = database.store().missing_minutes(now).await.unwrap();
    let events = events();
    assert!(
        found.iter().all(|one| one.sla == events.sla
            && one.objective == events.objective.id
            && one.definition == events.definition().as_str()),
        "{found:?}"
    );
    let spans = found.iter().map(|one| one.minutes);
    spans
        .map(|span| (minutes(span.start), minutes(span.end)))
        .collect()
}

async fn keep(database: &TestDatabase, documents: &[Document]) {
    database.store().store_batch(documents, &[]).await.unwrap();
}

/// What a run at a time that is no whole minute publishes.
fn run_at(as_of: Timestamp) -> Vec<Document> {
    run_of(1, as_of)
}

/// What a run publishes of a version.
fn run_of(version: u32, as_of: Timestamp) -> Vec<Document> {
    let events = CountedEvents {
        version,
        ..events()
    };
    let of_group = |group: &Labels| events.document(group, as_of, |minute| truth(group, minute));
    let mut documents: Vec<Document> = groups().iter().map(of_group).collect();
    documents.push(events.record(as_of, 3));
    documents
}

/// Makes the SLA, as its first version.
async fn make(database: &TestDatabase, created: Timestamp) {
    put(database, &[events().objective], created).await;
}

/// Changes the SLA, but for this objective.
async fn change(database: &TestDatabase, created: Timestamp) {
    put(database, &[events().objective, other()], created).await;
}

async fn put(database: &TestDatabase, objectives: &[EventsObjective], created: Timestamp) {
    let objectives: Vec<_> = objectives
        .iter()
        .cloned()
        .map(AnyObjective::Events)
        .collect();
    let made = database
        .store()
        .put_sla("demo", &objectives, &Condition::Any, created);
    made.await.unwrap();
}

fn other() -> EventsObjective {
    EventsObjective {
        id: "other".parse().unwrap(),
        ..events().objective
    }
}

#[tokio::test]
async fn minutes_between_evaluations_more_than_10_minutes_apart_are_missing() {
    let database = TestDatabase::create().await;
    let seconds = Duration::from_secs;
    keep(&database, &run_at(at(0) + seconds(55))).await;
    keep(&database, &run_at(at(10) + seconds(55))).await;
    let now = at(20);
    assert_eq!(missing(&database, now).await, []);
    // 35 s late: one minute is judged by neither.
    keep(&database, &run_at(at(21) + seconds(30))).await;
    let now = at(25);
    assert_eq!(missing(&database, now).await, [(5, 6)]);
    // An evaluation that is not complete changes nothing.
    keep(&database, &run(18)[..2]).await;
    assert_eq!(missing(&database, now).await, [(5, 6)]);
    keep(&database, &run(18)).await;
    assert_eq!(missing(&database, now).await, []);
}

#[tokio::test]
async fn what_an_outage_of_days_left_is_missing_and_what_was_replayed_of_it_is_not() {
    let database = filled(0, 20).await;
    make(&database, at(-DAY)).await;
    let back = 5 * DAY;
    fill(&database, back, back + 20).await;
    // The first looks find it for 12 h. Of the hour in which it began all minutes are counted again.
    for hours in [1, 11] {
        let found = missing(&database, at(back + 60 * hours)).await;
        assert_eq!(found, [(0, back - 15)], "{hours}");
    }
    assert_eq!(missing(&database, at(back + 14 * 60)).await, []);
    // A part is replayed, and minutes that are old go.
    for start in (DAY..2 * DAY).step_by(60) {
        let hour = span(start, start + 60);
        keep(&database, &[replayed::replayed(hour, false, &truth)]).await;
    }
    let half = span(back - 75, back - 60);
    keep(&database, &[replayed::replayed(half, false, &truth)]).await;
    let left = [(0, DAY), (2 * DAY, back - 75), (back - 60, back - 15)];
    let now = back + 60;
    assert_eq!(missing(&database, at(now)).await, left);
    for later in [now, now + 2 * DAY] {
        keep_house(&database, later).await;
        assert_eq!(missing(&database, at(now)).await, left, "{later}");
    }
    let hour = span(0, 60);
    keep(&database, &[replayed::replayed(hour, false, &truth)]).await;
    keep_house(&database, now + 2 * DAY).await;
    assert_eq!(missing(&database, at(now)).await[0], (60, DAY));
}

#[tokio::test]
async fn what_was_out_for_more_than_30_days_is_missing_for_30() {
    let database = filled(0, 20).await;
    make(&database, at(-DAY)).await;
    let back = 40 * DAY;
    fill(&database, back, back).await;
    let found = missing(&database, at(back)).await;
    assert_eq!(found, [(10 * DAY, back - 15)]);
}

#[tokio::test]
async fn what_an_earlier_version_judged_is_not_missing() {
    let database = TestDatabase::create().await;
    make(&database, at(-DAY)).await;
    keep(&database, &run(0)).await;
    let back = 2 * DAY;
    change(&database, at(back - 60)).await;
    keep(&database, &run_of(2, at(back))).await;
    assert_eq!(missing(&database, at(back)).await, [(-5, back - 15)]);
}

#[tokio::test]
async fn minutes_from_the_making_of_a_version_to_its_first_evaluation_are_missing() {
    let database = TestDatabase::create().await;
    make(&database, at(0) + Duration::from_secs(20)).await;
    // It was just made: the run judges all since.
    keep(&database, &run(14)).await;
    assert_eq!(missing(&database, at(15)).await, []);

    let database = TestDatabase::create().await;
    make(&database, at(0) + Duration::from_secs(20)).await;
    keep(&database, &run(60)).await;
    assert_eq!(missing(&database, at(61)).await, [(0, 45)]);
}

#[tokio::test]
async fn minutes_of_versions_that_had_the_objective_and_were_never_evaluated_are_missing() {
    for (first, begins) in [(events().objective, 0), (other(), 20)] {
        let database = TestDatabase::create().await;
        put(&database, &[first], at(0) + Duration::from_secs(20)).await;
        change(&database, at(20) + Duration::from_secs(20)).await;
        make(&database, at(40) + Duration::from_secs(20)).await;
        keep(&database, &run_of(3, at(60))).await;
        assert_eq!(missing(&database, at(61)).await, [(begins, 45)]);
    }
}

#[tokio::test]
async fn where_a_new_version_is_replayed_minutes_are_missing_from_the_end_of_that() {
    let database = TestDatabase::create().await;
    let created = at(0) + Duration::from_secs(20);
    make(&database, created).await;
    let asked = |end| NewReplay {
        span: span(-DAY, end),
        objectives: None,
        replace: false,
    };
    let sla = events().sla;
    // One that was asked for later is no part of the making.
    for (end, asked_at) in [(-6, created), (-600, at(30))] {
        let made = database.store().create_replay(&sla, asked(end), asked_at);
        made.await.unwrap();
    }
    keep(&database, &run(60)).await;
    assert_eq!(missing(&database, at(61)).await, [(-6, 45)]);
}
