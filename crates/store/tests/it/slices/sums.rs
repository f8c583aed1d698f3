//! A sum of whichever rows is that of their minutes.

use std::{collections::BTreeMap, sync::OnceLock};

use domain::{
    Labels,
    events::Counts,
    sla::{Method, NoTraffic, SliceLength},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use store::sla::Condition;
use tokio::runtime::Runtime;

use super::*;

const DAY: i64 = 1_440;

/// What the minutes that end in `(from, to]` add up to.
fn counted(group: &Labels, from: i64, to: i64) -> Counts {
    let mut counts = Counts::default();
    for minute in from + 1..=to {
        counts += Counts::new(truth(group, Minute::ended_by(at(minute))).sums);
    }
    counts
}

fn close(one: Counts, other: Counts) -> bool {
    let pairs = one.sums().into_iter().zip(other.sums());
    pairs
        .into_iter()
        .all(|(one, other)| (one - other).abs() <= 1e-9 * other.abs())
}

fn exact(group: &Labels) -> bool {
    group.0.get("service").is_some_and(|name| name == "a")
}

/// The rows of each group hold every minute of `(from, to]` once, and count what there is.
fn check(found: &[(SeriesId, Vec<CountedRow>)], from: i64, to: i64) -> Result<(), TestCaseError> {
    let found: BTreeMap<_, _> = found.iter().cloned().collect();
    if from >= to {
        prop_assert!(found.is_empty());
        return Ok(());
    }
    for group in groups() {
        let rows = &found[&id(&group)];
        let mut end = from;
        let mut counts = Counts::default();
        for row in rows {
            prop_assert_eq!(minutes(row.span.start), end);
            end = minutes(row.span.end);
            counts += row.counts;
            let minutes = (minutes(row.span.start) + 1..=end).map(|minute| {
                let counts = truth(&group, Minute::ended_by(at(minute)));
                (counts.measured, counts.reach)
            });
            let measured = minutes.clone().filter(|(measured, _)| *measured).count();
            prop_assert_eq!(row.measured_minutes as usize, measured);
            prop_assert_eq!(row.reach, minutes.filter_map(|(_, reach)| reach).min());
        }
        prop_assert_eq!(end, to);
        let expected = counted(&group, from, to);
        if exact(&group) {
            prop_assert_eq!(counts, expected);
        } else {
            prop_assert!(close(counts, expected), "{counts:?} {expected:?}");
        }
    }
    Ok(())
}

/// Three days and some hours, added up as far as they are over.
fn three_days() -> &'static (Runtime, TestDatabase) {
    static MADE: OnceLock<(Runtime, TestDatabase)> = OnceLock::new();
    MADE.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let database = runtime.block_on(async {
            let database = filled(10, 3 * DAY + 130).await;
            keep_house(&database, 3 * DAY - 100).await;
            fill(&database, 3 * DAY + 140, 3 * DAY + 150).await;
            database
        });
        (runtime, database)
    })
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    })
}

#[test]
fn a_sum_over_any_span_is_that_of_its_minutes() {
    let (runtime, database) = three_days();
    let last = 3 * DAY + 150;
    let spans = proptest::collection::vec((0..last, 1..200_i64), 0..4);
    runner(48)
        .run(&(0..last, 0..last, spans), |(one, other, fine)| {
            let (from, to) = (one.min(other), one.max(other));
            let fine: SpanSet = fine
                .iter()
                .map(|(start, length)| Span {
                    start: at(*start) + Duration::from_secs(7),
                    end: at(start + length) + Duration::from_secs(7),
                })
                .collect();
            let found = runtime.block_on(rows(database, span(from, to), &fine));
            check(&found, from, to)?;
            for (_, rows) in &found {
                let long = rows
                    .iter()
                    .filter(|row| row.span.length() > Duration::from_secs(60));
                for row in long {
                    prop_assert_eq!(fine.length_within(row.span), Duration::ZERO, "{:?}", row);
                }
            }
            Ok(())
        })
        .unwrap();
}

/// How many rows there are of each length, in seconds.
fn lengths(rows: &[CountedRow]) -> BTreeMap<u64, usize> {
    let mut lengths = BTreeMap::new();
    for row in rows {
        *lengths.entry(row.span.length().as_secs()).or_default() += 1;
    }
    lengths
}

#[test]
fn a_sum_reads_the_longest_rows_that_fit() {
    let (runtime, database) = three_days();
    let read =
        |from, to| lengths(&runtime.block_on(rows_of(database, &group("a"), span(from, to))));
    assert_eq!(read(0, DAY), BTreeMap::from([(86_400, 1)]));
    assert_eq!(read(60, 180), BTreeMap::from([(3_600, 2)]));
    assert_eq!(read(5, 60), BTreeMap::from([(300, 11)]));
    // 4 minutes, 11 times 5 minutes, 22 hours, a day, an hour, 5 minutes, a minute.
    let expected = BTreeMap::from([(60, 5), (300, 12), (3_600, 23), (86_400, 1)]);
    assert_eq!(read(61, 2 * DAY + 66), expected);
}

