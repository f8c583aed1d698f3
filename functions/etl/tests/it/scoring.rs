use std::{collections::BTreeMap, time::Duration};

use domain::{
    SeriesId, Timestamp,
    forecast::HORIZON,
    message::{Kind, PredictionDocument, ScoreDocument, ViolationsDocument},
    score::{NO_SERIES, UNKNOWN_METRIC},
    sla::Draft,
};
use etl::{deadline::Deadline, request::RunRequest, run::Etl, subject::Trigger};
use serde_json::json;
use store::{
    pipeline::Document,
    score::ScoreSelection,
    sla::Condition,
    testing::{Documents, TestDatabase},
};

use super::{Record, etl, moment_ago, pushed::Fleet, records, servers::stand_in};

/// An etl, its topic, and what it published up to now.
pub(super) struct Pipeline {
    pub(super) etl: Etl,
    pub(super) topic: String,
    pub(super) published: usize,
}

impl Pipeline {
    /// Runs once and gives back the records of that run, which are those the topic had not before.
    pub(super) async fn run(&mut self, as_of: Timestamp) -> Vec<Record> {
        let document = self
            .etl
            .run(
                &RunRequest::everything(as_of),
                Trigger::Invoke,
                Deadline::default(),
            )
            .await
            .unwrap();
        let before = self.published;
        self.published += document.messages as usize + 1;
        let mut all: Vec<Record> = records(&self.topic, self.published)
            .into_values()
            .flatten()
            .filter(|record| record.headers["ce_time"] == as_of.to_string())
            .collect();
        all.sort_by(|a, b| a.headers["ce_id"].cmp(&b.headers["ce_id"]));
        assert!(self.published > before);
        all
    }
}

fn scores(records: &[Record]) -> BTreeMap<String, ScoreDocument> {
    records
        .iter()
        .filter(|record| record.headers["ce_type"] == Kind::Score.ce_type())
        .map(|record| {
            let id = record.headers["ce_id"].clone();
            (id, serde_json::from_str(&record.value).unwrap())
        })
        .collect()
}

pub(super) async fn store(database: &TestDatabase, records: &[Record]) {
    let documents: Vec<Document> = records
        .iter()
        .map(|record| {
            let kind = record.headers["ce_type"].parse().unwrap();
            Document::parse(kind, record.value.as_bytes()).unwrap()
        })
        .collect();
    database.store().store_batch(&documents, &[]).await.unwrap();
}

#[tokio::test]
async fn a_forecast_is_scored_by_the_first_run_that_sees_the_end_of_its_horizon() {
    let database = TestDatabase::create().await;
    let (etl, topic) = etl(
        &Fleet::push().await.metrics(),
        &[("DATABASE_URL", database.url())],
    )
    .await;
    let mut pipeline = Pipeline {
        etl,
        topic,
        published: 0,
    };
    let sla = json!({"name": "web", "objectives": [{"id": "memory", "metric": "availableMem", "min": 1}]});
    let draft = Draft::parse(&sla).unwrap();
    let first = moment_ago() - HORIZON - Duration::from_secs(60);
    database
        .store()
        .put_sla("web", &draft.objectives, &Condition::Any, first)
        .await
        .unwrap();

    let told = pipeline.run(first).await;
    assert!(scores(&told).is_empty());
    store(&database, &told).await;
    // One that is not there any more, and one that nobody asks for.
    let gone = Documents::about("availableMem", "gone").prediction(first);
    let unknown = Documents::about("cpuTemp", "gone").prediction(first);
    let both = [gone, unknown];
    database.store().store_batch(&both, &[]).await.unwrap();

    assert!(scores(&pipeline.run(first + HORIZON - Duration::from_secs(1)).await).is_empty());
    let end = first + HORIZON;
    let told = pipeline.run(end).await;
    let found = scores(&told);
    let forecasts = database.count("prediction").await as usize;
    assert_eq!(found.len(), forecasts);
    let mut judged = 0;
    for score in found.values() {
        assert_eq!((score.forecast_as_of, score.as_of), (first, end));
        match (&*score.series.metric, score.series.labels.0.get("instance")) {
            ("cpuTemp", _) => assert_eq!(score.scores.reason(), Some(UNKNOWN_METRIC)),
            (_, Some(instance)) if instance == "gone" => {
                assert_eq!(score.scores.reason(), Some(NO_SERIES));
            }
            _ => {
                let scores = score.scores.known().unwrap();
                assert!(
                    scores.mae.is_finite() && scores.mae_last_value.is_some(),
                    "{scores:?}"
                );
                assert!(scores.observed <= scores.steps);
                for objective in &score.objectives {
                    assert_eq!(
                        (&*objective.objective, objective.happened),
                        ("memory", Some(false))
                    );
                    // 12 h without a violation, as far as they are known.
                    assert!(objective.base_rate.is_some_and(|rate| rate < 0.5));
                    assert_eq!(objective.model_probability, None);
                    judged += 1;
                }
            }
        }
    }
    assert!(judged > 0);
    store(&database, &told).await;
    // The run repeated publishes the same: twice as many records of the same bytes.
    let again = pipeline.run(end).await;
    assert_eq!(scores(&again), found);
    assert!(scores(&pipeline.run(end + Duration::from_secs(1)).await).is_empty());
}

