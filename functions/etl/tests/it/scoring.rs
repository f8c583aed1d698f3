use std::{collections::BTreeMap, time::Duration};

use domain::{
    Timestamp,
    evaluation::HORIZON,
    message::{Kind, ScoreDocument},
    score::{NO_SERIES, UNKNOWN_METRIC},
    sla::Draft,
};
use etl::{
    request::RunRequest,
    run::{Etl, Trigger},
};
use serde_json::json;
use store::{
    pipeline::Document,
    sla::Condition,
    testing::{Documents, TestDatabase},
};

use super::{METRICS, Record, etl, moment_ago, records};

/// An etl, its topic, and what it published up to now.
struct Pipeline {
    etl: Etl,
    topic: String,
    published: usize,
}

impl Pipeline {
    /// Runs once and gives back the records of that run, which are those the topic had not before.
    async fn run(&mut self, as_of: Timestamp) -> Vec<Record> {
        let document = self
            .etl
            .run(&RunRequest::everything(as_of), Trigger::Invoke)
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

async fn store(database: &TestDatabase, records: &[Record]) {
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
    let (etl, topic) = etl(METRICS, &[("DATABASE_URL", database.url())]).await;
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
                    judged += 1;
                }
            }
        }
    }
    assert!(judged > 0);
    store(&database, &told).await;
    // The run repeated tells the same: twice as many records of the same bytes.
    let again = pipeline.run(end).await;
    assert_eq!(scores(&again), found);
    assert!(scores(&pipeline.run(end + Duration::from_secs(1)).await).is_empty());
}