#[test]
fn one_instant_in_fine_ends_the_rows_there() {
    let (runtime, database) = three_days();
    let begin = 777;
    let fine = SpanSet::from(Span {
        start: at(begin),
        end: at(begin) + Duration::from_millis(1),
    });
    let found = runtime.block_on(rows(database, span(0, 2 * DAY), &fine));
    check(&found, 0, 2 * DAY).unwrap();
    for (_, rows) in found {
        assert!(rows.iter().any(|row| row.span.start == at(begin)));
        assert!(rows.len() < 60, "{}", rows.len());
    }
}

#[tokio::test]
async fn a_late_minute_is_part_of_every_sum_at_once() {
    let database = filled(10, 2 * DAY).await;
    let asked = span(0, 2 * DAY - 15);
    keep_house(&database, 2 * DAY).await;
    let before = rows_of(&database, &group("a"), asked).await;
    assert!(lengths(&before).contains_key(&86_400));
    let late = events().document(&group("a"), at(701), |minute| {
        let mut counts = truth(&group("a"), minute);
        if minutes(counts.end) == 690 {
            counts.sums[1] += 1_000.0;
        }
        counts
    });
    database.store().store_batch(&[late], &[]).await.unwrap();
    let mut expected = counted(&group("a"), 0, 2 * DAY - 15);
    expected += Counts::new([0.0, 1_000.0]);
    let mut revisions = Vec::new();
    for step in 0..2 {
        let rows = rows_of(&database, &group("a"), asked).await;
        let mut counts = Counts::default();
        rows.iter().for_each(|row| counts += row.counts);
        assert_eq!(counts, expected);
        assert_eq!(lengths(&rows) == lengths(&before), step == 1);
        revisions.push(rows.iter().map(|row| row.revision).sum::<u32>());
        keep_house(&database, 2 * DAY).await;
    }
    assert_eq!(revisions, [1, 1]);
}

/// Its hours and days say what its slices are.
#[tokio::test]
async fn sums_say_what_the_slices_in_them_are() {
    for (slice, no_traffic) in [
        (SliceLength::OneMinute, NoTraffic::Excluded),
        (SliceLength::FiveMinutes, NoTraffic::Good),
        (SliceLength::ThirtyMinutes, NoTraffic::Bad),
        (SliceLength::OneHour, NoTraffic::Excluded),
    ] {
        let mut events = events();
        events.objective.method = Method::Timeslices;
        events.objective.slice = slice;
        events.objective.slice_target = Some(0.98);
        events.objective.no_traffic = no_traffic;
        let database = TestDatabase::create().await;
        let store = database.store();
        let objective = events.objective.clone();
        store
            .put_sla("demo", &[objective], &Condition::Any, at(-60))
            .await
            .unwrap();
        let last = DAY + 30;
        let all = Labels::default();
        for as_of in (10..=last).step_by(10) {
            let document = events.document(&all, at(as_of), |minute| of_service("b", minute));
            let record = events.record(at(as_of), 1);
            store.store_batch(&[document, record], &[]).await.unwrap();
        }
        keep_house(&database, last + 60).await;
        let (sla, id) = (&events.sla, &events.objective.id);
        let definition = events.definition();
        let none = SpanSet::default();
        for asked in [span(0, DAY), span(0, 300), span(5, 185)] {
            let found = store
                .counted_rows(sla, id, &definition, None, asked, &none, Some(slice))
                .await
                .unwrap();
            let minutes = |row: &&CountedRow| row.span.length() == Duration::from_secs(60);
            let rows = &found[0].1;
            let sums = rows.iter().filter(|row| !minutes(row));
            for row in sums.clone() {
                let slices = row.slices.unwrap();
                let (mut judged, mut good, mut ratios) = (0, 0, 0.0);
                let step = i64::from(slice.minutes());
                let (from, to) = (super::minutes(row.span.start), super::minutes(row.span.end));
                for end in (from + step..=to).step_by(step as usize) {
                    let (mut sums, mut measured) = ([0.0, 0.0], false);
                    for minute in end - step + 1..=end {
                        let counts = of_service("b", Minute::ended_by(at(minute)));
                        sums = [sums[0] + counts.sums[0], sums[1] + counts.sums[1]];
                        measured |= counts.measured;
                    }
                    let share = match no_traffic {
                        _ if sums[1] > 0.0 => (sums[1] - sums[0]) / sums[1],
                        NoTraffic::Good if measured => 1.0,
                        NoTraffic::Bad if measured => 0.0,
                        _ => continue,
                    };
                    judged += 1;
                    good += u32::from(share >= 0.98);
                    ratios += share;
                }
                assert_eq!(
                    (slices.judged, slices.good),
                    (judged, good),
                    "{slice:?} {row:?}"
                );
                assert!((slices.ratios - ratios).abs() < 1e-9);
            }
            assert!(sums.count() > 0);
            let fives = rows.iter().filter(|row| row.span.length().as_secs() == 300);
            assert!(slice <= SliceLength::FiveMinutes || fives.count() == 0);
        }
    }
}
