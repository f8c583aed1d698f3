//! An answer is whole or of an earlier time, whatever order the messages of its run are stored in.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Timestamp,
    message::{EvaluatedObjective, EvaluationOutcome, EvaluationRow, RunDocument},
    sla::{Draft, Objective},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;
use store::{
    Store, connect,
    pipeline::{DeadLetter, Document},
    sla::{Asked, Condition, EvaluatedObjective as Found, Evaluation, Worst},
    testing::{Documents, TestDatabase, recorded},
};

use super::at;

/// The objectives of `demo`: one on every series of `cpuUsage`, one on every series of `memory`.
fn objectives() -> Vec<Objective> {
    let draft = json!({"objectives": [
        {"id": "cpu", "metric": "cpuUsage", "max": 80},
        {"id": "memory", "metric": "memory", "max": 80},
    ]});
    Draft::parse(&draft).unwrap().objectives
}

async fn demo() -> TestDatabase {
    let database = TestDatabase::create().await;
    let store = database.store();
    store
        .put_sla("demo", &objectives(), &Condition::Any, at(-60))
        .await
        .unwrap();
    database
}

/// A row of an evaluation: the objective judged on a series, firing or not.
fn row(objective: &str, instance: &str, firing: bool, as_of: Timestamp) -> Document {
    let objectives = objectives();
    let objective = objectives.iter().find(|one| one.id == objective).unwrap();
    let value = if firing { 95.0 } else { 50.0 };
    let samples: Vec<(u64, f64)> = (0..8).map(|k| (15 * k, value)).collect();
    let about = Documents::about(&objective.metric, instance);
    about.violations_of(objective, &samples, as_of)
}

/// The record of a run that published that many rows.
fn record(run: &str, outcomes: &[(&str, EvaluationOutcome)], as_of: Timestamp) -> Document {
    let Document::Run(document) = Documents::about("cpuUsage", "a").run(as_of) else {
        unreachable!()
    };
    let evaluated = outcomes
        .iter()
        .map(|(objective, outcome)| EvaluatedObjective {
            sla: "demo".parse().unwrap(),
            version: 1,
            objective: objective.parse().unwrap(),
            outcome: outcome.clone(),
            ended_until: None,
        });
    Document::Run(RunDocument {
        run_id: run.to_owned(),
        evaluated: evaluated.collect(),
        ..document
    })
}

fn rows(objective: &str, rows: u64, as_of: Timestamp) -> Document {
    let run = format!("{objective}-{rows}");
    record(&run, &[(objective, EvaluationOutcome::Rows(rows))], as_of)
}

async fn keep(store: &Store, documents: &[Document]) {
    store.store_batch(documents, &[]).await.unwrap();
}

async fn ask(store: &Store, asked: Asked) -> Evaluation {
    let found = store.evaluation("demo", asked, Worst::State).await;
    found.unwrap().unwrap()
}

async fn newest(store: &Store) -> Evaluation {
    ask(store, Asked::InForce { until: at(600) }).await
}

fn of<'a>(evaluation: &'a Evaluation, objective: &str) -> &'a Found {
    let mut objectives = evaluation.objectives.iter();
    objectives
        .find(|one| one.objective.id == objective)
        .unwrap()
}

/// When `cpu` was evaluated, on how many series, and of how many it is firing.
async fn cpu(store: &Store) -> (Option<Timestamp>, u64, u64) {
    let evaluation = newest(store).await;
    let cpu = of(&evaluation, "cpu");
    assert_eq!(cpu.series, cpu.entries.len() as u64);
    assert!(
        cpu.entries
            .iter()
            .all(|entry| Some(entry.document.as_of) == cpu.as_of)
    );
    (cpu.as_of, cpu.series, cpu.firing)
}

