//! How long which slices are kept.

use domain::sla::{BudgetWindow, Calendar, EventsObjective, ExclusionDraft};
use store::sla::Condition;

use super::*;

const DAY: i64 = 1_440;
/// Two hours of which each minute is final, and minutes before and after them.
const FILLED: (i64, i64) = (10, 140);

/// How many rows of `slice` there are of an hour, by their length in seconds, of one group.
async fn kept(database: &TestDatabase, hour: i64) -> Vec<(u32, i64)> {
    sqlx::query_as(
        "SELECT length, COUNT(*) FROM slice WHERE group_id = ? AND `end` > ? AND `end` <= ? AND length < 86400 \
         GROUP BY length ORDER BY length",
    )
    .bind(id(&group("a")).to_string())
    .bind(at(hour - 60).to_utc().naive_utc())
    .bind(at(hour).to_utc().naive_utc())
    .fetch_all(database.pool())
    .await
    .unwrap()
}

/// The events of `a` that end in a span, added up.
async fn total(database: &TestDatabase, asked: Span) -> f64 {
    let rows = rows_of(database, &group("a"), asked).await;
    rows.iter().map(|row| row.counts.sums()[1]).sum()
}

fn counted(from: i64, to: i64) -> f64 {
    (from + 1..=to)
        .map(|minute| truth(&group("a"), Minute::ended_by(at(minute))).sums[1])
        .sum()
}

