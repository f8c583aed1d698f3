use chrono::NaiveDateTime;
use store::{
    pipeline::{Document, MOST_EPISODES, StoredEvaluation},
    testing::{Documents, TestDatabase},
};

use super::at;

/// A sample a minute for 12 h: out of range from `from` to `to`, minutes after 08:00.
fn excursion(from: i64, to: i64, as_of: i64) -> Vec<(u64, f64)> {
    (as_of - 720..=as_of)
        .map(|minute| {
            let value = if (from..to).contains(&minute) {
                95.0
            } else {
                50.0
            };
            ((60 * (as_of - minute)) as u64, value)
        })
        .collect()
}

#[tokio::test]
async fn an_outage_of_days_is_one_row() {
    let database = TestDatabase::create().await;
    let documents = Documents::about("cpuUsage", "a");
    for run in 0..12 {
        let as_of = 360 * run;
        let document = documents.violations(&excursion(60, 3000, as_of), at(as_of));
        database
            .store()
            .store_batch(&[document], &[])
            .await
            .unwrap();
    }
    let episodes: Vec<(NaiveDateTime, NaiveDateTime, bool, bool, f64)> =
        sqlx::query_as("SELECT `start`, `end`, start_known, ongoing, worst FROM episode")
            .fetch_all(database.pool())
            .await
            .unwrap();
    let time = |minutes: i64| at(minutes).to_utc().naive_utc();
    assert_eq!(episodes, [(time(60), time(3000), true, false, 95.0)]);
    assert_eq!(database.count("judged").await, 1);
    assert_eq!(database.count("violation").await, 12);
}

#[tokio::test]
async fn the_row_of_an_evaluation_holds_the_newest_episodes_and_their_number() {
    let database = TestDatabase::create().await;
    let samples: Vec<_> = (0..2400)
        .map(|k| (k * 15, if k % 20 < 8 { 95.0 } else { 50.0 }))
        .collect();
    let document = Documents::about("cpuUsage", "a").violations(&samples, at(0));
    let Document::Violations(told) = &document else {
        unreachable!()
    };
    database
        .store()
        .store_batch(std::slice::from_ref(&document), &[])
        .await
        .unwrap();
    let json: Vec<u8> = sqlx::query_scalar("SELECT CAST(document AS BINARY) FROM violation")
        .fetch_one(database.pool())
        .await
        .unwrap();
    let stored: StoredEvaluation = serde_json::from_slice(&json).unwrap();
    assert_eq!(stored.episodes_total, told.episodes.len() as u64);
    assert!(told.episodes.len() > MOST_EPISODES);
    let newest = &told.episodes[told.episodes.len() - MOST_EPISODES..];
    assert_eq!(stored.document.episodes, newest);
    assert_eq!(database.count("episode").await, stored.episodes_total);
}

#[tokio::test]
async fn an_infinite_worst_value_is_kept_as_such() {
    let database = TestDatabase::create().await;
    let samples: Vec<_> = (0..40).map(|k| (k * 15, f64::INFINITY)).collect();
    let documents = Documents::about("cpuUsage", "a");
    for as_of in [at(0), at(1)] {
        let document = documents.violations(&samples, as_of);
        database
            .store()
            .store_batch(&[document], &[])
            .await
            .unwrap();
    }
    let episodes: Vec<(Option<f64>, bool, bool)> =
        sqlx::query_as("SELECT worst, worst_infinite, ongoing FROM episode")
            .fetch_all(database.pool())
            .await
            .unwrap();
    assert_eq!(episodes, [(None, true, true)]);
}
