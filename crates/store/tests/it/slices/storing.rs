use std::collections::BTreeMap;

use domain::{
    Labels, SpanSet,
    events::Minute,
    message::{EvaluationRow, Kind},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use store::{
    Store,
    pipeline::{DeadLetter, Document},
    sla::Condition,
    testing::TestDatabase,
};

use super::*;

/// Four runs: samples of the newest two minutes are still missing, as late ones do.
fn with_late_samples() -> Vec<Document> {
    let events = events();
    [20, 21, 24, 31]
        .into_iter()
        .flat_map(|as_of| {
            let count = |group: &Labels, minute: Minute| {
                let mut counts = truth(group, minute);
                if at(as_of) - Duration::from_secs(120) < counts.end {
                    counts.sums[1] -= 1.0;
                }
                counts
            };
            let documents = groups();
            let documents = documents
                .iter()
                .map(|group| events.document(group, at(as_of), |minute| count(group, minute)));
            let record = events.record(at(as_of), 3);
            documents.chain([record]).collect::<Vec<_>>()
        })
        .collect()
}

async fn contents_after(
    database: &TestDatabase,
    documents: &[Document],
    order: &[usize],
    batch: usize,
) -> BTreeMap<String, Vec<String>> {
    database.clear().await;
    for batch in order.chunks(batch) {
        let batch: Vec<_> = batch
            .iter()
            .map(|place| documents[*place].clone())
            .collect();
        database.store().store_batch(&batch, &[]).await.unwrap();
    }
    database.contents().await
}

#[test]
fn order_repetition_and_batch_size_do_not_matter() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let documents = with_late_samples();
    let all: Vec<usize> = (0..documents.len()).collect();
    let expected = runtime.block_on(contents_after(&database, &documents, &all, 1));
    for table in [
        "slice",
        "slice_group",
        "slice_roll_up",
        "violation",
        "evaluation",
    ] {
        assert!(expected.contains_key(table), "{table}");
    }
    let order = Just(all.clone()).prop_shuffle();
    let again = proptest::collection::vec(0..all.len(), 0..8);
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(24)
    };
    TestRunner::new(config)
        .run(
            &(order, again, 1..=all.len()),
            |(mut order, again, batch)| {
                order.extend(again);
                let contents =
                    runtime.block_on(contents_after(&database, &documents, &order, batch));
                prop_assert!(contents == expected, "{contents:#?}\n{expected:#?}");
                Ok(())
            },
        )
        .unwrap();
}

#[tokio::test]
async fn what_is_counted_is_read_back() {
    let database = TestDatabase::create().await;
    database.store().store_batch(&run(20), &[]).await.unwrap();
    let found = rows(&database, span(-100, 100), &SpanSet::default()).await;
    assert_eq!(found.len(), 3);
    for group in groups() {
        let rows = rows_of(&database, &group, span(-100, 100)).await;
        let ends: Vec<i64> = rows.iter().map(|row| minutes(row.span.end)).collect();
        assert_eq!(ends, (6..=20).collect::<Vec<_>>());
        for row in rows {
            let counts = truth(&group, Minute::ended_by(row.span.end));
            assert_eq!(row.counts.sums(), counts.sums);
            assert_eq!(row.measured_minutes, u32::from(counts.measured));
            assert_eq!(
                (row.reach, row.revision, row.slices),
                (counts.reach, 0, None)
            );
            assert_eq!(row.span.length(), Duration::from_secs(60));
        }
    }
    let events = events();
    let (sla, objective) = (&events.sla, &events.objective.id);
    let one = database
        .store()
        .counted_rows(
            sla,
            objective,
            &events.definition(),
            Some(&id(&group("b"))),
            span(7, 9),
            &SpanSet::default(),
            None,
        )
        .await
        .unwrap();
    let [(found, rows)] = &one[..] else {
        panic!("{one:?}")
    };
    assert_eq!((*found, rows.len()), (id(&group("b")), 2));
}

