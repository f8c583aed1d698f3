//! What the scores of late say: the newest fifty that are far enough apart.

use domain::{Finding, Part, forecast::HORIZON};
use store::{
    pipeline::Document,
    score::JudgedSeries,
    testing::{Documents, TestDatabase},
};

use crate::score::{at, store};

#[tokio::test]
async fn the_newest_fifty_scores_at_least_ten_minutes_apart_are_summed_up() {
    let database = TestDatabase::create().await;
    let told = Documents::about("cpuUsage", "a");
    let few = Documents::about("cpuUsage", "few");
    // Every five minutes for nine hours; of each 10 minutes the first one is the better.
    let mut batch: Vec<Document> = (0..108)
        .map(|k| {
            let Document::Score(mut score) = told.score(at(300 * k), at(300 * k) + HORIZON) else {
                unreachable!()
            };
            let scores = score.scores.known_mut().unwrap();
            scores.mae = if k % 2 == 0 { 1.0 } else { 100.0 };
            Document::Score(score)
        })
        .collect();
    batch.extend((0..49).map(|k| few.score(at(600 * k), at(600 * k) + HORIZON)));
    store(&database, &batch).await;
    let recent = |seconds| database.store().recent_scores(at(seconds), Part::WHOLE);
    let found = recent(9 * 3600).await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), [&told.series().id()]);
    let sums = found[&told.series().id()];
    assert_eq!((sums.before, sums.forecasts), (Some(at(9 * 3600)), 50));
    // Nine samples each: errors of 1, 2 and losses of 0.5, 1.
    for (found, expected) in [
        (sums.error, 450.0),
        (sums.error_last_value, 900.0),
        (sums.pinball, 225.0),
        (sums.pinball_climatology.unwrap(), 450.0),
    ] {
        assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
    }
    // The fiftieth is scored by the run of 30,000 s.
    assert!(recent(30_000).await.unwrap().is_empty());
    assert_eq!(recent(30_600).await.unwrap().len(), 1);
}

/// The score of the forecast of `seconds`: said was `said`, the base rate was 0.5 and a violation came as `happened` says.
fn told_probability(
    about: &Documents,
    seconds: u64,
    (said, model): (f64, Option<f64>),
    happened: Option<bool>,
) -> Document {
    let Document::Score(mut score) = about.score(at(seconds), at(seconds) + HORIZON) else {
        unreachable!()
    };
    score.objectives[0].probability = said;
    score.objectives[0].model_probability = model;
    score.objectives[0].base_rate = Some(0.5);
    score.objectives[0].happened = happened;
    Document::Score(score)
}