#[tokio::test]
async fn a_part_of_an_evaluation_is_never_read() {
    let database = demo().await;
    let store = database.store();
    let (a, b) = (
        |firing, as_of| row("cpu", "a", firing, as_of),
        |as_of| row("cpu", "b", false, as_of),
    );
    keep(store, &[b(at(0))]).await;
    assert_eq!(cpu(store).await, (None, 0, 0), "nobody says how many");
    keep(store, &[rows("cpu", 2, at(0))]).await;
    assert_eq!(cpu(store).await, (None, 0, 0), "one is missing");
    keep(store, &[a(true, at(0))]).await;
    assert_eq!(cpu(store).await, (Some(at(0)), 2, 1), "the last row came");

    keep(store, &[b(at(1)), rows("cpu", 2, at(1))]).await;
    assert_eq!(cpu(store).await, (Some(at(0)), 2, 1));
    keep(store, &[b(at(2)), a(false, at(2))]).await;
    assert_eq!(cpu(store).await, (Some(at(0)), 2, 1));
    keep(store, &[rows("cpu", 2, at(2))]).await;
    assert_eq!(cpu(store).await, (Some(at(2)), 2, 0), "the record came");
    keep(store, &[a(true, at(1))]).await;
    assert_eq!(cpu(store).await, (Some(at(2)), 2, 0));
    let then = ask(store, Asked::AsOf(at(1))).await;
    assert_eq!(of(&then, "cpu").firing, 1);
}

#[tokio::test]
async fn each_objective_has_its_own_newest_evaluation() {
    let database = demo().await;
    let store = database.store();
    keep(
        store,
        &recorded([
            row("cpu", "a", true, at(0)),
            row("memory", "a", false, at(0)),
        ]),
    )
    .await;
    assert!(newest(store).await.is_complete());
    keep(store, &recorded([row("memory", "a", true, at(1))])).await;
    let evaluation = newest(store).await;
    assert!(!evaluation.is_complete());
    assert_eq!(evaluation.as_of(), Some(at(1)));
    assert_eq!(of(&evaluation, "cpu").as_of, Some(at(0)));
    assert_eq!(of(&evaluation, "memory").as_of, Some(at(1)));
}

#[tokio::test]
async fn the_greatest_number_of_rows_counts_and_a_reason_never_does() {
    let database = demo().await;
    let store = database.store();
    keep(store, &[row("cpu", "a", true, at(0))]).await;
    let reason = EvaluationOutcome::Reason("the fetch broke off".to_owned());
    keep(
        store,
        &[record("broken", &[("cpu", reason.clone())], at(0))],
    )
    .await;
    assert_eq!(cpu(store).await.0, None);
    keep(store, &[rows("cpu", 1, at(0))]).await;
    assert_eq!(cpu(store).await, (Some(at(0)), 1, 1));
    keep(store, &[record("later", &[("cpu", reason)], at(0))]).await;
    assert_eq!(cpu(store).await, (Some(at(0)), 1, 1));
    // Another run of that time found one series more.
    keep(store, &[rows("cpu", 2, at(0))]).await;
    keep(store, &[rows("cpu", 1, at(0))]).await;
    assert_eq!(cpu(store).await.0, None);
    keep(store, &[row("cpu", "b", false, at(0))]).await;
    assert_eq!(cpu(store).await, (Some(at(0)), 2, 1));
}

