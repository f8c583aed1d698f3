use std::time::Duration;

use domain::{Part, forecast::HORIZON};
use store::{retention::Limits, testing::CrowdedDatabase};

#[tokio::test]
async fn no_read_of_a_run_reads_a_whole_table() {
    let crowded = CrowdedDatabase::create().await;
    let after = CrowdedDatabase::newest() + HORIZON;
    let (found, statements) = crowded
        .answer_by_index(async |store| {
            let slas = store.active_slas().await.unwrap();
            let due = store
                .due_forecasts(after, 5_000, Part::WHOLE)
                .await
                .unwrap();
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
