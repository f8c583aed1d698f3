//! Minutes into 5 minutes and hours, hours into days.
//!
//! An hour is added up a while after it is over, for all groups at once, if each of its minutes is final; if not, no later
//! than its minutes are purged. Which minutes are final is said by the slices of all events together, which every evaluation
//! has. A transaction locks the row of `slice_roll_up` before it reads, and who stores minutes locks it after writing them and
//! makes it due again: so what is added up is never older than what is not due.
//!
//! Minutes of an hour whose minutes were purged replace what they added up to once all 60 of them are there and final. A part
//! of them is dropped after a day: who counts such an hour again counts all of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use chrono::NaiveDateTime;
use domain::{
    Span, Timestamp,
    events::{CountedRow, Counts, SliceTally},
    sla::{EventsObjective, Method},
};
use sqlx::{
    Arguments, Connection, MySqlConnection, QueryBuilder, Row as _, error::BoxDynError,
    mysql::MySqlArguments,
};

use super::{Counted, Length, objective::together, rows::counted_row};
use crate::{
    StoreError,
    pipeline::upsert::{Row, upsert},
    read::{column_time, read_time},
};

/// How long minutes are kept.
pub(crate) const MINUTES_KEPT: Duration = Duration::from_secs(3 * 86_400);
/// How long minutes that do not make an hour are waited for, if they were counted late.
const GATHERS: Duration = Duration::from_secs(86_400);
/// How long after its end an hour is added up: the last run that counts it is 15 minutes later.
const HOUR_LAG: Duration = Duration::from_secs(16 * 60);
/// The same of a day.
const DAY_LAG: Duration = Duration::from_secs(30 * 60);
/// How long a day waits for an hour that another transaction has.
const RETRY: Duration = Duration::from_secs(60);

/// Makes the hours and days due of which minutes were stored: of each objective and version, those that end in the span.
pub(crate) async fn mark_due<'a>(
    connection: &mut MySqlConnection,
    stored: impl Iterator<Item = (Counted<'a>, u32, Span)>,
) -> Result<(), StoreError> {
    let mut rows = BTreeMap::new();
    for (counted, version, span) in stored {
        for length in [Length::Hour, Length::Day] {
            // The span's start belongs to no minute of it.
            let first = length.end_of(span.start + Duration::from_millis(1));
            for end in BTreeSet::from([first, length.end_of(span.end)]) {
                let row = DueRow {
                    counted,
                    length,
                    end,
                    version,
                };
                let known = rows.entry(row.key()).or_insert(row);
                known.version = known.version.max(version);
            }
        }
    }
    upsert(connection, rows.into_values().collect()).await
}

/// Adds up what is due at `now`, for about `time`. Returns whether nothing is left.
pub(crate) async fn advance(
    connection: &mut MySqlConnection,
    now: Timestamp,
    time: Duration,
) -> Result<bool, StoreError> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            .execute(&mut *connection)
            .await?;
        let mut transaction = connection.begin().await?;
        // One that is just being stored to is left for later.
        let due: Option<DueColumns> = sqlx::query_as(
            "SELECT sla, objective, definition, length, `end`, version, due, finest FROM slice_roll_up \
             FORCE INDEX (by_due) WHERE due <= ? ORDER BY due LIMIT 1 FOR UPDATE SKIP LOCKED",
        )
        .bind(column_time(now))
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(due) = due.map(Due::from) else {
            return Ok(true);
        };
        due.roll_up(&mut transaction, now).await?;
        transaction.commit().await?;
    }
    Ok(false)
}

#[derive(Debug)]
struct DueRow<'a> {
    counted: Counted<'a>,
    length: Length,
    end: Timestamp,
    version: u32,
}