#[tokio::test]
async fn the_record_with_the_most_rows_says_which_series_have_ended() {
    let silent = |as_of| {
        let objective = objectives().remove(0);
        let ages: Vec<(u64, f64)> = (40..80).map(|k| (15 * k, 50.0)).collect();
        Documents::about(&objective.metric, "a").violations_of(&objective, &ages, as_of)
    };
    let record = |count, ended_until| {
        let Document::Run(mut document) = rows("cpu", count, at(0)) else {
            unreachable!()
        };
        document.evaluated[0].ended_until = ended_until;
        Document::Run(document)
    };
    let (whole, part) = (record(2, Some(at(0))), record(1, None));
    let both = [whole.clone(), part.clone()];
    for batches in [
        vec![&both[..1], &both[1..]],
        vec![&both[1..], &both[..1]],
        vec![&both[..]],
    ] {
        let database = demo().await;
        let store = database.store();
        keep(store, &[silent(at(0)), row("cpu", "b", false, at(0))]).await;
        for batch in batches {
            keep(store, batch).await;
        }
        let evaluation = newest(store).await;
        let found = of(&evaluation, "cpu");
        assert_eq!((found.series, found.no_data, found.ended), (2, 0, 1));
    }
    // Nobody stands any more, as far as that run knows.
    let database = demo().await;
    let store = database.store();
    keep(
        store,
        &[silent(at(0)), row("cpu", "b", false, at(0)), whole],
    )
    .await;
    keep(store, &[record(2, None)]).await;
    let evaluation = newest(store).await;
    assert_eq!(
        (of(&evaluation, "cpu").no_data, of(&evaluation, "cpu").ended),
        (1, 0)
    );
}

#[tokio::test]
async fn what_is_evaluated_in_the_future_is_not_known_yet() {
    let database = demo().await;
    let store = database.store();
    keep(store, &recorded([row("cpu", "a", false, at(0))])).await;
    keep(store, &recorded([row("cpu", "a", true, at(700))])).await;
    assert_eq!(cpu(store).await, (Some(at(0)), 1, 0));
    let times = store
        .newest_evaluations(&store.sla("demo").await.unwrap().unwrap().sla, at(600))
        .await
        .unwrap();
    assert_eq!(times, [("cpu".to_owned(), at(0))].into());
}

fn letter(row: EvaluationRow) -> DeadLetter {
    DeadLetter {
        topic: "prometheusdata".to_owned(),
        partition: 0,
        offset: 7,
        timestamp: -1,
        stored_at: at(0),
        key: None,
        headers: json!([]),
        value: None,
        reason: "the value is malformed".to_owned(),
        row: Some(row),
    }
}

#[tokio::test]
async fn a_row_that_was_set_aside_counts_and_says_so_until_it_is_stored() {
    let database = demo().await;
    let store = database.store();
    let refused = row("cpu", "a", true, at(0));
    let series = refused.series().unwrap().clone();
    keep(
        store,
        &[row("cpu", "b", false, at(0)), rows("cpu", 2, at(0))],
    )
    .await;
    keep(store, &[Documents::about("cpuUsage", "a").metrics(at(0))]).await;
    let letters = [letter(EvaluationRow {
        sla: "demo".parse().unwrap(),
        version: 1,
        objective: "cpu".parse().unwrap(),
        series: series.series,
        as_of: at(0),
    })];
    for _ in 0..2 {
        store.store_batch(&[], &letters).await.unwrap();
        let evaluation = newest(store).await;
        let found = of(&evaluation, "cpu");
        assert_eq!((found.series, found.no_data), (2, 1));
        let entry = &found.entries[0].document;
        assert_eq!(entry.reason.as_deref(), Some("refused"));
        assert_eq!(entry.series.as_ref().unwrap().labels, series.labels);
    }
    keep(store, &[refused]).await;
    assert_eq!(cpu(store).await, (Some(at(0)), 2, 1));
    store.store_batch(&[], &letters).await.unwrap();
    assert_eq!(cpu(store).await, (Some(at(0)), 2, 1));
}