#[tokio::test]
async fn the_probabilities_told_with_the_newest_fifty_forecasts_are_summed_up() {
    let database = TestDatabase::create().await;
    let told = Documents::about("cpuUsage", "a");
    // Every five minutes for nine hours; of each 10 minutes the first one is looked at. Where the base rate was published, the
    // model's own word is what counts.
    let mut batch: Vec<Document> = (0..108)
        .map(|k| match k % 4 {
            0 => told_probability(&told, 300 * k, (0.5, Some(1.0)), Some(true)),
            2 => told_probability(&told, 300 * k, (0.2, None), Some(false)),
            _ => told_probability(&told, 300 * k, (1.0, None), Some(false)),
        })
        .collect();
    // One of 50 of which nobody knows what came, and one that was published without a base rate.
    let unknown = Documents::about("cpuUsage", "unknown");
    batch.extend(
        (0..50)
            .map(|k| told_probability(&unknown, 600 * k, (0.2, None), (k != 7).then_some(false))),
    );
    let bare = Documents::about("cpuUsage", "bare");
    batch.extend((0..50).map(|k| {
        let Document::Score(mut score) = bare.score(at(600 * k), at(600 * k) + HORIZON) else {
            unreachable!()
        };
        score.objectives[0].base_rate = None;
        Document::Score(score)
    }));
    store(&database, &batch).await;
    let recent = |seconds| {
        database
            .store()
            .recent_probabilities(at(seconds), Part::WHOLE)
    };
    let found = recent(9 * 3600).await.unwrap();
    let judged = JudgedSeries {
        series: told.series().id(),
        sla: "demo".parse().unwrap(),
        version: 1,
        objective: told.objective().id,
    };
    assert_eq!(found.keys().collect::<Vec<_>>(), [&judged]);
    let sums = found[&judged];
    assert_eq!((sums.before, sums.forecasts), (Some(at(9 * 3600)), 50));
    assert_eq!(sums.events, 25);
    assert!((sums.squares - 25.0 * 0.04).abs() < 1e-9, "{sums:?}");
    assert!((sums.squares_base_rate - 12.5).abs() < 1e-9, "{sums:?}");
    assert!(!sums.prefer_base_rate());
    // The fiftieth is scored by the run of 30,000 s.
    assert!(recent(30_000).await.unwrap().is_empty());
    assert_eq!(recent(30_600).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_schedule_that_is_early_now_and_then_has_fifty_far_enough_apart_too() {
    let database = TestDatabase::create().await;
    let told = Documents::about("cpuUsage", "a");
    // Every second run is a second late: every second pair is 599 s apart.
    let batch: Vec<Document> = (0..100)
        .map(|k| 600 * k + u64::from(k % 2 == 0))
        .map(|second| told.score(at(second), at(second) + HORIZON))
        .collect();
    store(&database, &batch).await;
    let before = at(60_000);
    let scores = database
        .store()
        .recent_scores(before, Part::WHOLE)
        .await
        .unwrap();
    assert_eq!(scores[&told.series().id()].forecasts, 50);
    let probabilities = database
        .store()
        .recent_probabilities(before, Part::WHOLE)
        .await;
    assert_eq!(
        probabilities
            .unwrap()
            .into_values()
            .next()
            .unwrap()
            .forecasts,
        50
    );
}

#[tokio::test]
async fn scores_in_any_order_give_the_same_rows_and_a_part_reads_its_own_series() {
    let abouts: Vec<Documents> = (0..6)
        .map(|number| Documents::about("cpuUsage", &format!("host{number}")))
        .collect();
    // Two forecasts in each 10 minutes, and of every seventh 10 minutes the first one has no score.
    let batch: Vec<Document> = (0..130)
        .flat_map(|k| abouts.iter().map(move |about| (k, about)))
        .map(|(k, about)| {
            let Document::Score(mut score) = about.score(at(300 * k), at(300 * k) + HORIZON) else {
                unreachable!()
            };
            if k % 14 == 0 {
                score.scores = Finding::unknown("too_few_samples");
            }
            Document::Score(score)
        })
        .collect();
    let forwards = TestDatabase::create().await;
    for part in batch.chunks(50) {
        store(&forwards, part).await;
    }
    let backwards = TestDatabase::create().await;
    for part in batch.rchunks(70) {
        let mut part = part.to_vec();
        part.reverse();
        store(&backwards, &part).await;
        store(&backwards, &part).await;
    }
    assert_eq!(forwards.contents().await, backwards.contents().await);

    // A run at the present asks for the sums of the rows, a run that is repeated for the rows themselves.
    let before = at(300 * 130 + 600);
    let all = forwards.store().recent_scores(before, Part::WHOLE).await;
    let all = all.unwrap();
    assert_eq!(all.len(), abouts.len());
    assert!(all.values().all(|sums| sums.forecasts == 50));
    let mut parts = 0;
    for index in 0..3 {
        let part = Part { index, of: 3 };
        for (series, sums) in forwards.store().recent_scores(before, part).await.unwrap() {
            assert!(part.owns_id(series));
            assert_eq!(all[&series], sums);
            parts += 1;
        }
    }
    assert_eq!(parts, all.len());
}

#[tokio::test]
async fn a_schedule_slower_than_twenty_minutes_has_fifty_too() {
    let database = TestDatabase::create().await;
    let told = Documents::about("cpuUsage", "a");
    let batch: Vec<Document> = (0..50)
        .map(|k| told.score(at(1_800 * k), at(1_800 * k) + HORIZON))
        .collect();
    store(&database, &batch).await;
    let scores = database.store().recent_scores(at(90_000), Part::WHOLE);
    assert_eq!(scores.await.unwrap()[&told.series().id()].forecasts, 50);
}