impl<'a> Row for DueRow<'a> {
    const INTO: &'static str = "INSERT INTO slice_roll_up \
        (sla, objective, definition, length, `end`, version, due, finest) VALUES";
    const COLUMNS: usize = 8;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE due = VALUES(due), \
        version = GREATEST(version, VALUES(version))";
    type Key = (Counted<'a>, Length, Timestamp);

    fn key(&self) -> Self::Key {
        (self.counted, self.length, self.end)
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        let finest = match self.length {
            Length::Day => Length::Day,
            _ => Length::Minute,
        };
        arguments.add(self.counted.sla)?;
        arguments.add(self.counted.objective)?;
        arguments.add(self.counted.definition)?;
        arguments.add(self.length.seconds())?;
        arguments.add(column_time(self.end))?;
        arguments.add(self.version)?;
        arguments.add(column_time(first_due(self.length, self.end)))?;
        arguments.add(finest.seconds())
    }
}

/// When an hour or a day is due for the first time.
fn first_due(length: Length, end: Timestamp) -> Timestamp {
    end + if length == Length::Day {
        DAY_LAG
    } else {
        HOUR_LAG
    }
}

type DueColumns = (
    String,
    String,
    String,
    u32,
    NaiveDateTime,
    u32,
    NaiveDateTime,
    u32,
);

/// An hour or a day that is due.
#[derive(Debug)]
struct Due {
    sla: String,
    objective: String,
    definition: String,
    length: Length,
    end: Timestamp,
    version: u32,
    due: Timestamp,
    finest: Length,
}

impl From<DueColumns> for Due {
    fn from(columns: DueColumns) -> Self {
        let (sla, objective, definition, length, end, version, due, finest) = columns;
        Self {
            sla,
            objective,
            definition,
            length: Length::of_seconds(length).unwrap_or(Length::Hour),
            end: read_time(end),
            version,
            due: read_time(due),
            finest: Length::of_seconds(finest).unwrap_or(Length::Minute),
        }
    }
}

/// The rows of one group in an hour or a day, in order of time.
type Groups = BTreeMap<String, Vec<Read>>;

/// A row as it is read.
#[derive(Debug)]
struct Read {
    row: CountedRow,
    minutes: u16,
    as_of: NaiveDateTime,
}

impl Due {
    fn counted(&self) -> Counted<'_> {
        Counted {
            sla: &self.sla,
            objective: &self.objective,
            definition: &self.definition,
        }
    }

    async fn roll_up(
        &self,
        connection: &mut MySqlConnection,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match self.length {
            Length::Day => self.add_up_hours(connection, now).await,
            _ => self.add_up_minutes(connection, now).await,
        }
    }

    async fn add_up_minutes(
        &self,
        connection: &mut MySqlConnection,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let groups = self.rows(connection, Length::Minute).await?;
        let finals = self.finals(&groups);
        let is_first = self.due == first_due(self.length, self.end);
        if is_first && finals.len() < 60 {
            let latest = (self.end + MINUTES_KEPT).max(now + GATHERS);
            return self.set_due(connection, Some(latest)).await;
        }
        if self.finest == Length::Minute || finals.len() == 60 {
            let objective = self.slices_of(connection).await?;
            let mut sums = Vec::new();
            for (group_id, rows) in &groups {
                // Where rows of 5 minutes are gone, they do not come back.
                for (length, part) in parts(rows).filter(|(length, _)| *length >= self.finest) {
                    let tally = objective
                        .as_ref()
                        .filter(|objective| objective.slice.length() <= length.duration())
                        .map(|objective| {
                            SliceTally::of(part.iter().map(|read| &read.row), objective)
                        });
                    sums.push(self.sum(group_id, length, part, &finals, tally));
                }
            }
            upsert(connection, sums).await?;
        }
        if self.finest > Length::Minute {
            let mut query = QueryBuilder::new("DELETE FROM slice WHERE ");
            self.push(&mut query, Length::Minute);
            query.build().execute(&mut *connection).await?;
        }
        self.set_due(connection, None).await
    }