#[tokio::test]
async fn minutes_are_kept_for_3_days_those_of_5_for_40_and_hours_for_400() {
    let database = filled(FILLED.0, FILLED.1).await;
    for (now, expected) in [
        (100, vec![(60, 60), (300, 12), (3_600, 1)]),
        (60 + 3 * DAY, vec![(60, 60), (300, 12), (3_600, 1)]),
        (61 + 3 * DAY, vec![(300, 12), (3_600, 1)]),
        (60 + 40 * DAY, vec![(300, 12), (3_600, 1)]),
        (61 + 40 * DAY, vec![(3_600, 1)]),
        (60 + 400 * DAY, vec![(3_600, 1)]),
        (61 + 400 * DAY, vec![]),
    ] {
        keep_house(&database, now).await;
        assert_eq!(kept(&database, 60).await, expected, "{now}");
        let left = if expected.is_empty() {
            0.0
        } else {
            counted(0, 60)
        };
        assert_eq!(total(&database, span(0, 60)).await, left, "{now}");
    }
    keep_house(&database, 402 * DAY).await;
    for table in ["slice", "slice_group", "slice_roll_up"] {
        assert_eq!(database.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn where_minutes_are_gone_a_sum_begins_with_the_row_that_holds_its_start() {
    let database = filled(FILLED.0, FILLED.1).await;
    for (now, from, to) in [(4 * DAY, 5, 85), (41 * DAY, 0, 60)] {
        keep_house(&database, now).await;
        let rows = rows_of(&database, &group("a"), span(7, 88)).await;
        let ends = (rows[0].span.start, rows[rows.len() - 1].span.end);
        assert_eq!(ends, (at(from), at(to)));
        assert_eq!(total(&database, span(7, 88)).await, counted(from, to));
    }
}

#[tokio::test]
async fn what_an_exclusion_cuts_is_kept_as_long_as_hours_are() {
    let database = filled(FILLED.0, FILLED.1).await;
    let store = database.store();
    let objectives = [events().objective];
    let put = store.put_sla("demo", &objectives, &Condition::Any, at(-60));
    put.await.unwrap();
    let exclusion = ExclusionDraft {
        from: at(30),
        to: at(45),
        rule: None,
        reason: "upgrade".to_owned(),
        objective: None,
    };
    let made = store.create_exclusion("demo", &exclusion, at(50));
    made.await.unwrap();
    for now in [4 * DAY, 41 * DAY, 399 * DAY] {
        keep_house(&database, now).await;
        let expected = [(60, 60), (300, 12), (3_600, 1)];
        assert_eq!(kept(&database, 60).await, expected, "{now}");
        assert!(kept(&database, 120).await[0].0 > 60, "{now}");
    }
    keep_house(&database, 402 * DAY).await;
    assert_eq!(database.count("slice").await, 0);
}

#[tokio::test]
async fn what_the_start_of_a_calendars_period_cuts_is_kept_as_long_as_hours_are() {
    let database = filled(FILLED.0, FILLED.1).await;
    let calendar = Calendar::parse("1w", "2026-11-23T06:00:00", "Asia/Kolkata").unwrap();
    let objectives = [EventsObjective {
        budget_window: BudgetWindow::Calendar(calendar),
        ..events().objective
    }];
    assert_eq!(calendar.period(at(40)).start, at(30));
    let put = database
        .store()
        .put_sla("demo", &objectives, &Condition::Any, at(-60));
    put.await.unwrap();
    for now in [4 * DAY, 41 * DAY, 399 * DAY] {
        keep_house(&database, now).await;
        let expected = [(60, 60), (300, 12), (3_600, 1)];
        assert_eq!(kept(&database, 60).await, expected, "{now}");
        assert!(kept(&database, 120).await[0].0 > 60, "{now}");
        let left = total(&database, span(30, 60)).await;
        assert_eq!(left, counted(30, 60), "{now}");
    }
}

#[tokio::test]
async fn an_hour_waits_for_each_of_its_minutes_to_be_final() {
    let database = filled(10, 30).await;
    keep_house(&database, 100).await;
    assert_eq!(kept(&database, 60).await, [(60, 30)]);
    fill(&database, 40, 60).await;
    keep_house(&database, 100).await;
    assert_eq!(
        kept(&database, 60).await,
        [(60, 60)],
        "5 minutes may change"
    );
    fill(&database, 70, 70).await;
    keep_house(&database, 100).await;
    assert_eq!(kept(&database, 60).await, [(60, 60), (300, 12), (3_600, 1)]);
}

#[tokio::test]
async fn an_hour_with_a_gap_is_added_up_before_its_minutes_go() {
    let database = filled(10, 30).await;
    keep_house(&database, 100).await;
    keep_house(&database, 61 + 3 * DAY).await;
    assert_eq!(kept(&database, 60).await, [(300, 6), (3_600, 1)]);
    assert_eq!(total(&database, span(0, 60)).await, counted(0, 30));
    let rows = rows_of(&database, &group("a"), span(0, 60)).await;
    assert!(rows.iter().all(|row| !row.is_final));
}

#[tokio::test]
async fn an_hour_that_comes_in_parts_long_after_it_is_over_is_whole() {
    let database = filled(10, 30).await;
    let later = 10 * DAY;
    keep_house(&database, later).await;
    fill(&database, 40, 70).await;
    keep_house(&database, later + 30).await;
    assert_eq!(kept(&database, 60).await, [(300, 12), (3_600, 1)]);
    assert_eq!(total(&database, span(0, 60)).await, counted(0, 60));
}

#[tokio::test]
async fn a_part_of_an_hour_whose_minutes_are_gone_replaces_nothing() {
    let database = filled(FILLED.0, FILLED.1).await;
    keep_house(&database, 4 * DAY).await;
    // Counted again, with more.
    let again = events().document(&group("a"), at(41), |minute| {
        let mut counts = truth(&group("a"), minute);
        counts.sums[1] += 100.0;
        counts
    });
    database.store().store_batch(&[again], &[]).await.unwrap();
    for now in [4 * DAY, 4 * DAY + 1, 6 * DAY] {
        assert_eq!(total(&database, span(0, 60)).await, counted(0, 60));
        keep_house(&database, now).await;
    }
    assert_eq!(kept(&database, 60).await, [(300, 12), (3_600, 1)]);
}
