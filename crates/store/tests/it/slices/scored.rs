//! What came of the probabilities of budgets.

use chrono::NaiveDateTime;
use domain::{budget::BudgetProbability, sla::AnyObjective};
use sqlx::Row as _;
use store::{
    score::{ScoreSelection, ScoredWhen},
    sla::Condition,
};

use super::*;

/// All requests of a minute are bad from 500 to 520, of 0 to 660.
async fn outage() -> TestDatabase {
    let database = TestDatabase::create().await;
    let mut events = CountedEvents::by(&[]);
    events.objective.target = Some(0.99);
    let objectives = [AnyObjective::Events(events.objective.clone())];
    let store = database.store();
    let made = store.put_sla("demo", &objectives, &Condition::Any, at(-10_000));
    made.await.unwrap();
    let count = |minute: Minute| {
        let is_bad = (501..=520).contains(&minutes(minute.end()));
        SliceCounts {
            end: minute.end(),
            sums: [if is_bad { 100.0 } else { 0.0 }, 100.0],
            measured: minutes(minute.end()) > 0,
            reach: None,
        }
    };
    for as_of in (10..=660).step_by(10) {
        let documents = [
            events.document(&Labels::default(), at(as_of), count),
            events.record(at(as_of), 1),
        ];
        database.store().store_batch(&documents, &[]).await.unwrap();
    }
    database
}

/// How many probabilities of each kind are scored, of how many it is known what happened, and how often it did.
async fn scored(database: &TestDatabase) -> Vec<(String, i64, i64, i64)> {
    let rows = sqlx::query(
        "SELECT about, COUNT(*), COUNT(happened), CAST(SUM(happened) AS SIGNED) FROM budget_score \
         GROUP BY about ORDER BY about",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let rows = rows.iter();
    rows.map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
        .collect()
}

#[tokio::test]
async fn probabilities_of_budgets_are_scored_each_10_minutes_once_their_slices_are_final() {
    let database = outage().await;
    // A moment is scored 20 minutes after it: those of 500 to 620 are.
    for now in (520..=640).step_by(10) {
        keep_house(&database, now).await;
    }
    // The alert fires at 510, 515 and 520; from the outage on 3 % of all requests and more are bad.
    let expected = [
        ("exhausted_1h", 2, 2),
        ("exhausted_6h", 2, 2),
        ("fires", 13, 2),
    ];
    let expected = expected.map(|(about, known, events)| (about.to_owned(), known, known, events));
    assert_eq!(scored(&database).await, expected);
    // Once more, and late: nothing changes.
    keep_house(&database, 640).await;
    keep_house(&database, 560).await;
    assert_eq!(scored(&database).await, expected);

    let selection = |from: Option<i64>, metric: Option<&str>| ScoreSelection {
        from: from.map(at),
        metric: metric.map(str::to_owned),
        ..ScoreSelection::default()
    };
    let scores = async |selection: ScoreSelection, when| {
        let scores = database.store().budget_scores(&selection, when).await;
        scores.unwrap()
    };
    let id = CountedEvents::by(&[]).objective.id.to_string();
    let key = |about| ("demo".to_owned(), id.clone(), about);
    let all = scores(selection(None, None), ScoredWhen::Said).await;
    assert_eq!(all.len(), 3);
    let fires = &all[&key(BudgetProbability::Fires)];
    assert_eq!(
        (
            fires.forecasts,
            fires.scored,
            fires.events,
            fires.independent
        ),
        (13, 13, 2, 13)
    );
    assert_eq!(fires.bins.iter().map(|bin| bin.forecasts).sum::<u64>(), 13);
    assert_eq!(
        fires.bins.iter().map(|bin| bin.independent).sum::<u64>(),
        13
    );
    assert!(fires.said > 0.0 && fires.squares > 0.0);
    assert_eq!(fires.metric, Some(format!("demo/{id}")));
    // Those of 6 hours overlap.
    let six_hours = &all[&key(BudgetProbability::ExhaustedInSixHours)];
    assert_eq!((six_hours.scored, six_hours.independent), (2, 1));
    for (when, forecasts) in [(ScoredWhen::Said, 3), (ScoredWhen::Over, 4)] {
        let late = scores(selection(Some(590), None), when).await;
        assert_eq!(late[&key(BudgetProbability::Fires)].forecasts, forecasts);
    }
    let metric = format!("demo/{id}");
    assert_eq!(
        scores(selection(None, Some(&metric)), ScoredWhen::Said).await,
        all
    );
    assert!(
        scores(selection(None, Some("cpuUsage")), ScoredWhen::Said)
            .await
            .is_empty()
    );

    keep_house(&database, 33 * 24 * 60).await;
    assert_eq!(scored(&database).await, []);
}

#[tokio::test]
async fn after_an_hour_without_storage_scoring_goes_on_at_the_newest_moment() {
    let database = outage().await;
    keep_house(&database, 500).await;
    keep_house(&database, 640).await;
    let said: Vec<NaiveDateTime> = sqlx::query_scalar(
        "SELECT over_at FROM budget_score WHERE about = 'fires' ORDER BY over_at",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let over: Vec<i64> = said
        .iter()
        .map(|time| minutes(time.and_utc().into()))
        .collect();
    assert_eq!(over, [480, 620]);
}

#[tokio::test]
async fn what_nobody_could_ask_about_is_not_scored() {
    let database = outage().await;
    sqlx::query("UPDATE sla SET created_at = ?")
        .bind(at(595).to_utc().naive_utc())
        .execute(database.pool())
        .await
        .unwrap();
    keep_house(&database, 620).await;
    assert_eq!(scored(&database).await, []);
    keep_house(&database, 640).await;
    let expected = ("fires".to_owned(), 2, 2, 0);
    assert_eq!(scored(&database).await, [expected]);
}