    async fn add_up_hours(
        &self,
        connection: &mut MySqlConnection,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let counted = self.counted();
        let mut query =
            QueryBuilder::new("SELECT MAX(due) FROM slice_roll_up FORCE INDEX (PRIMARY) WHERE ");
        counted.push(&mut query);
        query
            .push(" AND length = ")
            .push_bind(Length::Hour.seconds())
            .push(" AND `end` > ")
            .push_bind(column_time(self.end - Length::Day.duration()))
            .push(" AND `end` <= ")
            .push_bind(column_time(self.end));
        let waits: Option<NaiveDateTime> = query
            .build_query_scalar()
            .fetch_one(&mut *connection)
            .await?;
        if let Some(hour) = waits.map(read_time) {
            let later = hour.max(now) + RETRY;
            return self.set_due(connection, Some(later)).await;
        }
        let groups = self.rows(connection, Length::Hour).await?;
        let finals = self.finals(&groups);
        let sums = groups.iter().map(|(group_id, rows)| {
            let tallies: Option<Vec<SliceTally>> =
                rows.iter().map(|read| read.row.slices).collect();
            let tally = tallies.map(|tallies| tallies.into_iter().sum());
            self.sum(group_id, Length::Day, rows, &finals, tally)
        });
        upsert(connection, sums.collect()).await?;
        self.set_due(connection, None).await
    }

    /// Its rows of a length, by group.
    async fn rows(
        &self,
        connection: &mut MySqlConnection,
        length: Length,
    ) -> Result<Groups, StoreError> {
        let mut query = QueryBuilder::new(
            "SELECT group_id, length, `end`, first_sum, second_sum, measured, reach, final, revision, judged, \
             good, ratios, minutes, as_of FROM slice WHERE ",
        );
        self.push(&mut query, length);
        query.push(" ORDER BY `end`");
        let mut groups = Groups::new();
        for row in query.build().fetch_all(connection).await? {
            let group: String = row.try_get(0)?;
            groups.entry(group).or_default().push(Read {
                row: counted_row(&row, 1)?,
                minutes: row.try_get(12)?,
                as_of: row.try_get(13)?,
            });
        }
        Ok(groups)
    }

    /// `…` that selects its rows of a length.
    fn push(&self, query: &mut QueryBuilder<sqlx::MySql>, length: Length) {
        self.counted().push(query);
        query
            .push(" AND length = ")
            .push_bind(length.seconds())
            .push(" AND `end` > ")
            .push_bind(column_time(self.end - self.length.duration()))
            .push(" AND `end` <= ")
            .push_bind(column_time(self.end));
    }

    /// The ends of the rows that are final for all groups.
    fn finals(&self, groups: &Groups) -> BTreeSet<Timestamp> {
        let together = together(&self.sla, &self.objective);
        let rows = together.and_then(|together| groups.get(&together));
        let finals = rows.into_iter().flatten().filter(|read| read.row.is_final);
        finals.map(|read| read.row.span.end).collect()
    }

