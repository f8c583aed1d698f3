//! Minutes that a replay counts.

use domain::message::{CountedGroup, CountedPiece, ReplayDocument, Replayed};

use super::*;

const DAY: i64 = 1_440;

/// What a replay finds of an hour, or a part of it.
pub(super) fn replayed(
    span: Span,
    replace: bool,
    counts: &dyn Fn(&Labels, Minute) -> SliceCounts,
) -> Document {
    let events = events();
    let (from, to) = (Minute::ended_by(span.start), Minute::ended_by(span.end));
    let groups = groups().map(|group| CountedGroup {
        slices: from
            .up_to(to)
            .map(|minute| counts(&group, minute))
            .collect(),
        group,
    });
    Document::Replay(Box::new(ReplayDocument {
        piece: span,
        replace,
        found: Replayed::Counted(Box::new(CountedPiece {
            sla: events.sla.clone(),
            version: 1,
            definition: events.definition(),
            objective: events.objective,
            minutes: span,
            groups: groups.into(),
        })),
    }))
}

fn twice(group: &Labels, minute: Minute) -> SliceCounts {
    let counts = truth(group, minute);
    SliceCounts {
        sums: counts.sums.map(|sum| 2.0 * sum),
        ..counts
    }
}

async fn store(database: &TestDatabase, documents: &[Document]) {
    database.store().store_batch(documents, &[]).await.unwrap();
}

/// Of the minutes of `a`, how many are final, their events and the sum of their revisions.
async fn minutes_of(database: &TestDatabase, asked: Span) -> (usize, f64, u32) {
    let all = rows(database, asked, &SpanSet::from(asked)).await;
    let of_a = all
        .into_iter()
        .filter(|(found, _)| *found == id(&group("a")));
    let rows: Vec<CountedRow> = of_a.flat_map(|(_, rows)| rows).collect();
    (
        rows.iter().filter(|row| row.is_final).count(),
        rows.iter().map(|row| row.counts.sums()[1]).sum(),
        rows.iter().map(|row| row.revision).sum(),
    )
}

fn events_of(span: Span, counts: &dyn Fn(&Labels, Minute) -> SliceCounts) -> f64 {
    let (from, to) = (Minute::ended_by(span.start), Minute::ended_by(span.end));
    from.up_to(to)
        .map(|minute| counts(&group("a"), minute).sums[1])
        .sum()
}

#[tokio::test]
async fn a_replay_fills_what_is_not_final_and_replaces_only_what_it_is_told_to() {
    // Runs stopped at 12:40 of the hour: the minutes up to 35 are final, those up to 40 are not.
    let database = filled(10, 40).await;
    let hour = span(0, 60);
    let final_ones = span(0, 35);
    let known = events_of(final_ones, &truth);
    store(&database, &[replayed(hour, false, &twice)]).await;
    let rest = events_of(span(35, 60), &twice);
    let filled = (60, known + rest, 0);
    assert_eq!(minutes_of(&database, hour).await, filled);
    // Once more changes nothing.
    store(&database, &[replayed(hour, false, &truth)]).await;
    assert_eq!(minutes_of(&database, hour).await, filled);
    // What is asked to replace raises the revision of what it changes.
    store(&database, &[replayed(hour, true, &truth)]).await;
    let replaced = (60, events_of(hour, &truth), 25);
    assert_eq!(minutes_of(&database, hour).await, replaced);
    store(&database, &[replayed(hour, true, &truth)]).await;
    assert_eq!(minutes_of(&database, hour).await, replaced);
}

#[tokio::test]
async fn an_hour_whose_minutes_are_gone_is_replaced_as_a_whole_or_not_at_all() {
    let database = filled(10, 80).await;
    keep_house(&database, 5 * DAY).await;
    let hour = span(0, 60);
    let total = async || {
        let rows = rows_of(&database, &group("a"), hour).await;
        let sum: f64 = rows.iter().map(|row| row.counts.sums()[1]).sum();
        (sum, rows.iter().map(|row| row.revision).sum::<u32>())
    };
    let known = (events_of(hour, &truth), 0);
    assert_eq!(total().await, known);
    store(&database, &[replayed(hour, false, &twice)]).await;
    keep_house(&database, 5 * DAY).await;
    assert_eq!(total().await, known);
    // In two pieces, as they come.
    for part in [span(20, 60), span(0, 20)] {
        store(&database, &[replayed(part, true, &twice)]).await;
    }
    keep_house(&database, 5 * DAY).await;
    let (sum, revision) = total().await;
    assert_eq!(sum, events_of(hour, &twice));
    assert!(revision > 0);
}

#[tokio::test]
async fn an_hour_that_only_a_replay_counted_is_added_up() {
    let database = TestDatabase::create().await;
    for part in [span(40, 60), span(0, 40)] {
        store(&database, &[replayed(part, false, &truth)]).await;
    }
    keep_house(&database, 300 * DAY).await;
    let rows = rows_of(&database, &group("a"), span(0, 60)).await;
    assert_eq!(rows.len(), 1);
    assert!(rows[0].is_final && rows[0].measured_minutes == 60);
    assert_eq!(rows[0].counts.sums()[1], events_of(span(0, 60), &truth));
}
