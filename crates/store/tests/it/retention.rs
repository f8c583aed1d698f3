use std::{collections::BTreeMap, time::Duration};

use chrono::NaiveDateTime;
use domain::{
    SpanSet, Timestamp,
    budget::{BudgetCalculator, Version},
    message::Kind,
    sla::{ExclusionDraft, Objective},
};
use store::{
    pipeline::DeadLetter,
    retention::Limits,
    sla::Condition,
    testing::{Documents, TestDatabase, recorded},
};

const HOUR: u64 = 3600;
const LIMITS: Limits = Limits {
    buckets: Duration::from_secs(40 * 86_400),
    hours: Duration::from_secs(400 * 86_400),
    every_run: Duration::from_secs(2 * HOUR),
    everything: Duration::from_secs(24 * HOUR),
};

/// `minutes` after 2026-11-23T08:00:00Z.
fn at(minutes: u64) -> Timestamp {
    "2026-11-23T08:00:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(60 * minutes)
}

/// A run every 20 minutes from minute 7, of two series.
async fn filled(runs: u64) -> TestDatabase {
    let database = TestDatabase::create().await;
    for run in 0..runs {
        let as_of = at(7 + 20 * run);
        let batch: Vec<_> = ["a", "b"]
            .into_iter()
            .flat_map(|instance| {
                let documents = Documents::about("cpuUsage", instance);
                Kind::ALL.map(|kind| documents.of(kind, as_of))
            })
            .collect();
        database.store().store_batch(&batch, &[]).await.unwrap();
    }
    database
}

async fn purge_all(database: &TestDatabase, now: Timestamp, most_rows: u64) -> u64 {
    let mut rows = 0;
    loop {
        let purged = database
            .store()
            .purge(now, LIMITS, most_rows)
            .await
            .unwrap();
        rows += purged.rows;
        if purged.done {
            return rows;
        }
    }
}

async fn minutes(database: &TestDatabase, statement: &'static str) -> Vec<i64> {
    let times: Vec<NaiveDateTime> = sqlx::query_scalar(statement)
        .fetch_all(database.pool())
        .await
        .unwrap();
    let start = at(0).to_utc().naive_utc();
    times
        .iter()
        .map(|time| (*time - start).num_minutes())
        .collect()
}

const RUNS_OF: [&str; 4] = [
    "SELECT DISTINCT as_of FROM metrics ORDER BY as_of",
    "SELECT DISTINCT as_of FROM metadata ORDER BY as_of",
    "SELECT DISTINCT as_of FROM prediction ORDER BY as_of",
    "SELECT DISTINCT as_of FROM violation ORDER BY as_of",
];

#[tokio::test]
async fn old_runs_are_down_to_the_first_of_each_hour_and_new_ones_are_whole() {
    let database = filled(12).await;
    purge_all(&database, at(240), LIMITS.everything.as_secs()).await;
    for statement in RUNS_OF {
        let kept = minutes(&database, statement).await;
        // 10:00 is two hours before 12:00.
        assert_eq!(kept, [7, 67, 127, 147, 167, 187, 207, 227], "{statement}");
    }
    assert_eq!(database.count("metrics").await, 8 * 2 * 3);
    assert_eq!(database.count("run").await, 12);
}

#[tokio::test]
async fn how_much_is_purged_at_once_does_not_matter() {
    let mut left = Vec::new();
    for most_rows in [1, 7, 10_000] {
        let database = filled(12).await;
        let rows = purge_all(&database, at(300), most_rows).await;
        left.push((rows, database.contents().await));
    }
    assert!(left[0].0 > 0);
    assert_eq!(left[0], left[1]);
    assert_eq!(left[0], left[2]);
}

#[tokio::test]
async fn a_purge_is_bounded() {
    let database = filled(12).await;
    let purged = database.store().purge(at(300), LIMITS, 5).await.unwrap();
    assert!(!purged.done);
    assert!(purged.rows <= 5);
}

#[tokio::test]
async fn long_arrays_are_kept_for_an_hour() {
    let database = filled(12).await;
    purge_all(&database, at(240), 1000).await;
    let kept = minutes(
        &database,
        "SELECT DISTINCT as_of FROM long_arrays ORDER BY as_of",
    )
    .await;
    assert_eq!(kept, [187, 207, 227]);
}

