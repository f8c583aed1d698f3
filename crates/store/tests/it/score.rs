use std::time::Duration;

use domain::{
    Finding, Part, Timestamp,
    evaluation::{ForecastRisk, Outlook},
    forecast::HORIZON,
    message::{Kind, ObjectiveScore},
    score::{FEW_SAMPLES, FORECAST_GONE},
    sla::Objective,
};
use store::{
    Store,
    pipeline::Document,
    score::{DueForecast, ScoreSelection},
    sla::Condition,
    testing::{Documents, TestDatabase},
};
use tokio::time::Instant;

/// `seconds` after 2026-11-23T08:00:00Z.
pub(crate) fn at(seconds: u64) -> Timestamp {
    "2026-11-23T08:00:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(seconds)
}

pub(crate) async fn store(database: &TestDatabase, documents: &[Document]) {
    database.store().store_batch(documents, &[]).await.unwrap();
}

async fn due(store: &Store, as_of: Timestamp) -> Vec<(Timestamp, Option<String>)> {
    let due = store.due_forecasts(as_of, 100, Part::WHOLE).await.unwrap();
    due.iter()
        .map(|due| (due.as_of, due.forecast.reason().map(str::to_owned)))
        .collect()
}

#[tokio::test]
async fn a_forecast_is_due_from_the_end_of_its_horizon_until_a_run_has_scored_it() {
    let database = TestDatabase::create().await;
    let told = Documents::about("cpuUsage", "a");
    store(
        &database,
        &[told.prediction(at(0)), told.prediction(at(30))],
    )
    .await;
    let now = |seconds| due(database.store(), at(seconds));
    assert_eq!(now(599).await, []);
    assert_eq!(now(600).await, [(at(0), None)]);
    assert_eq!(now(630).await, [(at(0), None), (at(30), None)]);
    store(&database, &[told.score(at(0), at(600))]).await;
    // The run that scored it publishes the same when it is repeated, later ones have nothing to publish.
    assert_eq!(now(600).await, [(at(0), None)]);
    assert_eq!(now(630).await, [(at(30), None)]);
    // What is published again does not wait again.
    store(&database, &[told.prediction(at(0))]).await;
    assert_eq!(now(630).await, [(at(30), None)]);
    assert_eq!(
        database
            .store()
            .due_forecasts(at(9_000), 0, Part::WHOLE)
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn of_many_that_wait_the_oldest_and_the_newest_are_due() {
    let database = TestDatabase::create().await;
    let told = Documents::about("cpuUsage", "a");
    let documents: Vec<_> = (0..6).map(|k| told.prediction(at(30 * k))).collect();
    store(&database, &documents).await;
    for (most, expected) in [
        (2, &[0, 150][..]),
        (4, &[0, 30, 120, 150]),
        (20, &[0, 30, 60, 90, 120, 150]),
    ] {
        let due = database
            .store()
            .due_forecasts(at(9_000), most, Part::WHOLE)
            .await;
        let times: Vec<_> = due.unwrap().iter().map(|due| due.as_of).collect();
        let expected: Vec<_> = expected.iter().copied().map(at).collect();
        assert_eq!(times, expected, "{most}");
    }
}

#[tokio::test]
async fn a_series_without_a_forecast_waits_for_nothing() {
    let database = TestDatabase::create().await;
    let Document::Prediction(mut none) = Documents::about("cpuUsage", "a").prediction(at(0)) else {
        unreachable!()
    };
    none.forecast = Finding::unknown("too_short");
    store(&database, &[Document::Prediction(none)]).await;
    assert_eq!(due(database.store(), at(9_000)).await, []);
}

#[tokio::test]
async fn a_forecast_that_is_stored_no_more_is_due_all_the_same() {
    let database = TestDatabase::create().await;
    store(
        &database,
        &[Documents::about("cpuUsage", "a").prediction(at(0))],
    )
    .await;
    sqlx::raw_sql("DELETE FROM prediction")
        .execute(database.pool())
        .await
        .unwrap();
    let gone = Some(FORECAST_GONE.to_owned());
    assert_eq!(due(database.store(), at(600)).await, [(at(0), gone)]);
}

#[tokio::test]
async fn a_due_forecast_comes_with_the_probabilities_told_with_it() {
    let database = TestDatabase::create().await;
    let told = Documents::about("cpuUsage", "a").under("web");
    let objective: Objective = told.objective();
    let change = database
        .store()
        .put_sla(
            "web",
            std::slice::from_ref(&objective),
            &Condition::Any,
            at(0),
        )
        .await;
    change.unwrap();
    let Document::Violations(mut violations) = told.violations(&[], at(0)) else {
        unreachable!()
    };
    violations.outlook = Outlook::Forecast(ForecastRisk {
        probability: 0.1 + 0.2,
        model_probability: Some(0.7),
        base_rate: Some(0.1 + 0.2),
        ..ForecastRisk::default()
    });
    store(
        &database,
        &[
            told.prediction(at(0)),
            told.prediction(at(30)),
            Document::Violations(violations),
            // Without a probability.
            told.violations(&[], at(30)),
        ],
    )
    .await;
    let mut due: Vec<DueForecast> = database
        .store()
        .due_forecasts(at(700), 100, Part::WHOLE)
        .await
        .unwrap();
    let until = Instant::now() + Duration::from_secs(3_600);
    let adding = database
        .store()
        .add_probabilities(&mut due, Part::WHOLE, until);
    adding.await.unwrap();
    let [first, second] = &due[..] else {
        panic!("{due:?}")
    };
    assert_eq!(first.model, "stack");
    assert_eq!(first.series.labels, told.series().labels);
    let [probability] = &first.probabilities[..] else {
        panic!("{first:?}")
    };
    assert_eq!((&*probability.sla, probability.version), ("web", 1));
    assert_eq!(*probability.objective, objective);
    assert_eq!(probability.probability.to_bits(), (0.1_f64 + 0.2).to_bits());
    assert_eq!(probability.model_probability, Some(0.7));
    assert_eq!(probability.base_rate, Some(probability.probability));
    assert_eq!(second.probabilities, []);
}

#[tokio::test]
async fn forecasts_whose_probabilities_cannot_be_read_in_time_are_left_to_a_later_run() {
    let database = TestDatabase::create().await;
    let told = Documents::about("cpuUsage", "a");
    let documents: Vec<_> = (0..6).map(|k| told.prediction(at(30 * k))).collect();
    store(&database, &documents).await;
    let store = database.store();
    let all = store.due_forecasts(at(9_000), 100, Part::WHOLE).await;
    let all = all.unwrap();
    let hour = Duration::from_secs(3_600);
    for (until, expected) in [(Instant::now() - hour, 0), (Instant::now() + hour, 6)] {
        let mut due = all.clone();
        let adding = store.add_probabilities(&mut due, Part::WHOLE, until);
        adding.await.unwrap();
        assert_eq!(due.len(), expected);
    }
    assert_eq!(all.len(), 6);
}

#[tokio::test]
async fn a_smaller_as_of_never_overwrites_a_score() {
    let database = TestDatabase::create().await;
    let told = Documents::about("cpuUsage", "a");
    store(
        &database,
        &[told.prediction(at(0)), told.score(at(0), at(660))],
    )
    .await;
    let before = database.contents().await;
    let Document::Score(mut older) = told.score(at(0), at(630)) else {
        unreachable!()
    };
    older.scores = Finding::unknown(FEW_SAMPLES);
    older.objectives[0].happened = None;
    store(&database, &[Document::Score(older)]).await;
    assert_eq!(database.contents().await["score"], before["score"]);
    assert_eq!(
        database.contents().await["objective_score"],
        before["objective_score"]
    );
}

/// A score of the forecast of `seconds` with this reason, if it is unscorable, and this outcome.
fn scored(
    told: &Documents,
    seconds: u64,
    reason: Option<&str>,
    (probability, happened): (f64, Option<bool>),
) -> Document {
    let Document::Score(mut score) = told.score(at(seconds), at(seconds) + HORIZON) else {
        unreachable!()
    };
    if let Some(reason) = reason {
        score.scores = Finding::unknown(reason);
    }
    let objective = score.objectives[0].clone();
    score.objectives = vec![ObjectiveScore {
        probability,
        happened,
        ..objective
    }];
    Document::Score(score)
}

#[tokio::test]
async fn scores_are_summed_up_and_nothing_is_lost() {
    let database = TestDatabase::create().await;
    let told = Documents::about("cpuUsage", "a");
    let mut batch: Vec<_> = (0..8).map(|k| told.prediction(at(300 * k))).collect();
    batch.extend([
        scored(&told, 0, None, (0.1, Some(false))),
        scored(&told, 300, None, (0.15, Some(true))),
        scored(&told, 600, None, (1.0, Some(true))),
        scored(&told, 900, Some(FEW_SAMPLES), (0.9, None)),
        told.of(Kind::Run, at(1_800)),
    ]);
    store(&database, &batch).await;
    let series = [told.series().id()];
    let everything = ScoreSelection::default();
    let scores = database.store().scores(&series, &everything).await.unwrap();
    let scores = &scores[&(series[0], "stack".to_owned())];
    // The horizon of the one of 1,200 s is over, and nobody has scored it yet.
    assert_eq!((scores.forecasts, scores.scored), (5, 3));
    assert_eq!(
        scores.unscorable.iter().collect::<Vec<_>>(),
        [(&FEW_SAMPLES.to_owned(), &1)]
    );
    let close = |found: Option<f64>, expected: f64| {
        assert!(
            (found.unwrap() - expected).abs() < 1e-12,
            "{found:?} {expected}"
        );
    };
    close(scores.band_coverage, 8.0 / 9.0);
    close(scores.min_coverage, 1.0);
    close(scores.max_coverage, 0.0);
    close(scores.mae, 1.5);
    close(scores.mae_last_value, 2.0);
    close(scores.pinball, 0.5);

    let scores = database
        .store()
        .objective_scores(&everything)
        .await
        .unwrap();
    let scores = &scores[&("demo".to_owned(), told.objective().id.to_string())];
    assert_eq!((scores.forecasts, scores.scored, scores.events), (4, 3, 2));
    close(Some(scores.said), 1.25);
    close(Some(scores.squares), 0.01 + 0.85 * 0.85);
    assert_eq!(scores.with_base_rate, 3);
    close(Some(scores.squares_base_rate), 0.015_625 + 2.0 * 0.765_625);
    // 08:00 and 08:05 are in one span of 10 minutes, 08:10 is in the next.
    assert_eq!(scores.independent, 2);
    let bins: Vec<_> = scores
        .bins
        .iter()
        .map(|bin| (bin.lower, bin.forecasts, bin.events))
        .collect();
    assert_eq!(bins, [(0.1, 2, 1), (0.9, 1, 1)]);

    let later = ScoreSelection {
        from: Some(at(300)),
        to: Some(at(600)),
        sla: Some("demo".to_owned()),
        metric: None,
    };
    let scores = database.store().scores(&series, &later).await.unwrap();
    assert_eq!(scores[&(series[0], "stack".to_owned())].forecasts, 2);
    let scores = database.store().objective_scores(&later).await.unwrap();
    assert_eq!(scores.values().next().unwrap().forecasts, 2);
    let other = ScoreSelection {
        sla: Some("other".to_owned()),
        ..later
    };
    assert!(
        database
            .store()
            .objective_scores(&other)
            .await
            .unwrap()
            .is_empty()
    );
}
