use domain::Labels;

use super::*;

/// Which minutes are final, of all events together.
async fn finals(database: &TestDatabase) -> Vec<i64> {
    let rows = rows_of(database, &Labels::default(), span(-100, 2_000)).await;
    let finals = rows.iter().filter(|row| row.is_final);
    finals.map(|row| minutes(row.span.end)).collect()
}

async fn keep(database: &TestDatabase, documents: &[Document]) {
    database.store().store_batch(documents, &[]).await.unwrap();
}

#[tokio::test]
async fn a_minute_is_final_once_a_run_5_minutes_after_it_is_complete() {
    let database = TestDatabase::create().await;
    let first = run(20);
    keep(&database, &first[..3]).await;
    assert_eq!(finals(&database).await, [0; 0], "without the record");
    keep(&database, &first[3..]).await;
    assert_eq!(finals(&database).await, (6..=15).collect::<Vec<_>>());
    // The minutes of a run that is never complete are final by one that is.
    keep(&database, &run(23)[..2]).await;
    assert_eq!(finals(&database).await, (6..=15).collect::<Vec<_>>());
    keep(&database, &run(24)).await;
    assert_eq!(finals(&database).await, (6..=19).collect::<Vec<_>>());
    // A run that came much later judged nothing of what is in between.
    keep(&database, &run(60)).await;
    let expected: Vec<i64> = (6..=19).chain(46..=55).collect();
    assert_eq!(finals(&database).await, expected);
}

#[tokio::test]
async fn the_order_of_runs_does_not_matter_for_what_is_final() {
    let database = TestDatabase::create().await;
    for as_of in [60, 24, 20] {
        keep(&database, &run(as_of)).await;
    }
    let expected: Vec<i64> = (6..=19).chain(46..=55).collect();
    assert_eq!(finals(&database).await, expected);
}

/// The revisions of a group's minutes that are not 0.
async fn revisions(database: &TestDatabase, group: &Labels) -> Vec<(i64, u32)> {
    let rows = rows_of(database, group, span(0, 60)).await;
    let changed = rows.iter().filter(|row| row.revision > 0);
    changed
        .map(|row| (minutes(row.span.end), row.revision))
        .collect()
}

#[tokio::test]
async fn only_what_changes_a_final_minute_raises_its_revision() {
    let database = TestDatabase::create().await;
    let events = events();
    let a = group("a");
    let changed = |as_of: i64, more: f64| {
        events.document(&a, at(as_of), move |minute| {
            let mut counts = truth(&group("a"), minute);
            // The last of the final minutes of the first run, and the first of the others.
            if [15, 16].contains(&minutes(counts.end)) {
                counts.sums[1] += more;
            }
            counts
        })
    };
    keep(&database, &run(20)).await;
    keep(&database, &[changed(20, 0.0)]).await;
    assert_eq!(revisions(&database, &a).await, []);
    keep(&database, &[changed(21, 3.0)]).await;
    assert_eq!(revisions(&database, &a).await, [(15, 1)]);
    keep(&database, &[changed(21, 3.0)]).await;
    keep(&database, &[changed(20, 9.0)]).await;
    assert_eq!(revisions(&database, &a).await, [(15, 1)], "an older run");
    keep(&database, &[changed(22, 4.0)]).await;
    assert_eq!(revisions(&database, &a).await, [(15, 2)]);
    assert_eq!(revisions(&database, &group("b")).await, []);
    let rows = rows_of(&database, &a, span(14, 15)).await;
    let counted = truth(&a, Minute::ended_by(at(15))).sums[1];
    assert_eq!(rows[0].counts.sums()[1], counted + 4.0);
}