#[tokio::test]
async fn groups_say_when_they_were_measured_last() {
    let database = TestDatabase::create().await;
    // `b` pauses from 180 to 240.
    for as_of in [190, 175] {
        database
            .store()
            .store_batch(&run(as_of), &[])
            .await
            .unwrap();
    }
    let events = events();
    let found = database
        .store()
        .counted_groups(&events.sla, &events.objective.id, &events.definition())
        .await
        .unwrap();
    let mut found: Vec<(Labels, Option<i64>)> = found
        .into_iter()
        .inspect(|one| assert_eq!(one.id, id(&one.group)))
        .map(|one| (one.group, one.last_measured.map(minutes)))
        .collect();
    found.sort();
    let expected = [
        (Labels::default(), Some(190)),
        (group("a"), Some(190)),
        (group("b"), Some(179)),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_group_that_was_not_measured_for_5_minutes_has_no_data() {
    let database = TestDatabase::create().await;
    for (as_of, state) in [(183, "ok"), (184, "no_data"), (190, "no_data")] {
        database
            .store()
            .store_batch(&run(as_of), &[])
            .await
            .unwrap();
        let found: Vec<u8> = sqlx::query_scalar(
            "SELECT CAST(state AS BINARY) FROM violation WHERE series_id = ? AND as_of = ?",
        )
        .bind(id(&group("b")).to_string())
        .bind(at(as_of).to_utc().naive_utc())
        .fetch_one(database.pool())
        .await
        .unwrap();
        assert_eq!(String::from_utf8(found).unwrap(), state, "{as_of}");
    }
}

async fn demo() -> TestDatabase {
    let database = TestDatabase::create().await;
    let put = database
        .store()
        .put_sla("demo", &[events().objective], &Condition::Any, at(-60))
        .await;
    put.unwrap();
    database
}

/// When the objective was evaluated, as far as that is complete.
async fn evaluated(store: &Store) -> Option<i64> {
    let sla = store.sla("demo").await.unwrap().unwrap().sla;
    let newest = store.newest_evaluations(&sla, at(1_000)).await.unwrap();
    let objective = events().objective.id;
    newest.get(objective.as_str()).copied().map(minutes)
}

#[tokio::test]
async fn an_evaluation_is_complete_once_every_group_and_the_record_are_stored() {
    let database = demo().await;
    let store = database.store();
    for document in run(20) {
        assert_eq!(evaluated(store).await, None);
        store.store_batch(&[document], &[]).await.unwrap();
    }
    assert_eq!(evaluated(store).await, Some(20));
    for document in run(21) {
        assert_eq!(evaluated(store).await, Some(20));
        store.store_batch(&[document], &[]).await.unwrap();
    }
    assert_eq!(evaluated(store).await, Some(21));
}

#[tokio::test]
async fn three_partitions_at_once_make_each_evaluation_complete_and_its_minutes_final() {
    let database = demo().await;
    let store = database.store();
    for round in 0..20 {
        let as_of = 20 + round;
        let documents = run(as_of);
        let [a, b, together, record] = &documents[..] else {
            unreachable!()
        };
        // Records of later runs come in the same batches.
        let next = run(as_of + 1);
        let (one, two) = ([a.clone(), next[0].clone()], [b.clone(), record.clone()]);
        let three = [together.clone()];
        let (one, two, three) = tokio::join!(
            store.store_batch(&one, &[]),
            store.store_batch(&two, &[]),
            store.store_batch(&three, &[])
        );
        one.and(two).and(three).unwrap();
        assert_eq!(evaluated(store).await, Some(as_of));
        let unsettled: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM slice WHERE length = 60 AND final <> (`end` <= ?)",
        )
        .bind(at(as_of - 5).to_utc().naive_utc())
        .fetch_one(database.pool())
        .await
        .unwrap();
        assert_eq!(unsettled, 0, "{as_of}");
    }
}

fn refused(group: &Labels, as_of: i64) -> DeadLetter {
    let events = events();
    DeadLetter {
        topic: "prometheusdata".to_owned(),
        partition: 0,
        offset: as_of,
        timestamp: 1,
        stored_at: at(as_of),
        key: None,
        headers: serde_json::json!({}),
        value: None,
        reason: "is not JSON".to_owned(),
        row: Some(EvaluationRow {
            kind: Kind::Slices,
            sla: events.sla,
            version: 1,
            objective: events.objective.id,
            series: id(group),
            as_of: at(as_of),
        }),
    }
}

#[tokio::test]
async fn a_group_that_is_set_aside_counts_as_stored_until_it_is_stored() {
    let database = demo().await;
    let store = database.store();
    let mut documents = run(20);
    let late = documents.remove(1);
    let letter = refused(&group("b"), 20);
    store
        .store_batch(&documents, std::slice::from_ref(&letter))
        .await
        .unwrap();
    assert_eq!(evaluated(store).await, Some(20));
    assert_eq!(
        rows(&database, span(0, 20), &SpanSet::default())
            .await
            .len(),
        2
    );
    assert_eq!(store.redrive(&[late], &[letter]).await.unwrap(), 1);
    assert_eq!(database.count("dead_letter").await, 0);
    let rows = rows_of(&database, &group("b"), span(0, 20)).await;
    let finals: Vec<i64> = rows
        .iter()
        .filter(|row| row.is_final)
        .map(|row| minutes(row.span.end))
        .collect();
    assert_eq!(finals, (6..=15).collect::<Vec<_>>());
}