#[tokio::test]
async fn rows_of_an_earlier_schema_count_as_complete() {
    let database = demo().await;
    let store = database.store();
    for minute in [0, 1] {
        keep(
            store,
            &[
                row("cpu", "a", true, at(minute)),
                row("memory", "a", false, at(minute)),
            ],
        )
        .await;
    }
    sqlx::query("DELETE FROM evaluation")
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(cpu(store).await, (Some(at(1)), 1, 1));
    let then = ask(store, Asked::AsOf(at(0))).await;
    assert_eq!((then.as_of(), then.is_complete()), (Some(at(0)), true));
    keep(store, &[row("cpu", "a", false, at(2))]).await;
    assert_eq!(cpu(store).await, (Some(at(1)), 1, 1));
    keep(store, &[rows("cpu", 1, at(2))]).await;
    assert_eq!(cpu(store).await, (Some(at(2)), 1, 0));
    let evaluation = newest(store).await;
    assert_eq!(of(&evaluation, "memory").as_of, Some(at(1)));
    let then = ask(store, Asked::AsOf(at(1))).await;
    assert_eq!(then.as_of(), Some(at(1)));
}

#[tokio::test]
async fn many_series_are_counted_alike_however_they_are_read() {
    let database = demo().await;
    let store = database.store();
    let documents = (0..130).map(|k| row("cpu", &format!("host{k}"), k % 13 == 0, at(0)));
    keep(store, &recorded(documents)).await;
    let evaluation = newest(store).await;
    let found = of(&evaluation, "cpu");
    assert_eq!((found.series, found.firing, found.no_data), (130, 10, 0));
    assert_eq!(found.entries.len(), 100);
    let firing = found
        .entries
        .iter()
        .take_while(|entry| entry.document.state == domain::evaluation::ObjectiveState::Firing);
    assert_eq!(firing.count(), 10);
}

