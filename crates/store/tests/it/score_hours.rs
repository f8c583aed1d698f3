//! Sums by the hour are those of the rows, whatever came when.

use std::time::Duration;

use domain::{Finding, SeriesId, Timestamp, score::FEW_SAMPLES};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use store::{
    pipeline::Document,
    retention::Limits,
    score::{ModelScores, ObjectiveScores, ScoreSelection},
    testing::{Documents, TestDatabase},
};

const LIMITS: Limits = Limits {
    buckets: Duration::from_secs(40 * 86_400),
    hours: Duration::from_secs(400 * 86_400),
    every_run: Duration::from_secs(48 * 3_600),
    everything: Duration::from_secs(30 * 86_400),
};

/// `minutes` after 2026-11-26T08:00:00Z.
fn at(minutes: u64) -> Timestamp {
    "2026-11-26T08:00:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(60 * minutes)
}

/// A score that comes.
#[derive(Clone, Debug)]
struct Came {
    machine: &'static str,
    /// In which minute the forecast was.
    minute: u64,
    /// How long after its horizon it was scored.
    later: u64,
    probability: f64,
    happened: Option<bool>,
    scorable: bool,
    model: &'static str,
    version: u32,
    /// Whether hours are summed up before it comes, and at which minute.
    summing_up: Option<u64>,
}

fn came() -> impl Strategy<Value = Came> {
    let first = (
        prop::sample::select(vec!["a", "b", "c"]),
        0..48u64,
        0..3u64,
        0..=10u32,
        any::<Option<bool>>(),
    );
    let second = (
        prop::bool::weighted(0.8),
        prop::sample::select(vec!["stack", "last"]),
        1..=2u32,
        prop::option::weighted(0.3, 0..600u64),
    );
    (first, second).prop_map(
        |((machine, step, later, tenths, happened), (scorable, model, version, summing_up))| Came {
            machine,
            minute: 7 * step,
            later,
            probability: f64::from(tenths) / 10.0,
            happened,
            scorable,
            model,
            version,
            summing_up,
        },
    )
}

impl Came {
    fn document(&self) -> Document {
        let forecast_as_of = at(self.minute);
        let as_of = at(self.minute + 10 + self.later);
        let about = Documents::about("cpuUsage", self.machine);
        let Document::Score(mut score) = about.score(forecast_as_of, as_of) else {
            unreachable!()
        };
        if !self.scorable {
            score.scores = Finding::unknown(FEW_SAMPLES);
        }
        score.model = self.model.to_owned();
        score.objectives[0].probability = self.probability;
        score.objectives[0].happened = self.happened;
        score.objectives[0].version = self.version;
        Document::Score(score)
    }
}

type Answers = (Vec<ModelScores>, Vec<ObjectiveScores>);

async fn answers(database: &TestDatabase) -> Vec<Answers> {
    let ids: Vec<SeriesId> = ["a", "b", "c"]
        .map(|machine| Documents::about("cpuUsage", machine).series().id())
        .to_vec();
    let mut answers = Vec::new();
    for (from, to) in [
        (None, None),
        (Some(at(90)), None),
        (Some(at(61)), Some(at(245))),
        (Some(at(120)), Some(at(125))),
    ] {
        let selection = ScoreSelection {
            from,
            to,
            ..ScoreSelection::default()
        };
        let store = database.store();
        let series = store.scores(&ids, &selection).await.unwrap();
        let objectives = store.objective_scores(&selection).await.unwrap();
        answers.push((
            series.into_values().map(rounded).collect(),
            objectives.into_values().map(rounded_too).collect(),
        ));
    }
    answers
}

/// Sums of the same numbers in another order differ in their last bits.
fn round(number: f64) -> f64 {
    (number * 1e9).round() / 1e9
}

fn rounded(scores: ModelScores) -> ModelScores {
    ModelScores {
        pinball: scores.pinball.map(round),
        pinball_climatology: scores.pinball_climatology.map(round),
        mae: scores.mae.map(round),
        mae_last_value: scores.mae_last_value.map(round),
        ..scores
    }
}

fn rounded_too(mut scores: ObjectiveScores) -> ObjectiveScores {
    scores.said = round(scores.said);
    scores.squares = round(scores.squares);
    scores.squares_base_rate = round(scores.squares_base_rate);
    for bin in &mut scores.bins {
        bin.said = round(bin.said);
    }
    scores
}

async fn sum_up(database: &TestDatabase, now: Timestamp) {
    while !database
        .store()
        .purge(now, LIMITS, 1_000)
        .await
        .unwrap()
        .done
    {}
}

async fn forget_sums(database: &TestDatabase) {
    sqlx::raw_sql(
        "DELETE FROM score_hour_progress; DELETE FROM score_hour; DELETE FROM objective_score_hour",
    )
    .execute(database.pool())
    .await
    .unwrap();
}

#[test]
fn sums_by_the_hour_are_those_of_the_rows_whatever_came_when() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let mut runner = TestRunner::new(Config::with_cases(12));
    let all = proptest::collection::vec(came(), 1..40);
    let outcome = runner.run(&all, |all| {
        runtime.block_on(async {
            database.clear().await;
            let run = Documents::about("cpuUsage", "a").run(at(1_000));
            database.store().store_batch(&[run], &[]).await.unwrap();
            for came in &all {
                if let Some(minute) = came.summing_up {
                    sum_up(&database, at(minute)).await;
                }
                let document = came.document();
                database
                    .store()
                    .store_batch(&[document], &[])
                    .await
                    .unwrap();
            }
            let by_the_hour = answers(&database).await;
            forget_sums(&database).await;
            prop_assert_eq!(by_the_hour, answers(&database).await);
            Ok(())
        })
    });
    outcome.unwrap();
}

#[tokio::test]
async fn what_is_summed_up_is_read_from_few_rows() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let machines = ["a", "b"].map(|machine| Documents::about("cpuUsage", machine));
    for minute in 0..180 {
        let documents = machines
            .each_ref()
            .map(|about| about.score(at(minute), at(minute + 10)));
        store.store_batch(&documents, &[]).await.unwrap();
    }
    store
        .store_batch(&[machines[0].run(at(300))], &[])
        .await
        .unwrap();
    let before = answers(&database).await;
    // Two hours are over for 30 minutes.
    sum_up(&database, at(150)).await;
    assert_eq!(database.count("score_hour").await, 4);
    assert_eq!(database.count("objective_score_hour").await, 4);
    assert_eq!(answers(&database).await, before);
    sqlx::raw_sql("DELETE FROM score WHERE forecast_as_of < '2026-11-26 10:00'")
        .execute(database.pool())
        .await
        .unwrap();
    let (series, _) = &answers(&database).await[0];
    assert_eq!(series[0].scored, 180);
}