/// The series and times of the forecasts that were published.
fn forecasts(records: &[Record]) -> Vec<(SeriesId, Timestamp)> {
    let told = records.iter();
    told.filter(|record| record.headers["ce_type"] == Kind::Prediction.ce_type())
        .map(|record| serde_json::from_str::<PredictionDocument>(&record.value).unwrap())
        .filter(|told| told.forecast.known().is_some())
        .map(|told| (told.series.series, told.as_of))
        .collect()
}

#[tokio::test]
async fn scored_and_unscorable_are_the_forecasts_whose_horizon_is_over() {
    let database = TestDatabase::create().await;
    let (etl, topic) = etl(
        &Fleet::push().await.metrics(),
        &[("DATABASE_URL", database.url())],
    )
    .await;
    let mut pipeline = Pipeline {
        etl,
        topic,
        published: 0,
    };
    let first = moment_ago() - HORIZON - Duration::from_secs(90);
    let gone = Documents::about("availableMem", "gone");
    let told = [gone.prediction(first)];
    database.store().store_batch(&told, &[]).await.unwrap();
    let mut told = vec![(gone.series().id(), first)];
    let mut ever = Vec::new();
    for (seconds, over) in [
        (0, 0),
        (30, 0),
        (60, 0),
        (599, 0),
        (600, 1),
        (645, 2),
        (660, 3),
        (690, 3),
    ] {
        let as_of = first + Duration::from_secs(seconds);
        let records = pipeline.run(as_of).await;
        store(&database, &records).await;
        told.extend(forecasts(&records));
        let ids: Vec<SeriesId> = told.iter().map(|(id, _)| *id).collect();
        let everything = ScoreSelection::default();
        let scores = database.store().scores(&ids, &everything).await.unwrap();
        for id in &ids {
            let forecasts = told.iter().filter(|(series, _)| series == id);
            let forecasts = forecasts
                .filter(|(_, told)| *told + HORIZON <= as_of)
                .count() as u64;
            let of_models = scores.iter().filter(|((series, _), _)| series == id);
            let (mut counted, mut settled) = (0, 0);
            for (_, scores) in of_models {
                counted += scores.forecasts;
                settled += scores.scored + scores.unscorable.values().sum::<u64>();
            }
            assert_eq!(settled, forecasts, "{id} after {seconds} s");
            assert_eq!(counted, settled, "{id} after {seconds} s");
            // The young host has its first forecasts later.
            if *id != gone.series().id() && told.contains(&(*id, first)) {
                assert_eq!(settled, over, "{id} after {seconds} s");
            }
        }
        ever.extend(scores.into_values());
    }
    assert!(ever.iter().any(|scores| scores.scored > 0));
    assert!(
        ever.iter()
            .any(|scores| scores.unscorable.contains_key(NO_SERIES))
    );
}

