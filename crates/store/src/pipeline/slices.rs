//! `slice` and `slice_group`: the minutes of a run, by group; and which of them are final.
//!
//! Of a minute that several runs counted, the count of the newest `as_of` stays, in whatever order they come. It is final
//! from the transaction on in which the evaluation of a run at least 5 minutes after its end becomes complete, that is, in
//! which the last of the evaluation's rows, or its record, is stored. What changes it after that raises its `revision`.

use std::{collections::BTreeMap, time::Duration};

use chrono::NaiveDateTime;
use domain::{
    Timestamp,
    events::{Counting, SliceCounts},
    message::SlicesDocument,
};
use sqlx::{
    Arguments, MySql, MySqlConnection, QueryBuilder, error::BoxDynError, mysql::MySqlArguments,
};

use super::{
    document::{Document, Entry},
    upsert::{Row, upsert},
};
use crate::{
    StoreError,
    read::{column_time, read_time},
    sla::filled,
    slices::{Counted, Length, roll_up},
};

/// How long after its end a minute may still change.
const SETTLES: Duration = Duration::from_secs(5 * 60);
/// How many evaluations are looked at by one statement.
const AT_ONCE: usize = 128;

pub(super) async fn write(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    let (mut groups, mut minutes) = (BTreeMap::new(), BTreeMap::new());
    for document in entries.iter().filter_map(slices_of) {
        let group = GroupRow::new(document);
        for counts in &document.slices {
            let row = MinuteRow {
                counted: group.counted,
                group_id: group.group_id.clone(),
                counts,
                as_of: group.as_of,
            };
            newest(&mut minutes, row.key(), row);
        }
        let key = group.key();
        let earlier: Option<&GroupRow<'_>> = groups.get(&key);
        let measured = earlier.and_then(|earlier| earlier.last_measured);
        let group = GroupRow {
            last_measured: group.last_measured.max(measured),
            as_of: earlier.map_or(group.as_of, |earlier| earlier.as_of.max(group.as_of)),
            ..group
        };
        groups.insert(key, group);
    }
    upsert(connection, groups.into_values().collect()).await?;
    upsert(connection, minutes.into_values().collect()).await
}

fn slices_of<'a>(entry: &Entry<'a>) -> Option<&'a SlicesDocument> {
    match entry.document {
        Document::Slices(document) => Some(document),
        _ => None,
    }
}

/// Keeps the row of the newest run; of two of one time the one that comes last.
fn newest<'a>(
    rows: &mut BTreeMap<<MinuteRow<'a> as Row>::Key, MinuteRow<'a>>,
    key: <MinuteRow<'a> as Row>::Key,
    row: MinuteRow<'a>,
) {
    if rows
        .get(&key)
        .is_none_or(|earlier| earlier.as_of <= row.as_of)
    {
        rows.insert(key, row);
    }
}

/// An evaluation of an objective of events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged<'a> {
    pub(super) counted: Counted<'a>,
    pub(super) version: u32,
    pub(super) as_of: NaiveDateTime,
}

/// Makes the minutes that complete evaluations judged final, and what the batch changed due to be added up again. The
/// batch's rows must be written.
pub(super) async fn settle(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
    complete: &[Judged<'_>],
) -> Result<(), StoreError> {
    for complete in complete.chunks(AT_ONCE) {
        let mut query =
            QueryBuilder::<MySql>::new("UPDATE slice SET final = 1 WHERE final = 0 AND (FALSE");
        for judged in filled(complete) {
            let span = Counting::run_slices(read_time(judged.as_of));
            query.push(" OR (");
            judged.counted.push(&mut query);
            query
                .push(" AND length = ")
                .push_bind(Length::Minute.seconds())
                .push(" AND `end` > ")
                .push_bind(column_time(span.start))
                .push(" AND `end` <= ")
                .push_bind(column_time(span.end - SETTLES))
                .push(")");
        }
        query.push(")");
        query.build().execute(&mut *connection).await?;
    }
    let counted = entries.iter().filter_map(|entry| {
        let document = slices_of(entry)?;
        Some(Judged {
            counted: Counted::of(document),
            version: document.version,
            as_of: entry.as_of,
        })
    });
    let touched = counted.chain(complete.iter().copied());
    let spans = touched.map(|judged| {
        let span = Counting::run_slices(read_time(judged.as_of));
        (judged.counted, judged.version, span)
    });
    roll_up::mark_due(connection, spans).await
}

/// Whether one of the group's counters stood at the end of a slice that ends in the 5 minutes before the run.
pub(super) fn is_measured(document: &SlicesDocument) -> bool {
    let since = document.as_of - SETTLES;
    let mut newest = document.slices.iter().rev();
    newest.any(|slice| slice.measured && slice.end > since)
}

#[derive(Debug)]
struct MinuteRow<'a> {
    counted: Counted<'a>,
    group_id: String,
    counts: &'a SliceCounts,
    as_of: Timestamp,
}