    /// The objective, if its method is one of slices.
    async fn slices_of(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<Option<EventsObjective>, StoreError> {
        let row = sqlx::query(
            "SELECT document FROM sla_objective WHERE sla = ? AND version = ? AND objective = ?",
        )
        .bind(&self.sla)
        .bind(self.version)
        .bind(&self.objective)
        .fetch_optional(connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        // JSON on MySQL, a text on MariaDB: both are read as text.
        let document: &str = row.try_get_unchecked(0)?;
        let objective = serde_json::from_str(document).ok();
        Ok(objective.filter(|objective: &EventsObjective| {
            objective.method != Method::Occurrences
                && objective.definition().as_str() == self.definition
        }))
    }

    /// What rows of a group add up to.
    fn sum(
        &self,
        group_id: &str,
        length: Length,
        rows: &[Read],
        finals: &BTreeSet<Timestamp>,
        slices: Option<SliceTally>,
    ) -> SumRow<'_> {
        let end = rows
            .last()
            .map_or(self.end, |last| length.end_of(last.row.span.end));
        let span = Span {
            start: end - length.duration(),
            end,
        };
        let mut counts = Counts::default();
        for read in rows {
            counts += read.row.counts;
        }
        let part = if self.length == Length::Day {
            Length::Hour
        } else {
            Length::Minute
        };
        let parts = (length.minutes() / part.minutes()) as usize;
        let final_parts = finals
            .iter()
            .filter(|end| **end > span.start && **end <= span.end);
        let saturated = |revision: u32, row: &Read| revision.saturating_add(row.row.revision);
        SumRow {
            counted: self.counted(),
            group_id: group_id.to_owned(),
            minutes: rows.iter().map(|read| read.minutes).sum(),
            as_of: rows.iter().map(|read| read.as_of).max().unwrap_or_default(),
            length,
            row: CountedRow {
                span,
                counts,
                measured_minutes: rows.iter().map(|read| read.row.measured_minutes).sum(),
                reach: rows.iter().filter_map(|read| read.row.reach).min(),
                is_final: final_parts.count() == parts,
                revision: rows.iter().fold(0, saturated),
                slices,
            },
        }
    }

    async fn set_due(
        &self,
        connection: &mut MySqlConnection,
        due: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE slice_roll_up SET due = ? WHERE sla = ? AND objective = ? AND definition = ? \
             AND length = ? AND `end` = ?",
        )
        .bind(due.map(column_time))
        .bind(&self.sla)
        .bind(&self.objective)
        .bind(&self.definition)
        .bind(self.length.seconds())
        .bind(column_time(self.end))
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// The minutes of an hour by their 5 minutes, and all of them.
fn parts(minutes: &[Read]) -> impl Iterator<Item = (Length, &[Read])> {
    let five = |read: &Read| Length::FiveMinutes.end_of(read.row.span.end);
    let fives = minutes.chunk_by(move |one, other| five(one) == five(other));
    fives
        .map(|minutes| (Length::FiveMinutes, minutes))
        .chain([(Length::Hour, minutes)])
}

/// What rows add up to.
#[derive(Debug)]
struct SumRow<'a> {
    counted: Counted<'a>,
    length: Length,
    group_id: String,
    row: CountedRow,
    minutes: u16,
    as_of: NaiveDateTime,
}

/// What a sum is not replaced by is one of fewer minutes: the others are gone.
macro_rules! replaced {
    ($($column:literal),*) => {
        concat!($(", ", $column, " = IF(VALUES(minutes) >= minutes, VALUES(", $column, "), ", $column, ")"),*)
    };
}

impl<'a> Row for SumRow<'a> {
    const INTO: &'static str = "INSERT INTO slice (sla, objective, definition, length, `end`, group_id, \
        first_sum, second_sum, minutes, measured, reach, as_of, final, revision, judged, good, ratios) VALUES";
    const COLUMNS: usize = 17;
    // Assignments see those before them.
    const OTHERWISE: &'static str = concat!(
        "ON DUPLICATE KEY UPDATE revision = IF(VALUES(minutes) >= minutes, GREATEST(VALUES(revision), revision + \
         (final AND NOT (VALUES(first_sum) = first_sum AND VALUES(second_sum) = second_sum \
         AND VALUES(measured) = measured AND VALUES(reach) <=> reach))), revision)",
        replaced!(
            "first_sum",
            "second_sum",
            "measured",
            "reach",
            "as_of",
            "final",
            "judged",
            "good",
            "ratios"
        ),
        ", minutes = GREATEST(minutes, VALUES(minutes))"
    );
    type Key = (Counted<'a>, Length, Timestamp, String);

    fn key(&self) -> Self::Key {
        (
            self.counted,
            self.length,
            self.row.span.end,
            self.group_id.clone(),
        )
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        let [first, second] = self.row.counts.sums();
        let slices = self.row.slices;
        arguments.add(self.counted.sla)?;
        arguments.add(self.counted.objective)?;
        arguments.add(self.counted.definition)?;
        arguments.add(self.length.seconds())?;
        arguments.add(column_time(self.row.span.end))?;
        arguments.add(self.group_id.as_str())?;
        arguments.add(first)?;
        arguments.add(second)?;
        arguments.add(self.minutes)?;
        arguments.add(self.row.measured_minutes)?;
        arguments.add(self.row.reach.map(column_time))?;
        arguments.add(self.as_of)?;
        arguments.add(self.row.is_final)?;
        arguments.add(self.row.revision)?;
        arguments.add(slices.map(|slices| slices.judged))?;
        arguments.add(slices.map(|slices| slices.good))?;
        arguments.add(slices.map(|slices| slices.ratios))
    }
}