#[tokio::test]
async fn a_late_run_in_thinned_time_is_thinned_too() {
    let database = filled(12).await;
    purge_all(&database, at(240), 1000).await;
    let late = Documents::about("cpuUsage", "a").metrics(at(30));
    database.store().store_batch(&[late], &[]).await.unwrap();
    let kept = minutes(&database, RUNS_OF[0]).await;
    assert_eq!(&kept[..3], [7, 30, 67]);
    purge_all(&database, at(240), 1000).await;
    let kept = minutes(&database, RUNS_OF[0]).await;
    assert_eq!(&kept[..3], [7, 67, 127]);
}

#[tokio::test]
async fn in_the_end_everything_goes() {
    let database = filled(3).await;
    let letter = DeadLetter {
        topic: "prometheusdata".to_owned(),
        partition: 0,
        offset: 1,
        timestamp: -1,
        stored_at: at(0),
        key: None,
        headers: serde_json::json!([]),
        value: None,
        reason: "empty".to_owned(),
        row: None,
    };
    database.store().store_batch(&[], &[letter]).await.unwrap();
    purge_all(&database, at(25 * 60), 1000).await;
    let counts = counts(&database).await;
    let histories = [
        ("gap", 2),
        ("judged", 2),
        ("series", 2),
        ("series_label", 4),
    ];
    let kept: BTreeMap<_, _> = histories.into_iter().collect();
    assert_eq!(counts, kept);

    // What budgets are reckoned from stays for as long as a budget may look back.
    purge_all(&database, at(399 * 24 * 60), 1000).await;
    assert_eq!(self::counts(&database).await, kept);
    purge_all(&database, at(402 * 24 * 60), 1000).await;
    assert_eq!(self::counts(&database).await, BTreeMap::new());
}

/// Of the tables that are not empty, how far the thinning came aside.
async fn counts(database: &TestDatabase) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for table in [
        "dead_letter",
        "episode",
        "evaluation",
        "gap",
        "judged",
        "long_arrays",
        "metadata",
        "metrics",
        "prediction",
        "run",
        "series",
        "series_label",
        "violation",
    ] {
        let count = database.count(table).await;
        if count > 0 {
            counts.insert(table, count);
        }
    }
    counts
}

#[tokio::test]
async fn nothing_is_purged_while_another_instance_purges() {
    let database = filled(6).await;
    let mut other = database.pool().acquire().await.unwrap();
    sqlx::query("DO GET_LOCK(CONCAT('slacast.', SHA2(DATABASE(), 224)), 0)")
        .execute(&mut *other)
        .await
        .unwrap();
    let purged = database.store().purge(at(300), LIMITS, 1000).await.unwrap();
    assert_eq!(purged.rows, 0);
    other.close().await.unwrap();
}

#[tokio::test]
async fn scores_are_whole_for_a_month() {
    let database = filled(12).await;
    // Of each run and series a forecast that waits, and one that is scored.
    let scores = async || {
        (
            database.count("score").await,
            database.count("objective_score").await,
        )
    };
    assert_eq!(scores().await, (48, 24));
    purge_all(&database, at(31 * 24 * 60), 1_000).await;
    assert_eq!(scores().await, (48, 24));
    purge_all(&database, at(33 * 24 * 60), 1_000).await;
    assert_eq!(scores().await, (0, 0));
}

#[tokio::test]
async fn a_violation_counts_for_as_long_as_a_budget_of_90_days_looks_back() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let about = Documents::about("cpuUsage", "a");
    let objective = Objective {
        target: Some(0.99),
        budget_window: "90d".parse().unwrap(),
        ..about.objective()
    };
    let above: Vec<_> = (0..40).map(|k| (k * 15, 90.0)).collect();
    let judged = about.violations_of(&objective, &above, at(0));
    store.store_batch(&recorded([judged]), &[]).await.unwrap();
    let versions = [Version {
        version: 1,
        created_at: at(0) - Duration::from_secs(86_400),
        retired_at: None,
    }];
    for (day, counts) in [(1, true), (33, true), (89, true), (91, false)] {
        let now = at(day * 24 * 60);
        purge_all(&database, now, 10_000).await;
        let since = now - Duration::from_secs(90 * 86_400);
        let ids = [objective.id.as_str()];
        let histories = store.histories("demo", &ids, since).await.unwrap();
        let recorded = histories.iter().map(|own| (own.series, &own.versions));
        let calculator = BudgetCalculator::new(&versions, now);
        let budgets = calculator.budgets(&objective.terms(), recorded, &SpanSet::default());
        assert_eq!(budgets.rolled_up.bad_seconds > 0.0, counts, "day {day}");
    }
}