/// Both transactions have written their rows and wait for the lock on the evaluation: neither has seen the other's.
#[tokio::test]
async fn two_partitions_that_commit_at_the_same_moment_miss_nothing() {
    let database = demo().await;
    for (minute, second) in [
        (
            0,
            vec![row("cpu", "b", false, at(0)), rows("cpu", 2, at(0))],
        ),
        (1, vec![rows("cpu", 1, at(1))]),
    ] {
        let as_of = at(minute).to_utc().naive_utc();
        let mut lock = database.pool().begin().await.unwrap();
        sqlx::query(
            "INSERT INTO evaluation (sla, version, objective, as_of, complete) VALUES ('demo', 1, 'cpu', ?, FALSE)",
        )
        .bind(as_of)
        .execute(&mut *lock)
        .await
        .unwrap();
        let storing = [vec![row("cpu", "a", true, at(minute))], second].map(|batch| {
            let store = connect(database.url()).unwrap();
            tokio::spawn(async move { keep(&store, &batch).await })
        });
        let mut waiting = 0;
        while waiting < 2 {
            waiting = sqlx::query_scalar::<_, i64>(
                "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() \
                 AND info LIKE 'INSERT INTO evaluation%'",
            )
            .fetch_one(database.pool())
            .await
            .unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        lock.rollback().await.unwrap();
        for storing in storing {
            storing.await.unwrap();
        }
        assert_eq!(cpu(database.store()).await.0, Some(at(minute)));
    }
}

#[tokio::test]
async fn while_one_partition_is_held_up_both_series_are_as_they_were_last() {
    let database = demo().await;
    let store = database.store();
    let both = |firing, as_of| {
        [
            row("cpu", "a", firing, as_of),
            row("cpu", "b", firing, as_of),
        ]
    };
    keep(store, &recorded(both(true, at(0)))).await;
    let held = row("cpu", "a", false, at(1));
    let mut lock = database.pool().begin().await.unwrap();
    sqlx::query("SELECT series_id FROM series WHERE series_id = ? FOR UPDATE")
        .bind(held.series().unwrap().series.to_string())
        .execute(&mut *lock)
        .await
        .unwrap();
    let storing = tokio::spawn({
        let store = connect(database.url()).unwrap();
        async move { keep(&store, &[held]).await }
    });
    keep(
        store,
        &[row("cpu", "b", false, at(1)), rows("cpu", 2, at(1))],
    )
    .await;
    assert_eq!(cpu(store).await, (Some(at(0)), 2, 2));
    lock.rollback().await.unwrap();
    storing.await.unwrap();
    assert_eq!(cpu(store).await, (Some(at(1)), 2, 0));
}

/// What three runs publish, in the order they publish it: rows of two objectives on up to three series, then the record.
fn published() -> Vec<Document> {
    let mut documents = Vec::new();
    for (minute, series) in [(0, 3), (1, 2), (2, 3)] {
        let instances = ["a", "b", "c"].into_iter().take(series);
        let of_run: Vec<Document> = instances
            .flat_map(|instance| {
                ["cpu", "memory"]
                    .map(|objective| row(objective, instance, minute % 2 == 0, at(minute)))
            })
            .collect();
        documents.extend(recorded(of_run));
    }
    documents
}

/// The series and states of each objective at each time, as its run published them.
type Whole = BTreeMap<(Timestamp, String), Vec<String>>;

fn whole(documents: &[Document]) -> Whole {
    let mut whole = Whole::new();
    for document in documents {
        if let Document::Violations(document) = document {
            let key = (document.as_of, document.objective.id.to_string());
            let series = document.series.as_ref().unwrap();
            whole
                .entry(key)
                .or_default()
                .push(format!("{:?} {:?}", series.series, document.state));
        }
    }
    for rows in whole.values_mut() {
        rows.sort();
    }
    whole
}

#[test]
fn no_order_split_loss_or_delay_shows_a_mixture_and_the_end_is_right() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(demo());
    let documents = published();
    let whole = whole(&documents);
    let order = Just((0..documents.len()).collect::<Vec<_>>()).prop_shuffle();
    let lost = prop::collection::vec(0..documents.len(), 0..6);
    let again = prop::collection::vec(0..documents.len(), 0..4);
    let check = async |stored: &[usize]| {
        let evaluation = newest(database.store()).await;
        for found in &evaluation.objectives {
            let id = &found.objective.id;
            // The newest run of which every row of this objective, and its record, is stored.
            let complete = [2, 1, 0].into_iter().map(at).find(|as_of| {
                let wanted = documents.iter().enumerate().filter(|(_, document)| {
                    document.as_of() == *as_of
                        && match document {
                            Document::Violations(document) => document.objective.id == *id,
                            _ => true,
                        }
                });
                wanted.into_iter().all(|(index, _)| stored.contains(&index))
            });
            assert_eq!(found.as_of, complete, "{id} after {stored:?}");
            let mut rows: Vec<String> = found
                .entries
                .iter()
                .map(|entry| {
                    let document = &entry.document;
                    let series = document.series.as_ref().unwrap();
                    format!("{:?} {:?}", series.series, document.state)
                })
                .collect();
            rows.sort();
            let expected = complete.and_then(|as_of| whole.get(&(as_of, id.to_string())));
            assert_eq!(rows, expected.cloned().unwrap_or_default());
        }
    };
    TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(24)
    })
    .run(
        &(order, lost, again, 1..6_usize),
        |(order, lost, again, batch)| {
            runtime.block_on(async {
                for table in ["violation", "evaluation"] {
                    let statement = format!("DELETE FROM {table}");
                    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
                        .execute(database.pool())
                        .await
                        .unwrap();
                }
                let (late, first): (Vec<usize>, Vec<usize>) =
                    order.iter().partition(|index| lost.contains(index));
                let mut stored = Vec::new();
                // What was lost is delivered at last, as Kafka does.
                let deliveries = [first, again, late].concat();
                for indices in deliveries.chunks(batch) {
                    let part: Vec<Document> = indices
                        .iter()
                        .map(|index| documents[*index].clone())
                        .collect();
                    keep(database.store(), &part).await;
                    stored.extend_from_slice(indices);
                    check(&stored).await;
                }
                assert_eq!(newest(database.store()).await.as_of(), Some(at(2)));
            });
            Ok(())
        },
    )
    .unwrap();
}