impl<'a> Row for MinuteRow<'a> {
    const INTO: &'static str = "INSERT INTO slice (sla, objective, definition, length, `end`, group_id, \
        first_sum, second_sum, minutes, measured, reach, as_of) VALUES";
    const COLUMNS: usize = 12;
    // Assignments see those before them.
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE \
        revision = revision + (final AND VALUES(as_of) >= as_of AND NOT (VALUES(first_sum) = first_sum \
        AND VALUES(second_sum) = second_sum AND VALUES(measured) = measured AND VALUES(reach) <=> reach)), \
        first_sum = IF(VALUES(as_of) >= as_of, VALUES(first_sum), first_sum), \
        second_sum = IF(VALUES(as_of) >= as_of, VALUES(second_sum), second_sum), \
        measured = IF(VALUES(as_of) >= as_of, VALUES(measured), measured), \
        reach = IF(VALUES(as_of) >= as_of, VALUES(reach), reach), \
        as_of = GREATEST(as_of, VALUES(as_of))";
    type Key = (Counted<'a>, Timestamp, String);

    fn key(&self) -> Self::Key {
        (self.counted, self.counts.end, self.group_id.clone())
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        let [first, second] = self.counts.sums;
        arguments.add(self.counted.sla)?;
        arguments.add(self.counted.objective)?;
        arguments.add(self.counted.definition)?;
        arguments.add(Length::Minute.seconds())?;
        arguments.add(column_time(self.counts.end))?;
        arguments.add(self.group_id.as_str())?;
        arguments.add(first)?;
        arguments.add(second)?;
        arguments.add(1_u16)?;
        arguments.add(self.counts.measured)?;
        arguments.add(self.counts.reach.map(column_time))?;
        arguments.add(column_time(self.as_of))
    }
}

#[derive(Debug)]
struct GroupRow<'a> {
    counted: Counted<'a>,
    group_id: String,
    document: &'a SlicesDocument,
    last_measured: Option<Timestamp>,
    as_of: Timestamp,
}

impl<'a> GroupRow<'a> {
    fn new(document: &'a SlicesDocument) -> Self {
        let measured = document.slices.iter().filter(|slice| slice.measured);
        Self {
            counted: Counted::of(document),
            group_id: document.group_id().to_string(),
            document,
            last_measured: measured.map(|slice| slice.end).max(),
            as_of: document.as_of,
        }
    }
}

impl<'a> Row for GroupRow<'a> {
    const INTO: &'static str = "INSERT INTO slice_group \
        (sla, objective, definition, group_id, labels, last_measured, as_of) VALUES";
    const COLUMNS: usize = 7;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE last_measured = \
        GREATEST(COALESCE(last_measured, VALUES(last_measured)), COALESCE(VALUES(last_measured), last_measured)), \
        as_of = GREATEST(as_of, VALUES(as_of))";
    type Key = (Counted<'a>, String);

    fn key(&self) -> Self::Key {
        (self.counted, self.group_id.clone())
    }

    fn bytes(&self) -> usize {
        let labels = self.document.group.0.iter();
        // As JSON a byte may take six.
        labels
            .map(|(name, value)| 6 * (name.len() + value.len()))
            .sum()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.counted.sla)?;
        arguments.add(self.counted.objective)?;
        arguments.add(self.counted.definition)?;
        arguments.add(self.group_id.as_str())?;
        arguments.add(serde_json::to_string(&self.document.group)?)?;
        arguments.add(self.last_measured.map(column_time))?;
        arguments.add(column_time(self.as_of))
    }
}
