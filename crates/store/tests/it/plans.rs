use std::time::Duration;

use domain::{Part, Span, SpanSet, forecast::HORIZON};
use store::{
    Store,
    retention::Limits,
    testing::{CountedEvents, CrowdedDatabase, Documents, recorded},
};
use tokio::time::Instant;

#[tokio::test]
async fn no_read_of_a_run_reads_a_whole_table() {
    let crowded = CrowdedDatabase::create().await;
    let after = CrowdedDatabase::newest() + HORIZON;
    let (found, statements) = crowded
        .answer_by_index(async |store| {
            let slas = store.active_slas().await.unwrap();
            let mut due = store
                .due_forecasts(after, 5_000, Part::WHOLE)
                .await
                .unwrap();
            let until = Instant::now() + Duration::from_secs(3_600);
            let adding = store.add_probabilities(&mut due, Part::WHOLE, until);
            adding.await.unwrap();
            store.recent_scores(after, Part::WHOLE).await.unwrap();
            store
                .recent_probabilities(after, Part::WHOLE)
                .await
                .unwrap();
            (slas.len(), due.len())
        })
        .await;
    assert_eq!(found, (1_201, 2_400));
    assert!(statements >= 5, "{statements}");
}

#[tokio::test]
async fn no_purge_reads_a_whole_table() {
    let crowded = CrowdedDatabase::create().await;
    let untouched = CrowdedDatabase::create().await;
    let limits = Limits {
        buckets: Duration::from_secs(40 * 86_400),
        hours: Duration::from_secs(400 * 86_400),
        every_run: Duration::from_secs(48 * 3_600),
        everything: Duration::from_secs(30 * 86_400),
    };
    // Long arrays and all but one run an hour go, of some series too; later the oldest runs do. In batches that are small
    // next to the tables, as purges are.
    let hours = |hours: u64| CrowdedDatabase::newest() + Duration::from_secs(3_600 * hours);
    let (purged, statements) = crowded
        .delete_by_index(&untouched, async |store| {
            let mut purged = 0;
            for (now, times) in [(hours(3 * 24), 24), (hours(30 * 24 - 9), 1)] {
                for _ in 0..times {
                    purged += store.purge(now, limits, 600).await.unwrap().rows;
                }
            }
            purged
        })
        .await;
    assert!(purged > 6_000, "{purged}");
    for table in ["long_arrays", "violation", "metrics", "run"] {
        let left = crowded.database().count(table).await;
        assert!(left < untouched.database().count(table).await, "{table}");
    }
    // Each deletes from another table, or asks how much is left.
    assert!(statements > 1_000, "{statements}");
}

#[tokio::test]
async fn neither_reading_nor_storing_slices_reads_a_whole_table() {
    let crowded = CrowdedDatabase::create().await;
    let newest = CrowdedDatabase::newest();
    let (found, statements) = crowded
        .answer_by_index(async |store| {
            let events = CountedEvents::by(&["instance"]);
            let (sla, definition) = ("other-7".parse().unwrap(), events.definition());
            let objective = &events.objective.id;
            let groups = store.counted_groups(&sla, objective, &definition).await;
            // A year, of which an hour is wanted minute by minute.
            let asked = Span {
                start: newest - Duration::from_secs(365 * 86_400),
                end: newest,
            };
            let fine = SpanSet::from(Span {
                start: newest - Duration::from_secs(7_200),
                end: newest - Duration::from_secs(3_600),
            });
            let group = &groups.unwrap()[0].id;
            let mut found = Vec::new();
            for group in [None, Some(group)] {
                let rows = store
                    .counted_rows(&sla, objective, &definition, group, asked, &fine, None)
                    .await
                    .unwrap();
                found.push(rows.iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>());
            }
            let next = Documents::about("cpuUsage", "host7").under("other-7");
            let next = recorded([next.slices(newest + Duration::from_secs(60))]);
            store.store_batch(&next, &[]).await.unwrap();
            found
        })
        .await;
    assert_eq!(found, [[15], [15]]);
    assert!(statements >= 7, "{statements}");
}

#[tokio::test]
async fn a_look_for_missing_minutes_reads_no_whole_table() {
    let crowded = CrowdedDatabase::create().await;
    let now = CrowdedDatabase::newest() + Duration::from_secs(60);
    let look = async |store: Store| store.missing_minutes(now).await.unwrap().len();
    let (found, statements) = crowded.answer_by_index(look).await;
    // Of each SLA whose events were counted, from its making to the first evaluation.
    assert_eq!(found, 150);
    assert!(statements > 3 * 150, "{statements}");
}