#[tokio::test]
async fn an_exclusion_is_kept_for_as_long_as_a_budget_looks_back() {
    let database = filled(1).await;
    let store = database.store();
    let objectives = [Documents::about("cpuUsage", "a").objective()];
    let made = store.put_sla("web", &objectives, &Condition::Any, at(0));
    made.await.unwrap();
    for end in [10, 20] {
        let draft = ExclusionDraft {
            from: at(0),
            to: at(end),
            rule: None,
            reason: "upgrade".to_owned(),
            objective: None,
        };
        store.create_exclusion("web", &draft, at(5)).await.unwrap();
    }
    let longest = 400 * 24 * 60;
    for (now, left) in [(longest + 10, 2), (longest + 15, 1), (longest + 25, 0)] {
        purge_all(&database, at(now), 10_000).await;
        assert_eq!(database.count("exclusion").await, left, "{now}");
    }
}

#[tokio::test]
async fn of_an_hour_the_first_complete_evaluation_is_kept() {
    let database = TestDatabase::create().await;
    let [a, b] = ["a", "b"].map(|instance| Documents::about("cpuUsage", instance));
    let objective = a.objective();
    let row = |about: &Documents, minute| about.violations_of(&objective, &[], at(minute));
    // At :10 the row of one series is missing; from :20 on both are there.
    let batch = [
        vec![row(&b, 10)],
        recorded([row(&a, 20), row(&b, 20)]),
        recorded([row(&a, 30), row(&b, 30)]),
        // Of the next hour nothing is complete.
        vec![row(&a, 70)],
        recorded([row(&a, 130)]),
    ];
    database
        .store()
        .store_batch(&batch.concat(), &[])
        .await
        .unwrap();
    purge_all(&database, at(600), 1).await;
    for statement in [
        "SELECT DISTINCT as_of FROM violation ORDER BY as_of",
        "SELECT DISTINCT as_of FROM evaluation ORDER BY as_of",
    ] {
        assert_eq!(
            minutes(&database, statement).await,
            [20, 130],
            "{statement}"
        );
    }
    assert_eq!(database.count("violation").await, 3);
}

#[tokio::test]
async fn a_purge_that_is_interrupted_leaves_no_part_of_an_evaluation_to_read() {
    let database = TestDatabase::create().await;
    let [a, b] = ["a", "b"].map(|instance| Documents::about("cpuUsage", instance));
    let objective = a.objective();
    let rows =
        |minute| recorded([&a, &b].map(|about| about.violations_of(&objective, &[], at(minute))));
    // At :10 a row is missing.
    let batch = [
        vec![b.violations_of(&objective, &[], at(10))],
        rows(20),
        rows(30),
        rows(40),
    ];
    let store = database.store();
    store.store_batch(&batch.concat(), &[]).await.unwrap();
    let count = async |statement| -> i64 {
        let count = sqlx::query_scalar(statement);
        count.fetch_one(database.pool()).await.unwrap()
    };
    let mut done = false;
    while !done {
        done = store.purge(at(600), LIMITS, 1).await.unwrap().done;
        let parts = count(
            "SELECT COUNT(*) FROM evaluation e WHERE complete = 1 AND expected > (SELECT COUNT(*) FROM violation v \
             WHERE v.sla = e.sla AND v.version = e.version AND v.objective = e.objective AND v.as_of = e.as_of)",
        );
        assert_eq!(parts.await, 0);
        let of_nothing = count(
            "SELECT COUNT(*) FROM violation v WHERE NOT EXISTS (SELECT 1 FROM evaluation e \
             WHERE v.sla = e.sla AND v.version = e.version AND v.objective = e.objective AND v.as_of = e.as_of)",
        );
        assert_eq!(of_nothing.await, 0);
    }
    assert_eq!(database.count("violation").await, 2);
    assert_eq!(database.count("evaluation").await, 1);
}

#[tokio::test]
async fn a_series_that_comes_back_after_it_was_purged_has_its_labels_again() {
    let database = filled(1).await;
    purge_all(&database, at(402 * 24 * 60), 1000).await;
    assert_eq!(database.count("series").await, 0);
    let back = Documents::about("cpuUsage", "a").metrics(at(403 * 24 * 60));
    database.store().store_batch(&[back], &[]).await.unwrap();
    assert_eq!(database.count("series_label").await, 2);
}
