use std::{collections::BTreeMap, time::Duration};

use chrono::NaiveDateTime;
use domain::{
    SeriesId, Span, SpanSet,
    events::{CountedRow, Counts, SliceTally},
    sla::{Definition, ObjectiveId, SlaName, SliceLength},
};
use futures::TryStreamExt;
use sqlx::{Connection, MySql, MySqlConnection, QueryBuilder, Row as _, mysql::MySqlRow};

use super::{
    Counted, Length,
    cover::{Question, Range},
    length::{column_minute, read_minute},
};
use crate::{
    Store, StoreError,
    read::{read_time, unexpected},
    sla::filled,
};

/// How many ranges are asked for by one statement.
const AT_ONCE: usize = 128;

impl Store {
    /// What was counted of an objective in the slices that end in `(asked.start, asked.end]`, of all groups or of one: for each
    /// group that has some, its rows in order of time, which neither overlap nor miss a slice that is kept.
    ///
    /// Rows are of a day, an hour, 5 minutes or a minute, the longest that fit. No row of more than a minute touches `fine`
    /// (what exclusions touch; an instant where a sum begins, as the millisecond after it), nor is one there for the newest
    /// time, which is not added up yet. Where finer rows are no longer kept (minutes for 3 days, 5 minutes for 40), the row
    /// into which the start falls is there as a whole, the one into which the end falls is not, and rows may touch `fine`.
    ///
    /// `slices_of`: the slices that the objective's method looks at. Then each row of more than a minute has a tally of them,
    /// and the rows of 5 minutes are left out where slices are longer.
    ///
    /// # Errors
    /// When the database is away.
    #[expect(
        clippy::too_many_arguments,
        reason = "what slices belong to, and what is asked of them"
    )]
    pub async fn counted_rows(
        &self,
        sla: &SlaName,
        objective: &ObjectiveId,
        definition: &Definition,
        group: Option<&SeriesId>,
        asked: Span,
        fine: &SpanSet,
        slices_of: Option<SliceLength>,
    ) -> Result<Vec<(SeriesId, Vec<CountedRow>)>, StoreError> {
        let counted = Counted::new(sla, objective, definition);
        let question = Question::new(asked, fine, slices_of);
        let mut connection = self.pool().acquire().await?;
        let rows = read(&mut connection, &counted, &question, group).await;
        self.pool().note_outcome(&mut connection, &rows);
        rows
    }
}

/// In one transaction: what is purged in between is there to the end.
async fn read(
    connection: &mut MySqlConnection,
    counted: &Counted<'_>,
    question: &Question<'_>,
    group: Option<&SeriesId>,
) -> Result<Vec<(SeriesId, Vec<CountedRow>)>, StoreError> {
    let mut transaction = connection.begin().await?;
    let days = rolled_up_days(&mut transaction, counted, question).await?;
    let hours = question.hours(&days);
    let hours = rolled_up_hours(&mut transaction, counted, &hours).await?;
    let ranges = question.rows(&days, &hours);
    let mut groups = BTreeMap::<SeriesId, Vec<CountedRow>>::new();
    for ranges in ranges.chunks(AT_ONCE) {
        let mut query = QueryBuilder::new(
            "SELECT group_id, length, `end`, first_sum, second_sum, measured, reach, final, revision, \
             judged, good, ratios FROM slice WHERE ",
        );
        push_ranges(&mut query, counted, ranges);
        if let Some(group) = group {
            query.push(" AND group_id = ").push_bind(group.to_string());
        }
        let mut rows = query.build().fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await? {
            // By place: a look for a name costs as much as reading a number.
            let group: SeriesId = row.try_get::<&str, _>(0)?.parse().map_err(unexpected)?;
            groups.entry(group).or_default().push(counted_row(&row)?);
        }
    }
    transaction.commit().await?;
    for rows in groups.values_mut() {
        rows.sort_by_key(|row| row.span.end);
    }
    Ok(groups.into_iter().collect())
}

/// The ends of the days that are added up.
async fn rolled_up_days(
    connection: &mut MySqlConnection,
    counted: &Counted<'_>,
    question: &Question<'_>,
) -> Result<Vec<i64>, StoreError> {
    let days = question.days();
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Ok(Vec::new());
    };
    let mut query =
        QueryBuilder::new("SELECT `end` FROM slice_roll_up FORCE INDEX (PRIMARY) WHERE ");
    counted.push(&mut query);
    query
        .push(" AND length = ")
        .push_bind(Length::Day.seconds())
        .push(" AND `end` >= ")
        .push_bind(column_minute(*first))
        .push(" AND `end` <= ")
        .push_bind(column_minute(*last))
        .push(" AND due IS NULL ORDER BY `end`");
    let ends: Vec<NaiveDateTime> = query.build_query_scalar().fetch_all(connection).await?;
    Ok(ends.into_iter().map(read_minute).collect())
}

/// The ends of the hours that are added up, and the length of the finest rows that are kept of each. One that is due again
/// is read as it was added up where its minutes are gone.
async fn rolled_up_hours(
    connection: &mut MySqlConnection,
    counted: &Counted<'_>,
    ranges: &[Range],
) -> Result<BTreeMap<i64, Length>, StoreError> {
    let mut hours = BTreeMap::new();
    for ranges in ranges.chunks(AT_ONCE) {
        let mut query = QueryBuilder::new(
            "SELECT `end`, finest FROM slice_roll_up FORCE INDEX (PRIMARY) WHERE (due IS NULL OR finest > ",
        );
        query.push_bind(Length::Minute.seconds()).push(") AND ");
        push_ranges(&mut query, counted, ranges);
        let rows: Vec<(NaiveDateTime, u32)> =
            query.build_query_as().fetch_all(&mut *connection).await?;
        hours.extend(
            rows.into_iter()
                .filter_map(|(end, finest)| Some((read_minute(end), Length::of_seconds(finest)?))),
        );
    }
    Ok(hours)
}

/// The rows of the ranges.
fn push_ranges(query: &mut QueryBuilder<MySql>, counted: &Counted<'_>, ranges: &[Range]) {
    counted.push(query);
    query.push(" AND (FALSE");
    for range in filled(ranges) {
        query
            .push(" OR (length = ")
            .push_bind(range.length.seconds());
        query
            .push(" AND `end` > ")
            .push_bind(column_minute(range.from));
        query
            .push(" AND `end` <= ")
            .push_bind(column_minute(range.to))
            .push(")");
    }
    query.push(")");
}

pub(super) fn counted_row(row: &MySqlRow) -> Result<CountedRow, StoreError> {
    let length: u32 = row.try_get(1)?;
    let end = read_time(row.try_get(2)?);
    let reach: Option<NaiveDateTime> = row.try_get(6)?;
    let judged: Option<u16> = row.try_get(9)?;
    let slices = match judged {
        Some(judged) => Some(SliceTally {
            judged: u32::from(judged),
            good: u32::from(row.try_get::<Option<u16>, _>(10)?.unwrap_or_default()),
            ratios: row.try_get::<Option<f64>, _>(11)?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(CountedRow {
        span: Span {
            start: end - Duration::from_secs(u64::from(length)),
            end,
        },
        counts: Counts::new([row.try_get(3)?, row.try_get(4)?]),
        measured_minutes: u32::from(row.try_get::<u16, _>(5)?),
        reach: reach.map(read_time),
        is_final: row.try_get(7)?,
        revision: row.try_get(8)?,
        slices,
    })
}