#[tokio::test]
async fn a_series_that_a_partial_answer_lacks_is_not_gone() {
    let database = TestDatabase::create().await;
    let end = moment_ago();
    let gone = Documents::about("availableMem", "gone").prediction(end - HORIZON);
    database.store().store_batch(&[gone], &[]).await.unwrap();
    for (is_partial, told) in [(true, 0), (false, 1)] {
        let server = stand_in(is_partial, "").await;
        let url = server.uri();
        let instead = [
            ("PROMETHEUS_URL", url.as_str()),
            ("DATABASE_URL", database.url()),
        ];
        let metrics = "[[metric]]\nname = \"availableMem\"\nquery = 'available'\n";
        let (etl, topic) = etl(metrics, &instead).await;
        let mut pipeline = Pipeline {
            etl,
            topic,
            published: 0,
        };
        let found = scores(&pipeline.run(end).await);
        assert_eq!(found.len(), told, "{is_partial}");
        let mut reasons = found.values().map(|score| score.scores.reason());
        assert!(reasons.all(|reason| reason == Some(NO_SERIES)));
    }
}

/// Fifty scores of the 12 h before `as_of`, as `score` is but for the time: after none of them did a violation come, and
/// the model said that one would.
fn bad_advice(score: &ScoreDocument, as_of: Timestamp) -> Vec<Document> {
    let before = Timestamp::from_millis(as_of.millis() - as_of.millis() % 600_000).unwrap();
    let told = (2..52).map(|k| {
        let mut score = score.clone();
        score.forecast_as_of = before - HORIZON * k;
        score.as_of = score.forecast_as_of + HORIZON;
        for objective in &mut score.objectives {
            objective.probability = 0.9;
            objective.base_rate = Some(0.1);
            objective.happened = Some(false);
        }
        Document::Score(Box::new(score))
    });
    told.collect()
}

fn violations(records: &[Record]) -> Vec<ViolationsDocument> {
    let told = records.iter();
    told.filter(|record| record.headers["ce_type"] == Kind::Violations.ce_type())
        .map(|record| serde_json::from_str(&record.value).unwrap())
        .collect()
}

#[tokio::test]
async fn the_base_rate_is_told_where_the_probabilities_of_late_were_worse() {
    let database = TestDatabase::create().await;
    let metrics = Fleet::push().await.metrics();
    let pipeline = async || {
        let (etl, topic) = etl(&metrics, &[("DATABASE_URL", database.url())]).await;
        Pipeline {
            etl,
            topic,
            published: 0,
        }
    };
    let sla = json!({"name": "web", "objectives": [{"id": "memory", "metric": "availableMem", "min": 1}]});
    let draft = Draft::parse(&sla).unwrap();
    let first = moment_ago() - HORIZON - Duration::from_secs(60);
    let made = database
        .store()
        .put_sla("web", &draft.objectives, &Condition::Any, first);
    made.await.unwrap();

    let told = pipeline().await.run(first).await;
    for document in violations(&told) {
        let risk = document.outlook.risk().unwrap();
        assert!(risk.base_rate.is_some());
        assert_eq!(risk.recent_scores, None);
    }
    store(&database, &told).await;
    let end = first + HORIZON;
    let told = scores(&pipeline().await.run(end).await);
    let judged = told.values().find(|score| !score.objectives.is_empty());
    let judged = judged.unwrap();
    let advice = bad_advice(judged, end);
    database.store().store_batch(&advice, &[]).await.unwrap();

    let mut preferred = 0;
    for document in violations(&pipeline().await.run(end).await) {
        let outlook = document.outlook.risk().unwrap();
        if document.series.as_ref() != Some(&judged.series) {
            assert_eq!(outlook.model_probability, None);
            continue;
        }
        preferred += 1;
        assert_eq!(Some(outlook.probability), outlook.base_rate);
        assert!(outlook.model_probability.is_some());
        assert!(outlook.probability_new <= outlook.probability);
        let recent = outlook.recent_scores.unwrap();
        assert_eq!((recent.forecasts, recent.events), (50, 0));
    }
    assert_eq!(preferred, 1);
}
