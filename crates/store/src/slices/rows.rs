use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

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
const AT_ONCE: usize = 1_024;

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
        let asked = Asked {
            counted: Counted::new(sla, objective, definition),
            question: Question::new(asked, fine, slices_of),
        };
        let found = self.counted_rows_of(&[asked], group).await?.pop();
        Ok(found.unwrap_or_default())
    }

    /// The same of many objectives, in their order; no two of them are the same.
    pub(super) async fn counted_rows_of(
        &self,
        asked: &[Asked<'_>],
        group: Option<&SeriesId>,
    ) -> Result<Vec<GroupRows>, StoreError> {
        let mut connection = self.pool().acquire().await?;
        let rows = read(&mut connection, asked, group).await;
        self.pool().note_outcome(&mut connection, &rows);
        rows
    }
}

/// What is asked of one objective.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) counted: Counted<'a>,
    pub(super) question: Question<'a>,
}

/// The rows of each group, in order of time.
pub(super) type GroupRows = Vec<(SeriesId, Vec<CountedRow>)>;

/// The places of objectives in what is asked.
struct Places<'a>(HashMap<Counted<'a>, usize>);

impl<'a> Places<'a> {
    fn of(asked: &[Asked<'a>]) -> Self {
        let places = asked.iter().enumerate();
        Self(places.map(|(place, own)| (own.counted, place)).collect())
    }

    /// Whose a row is, which begins with what it belongs to.
    fn of_row(&self, row: &MySqlRow) -> Result<Option<usize>, StoreError> {
        // By place: a look for a name costs as much as reading a number.
        let counted = Counted {
            sla: row.try_get(0)?,
            objective: row.try_get(1)?,
            definition: row.try_get(2)?,
        };
        Ok(self.0.get(&counted).copied())
    }
}

/// In one transaction: what is purged in between is there to the end.
async fn read(
    connection: &mut MySqlConnection,
    asked: &[Asked<'_>],
    group: Option<&SeriesId>,
) -> Result<Vec<GroupRows>, StoreError> {
    let places = Places::of(asked);
    let mut transaction = connection.begin().await?;
    let days = rolled_up_days(&mut transaction, asked, &places).await?;
    let hours = rolled_up_hours(&mut transaction, asked, &places, &days).await?;
    let edges = days.iter().zip(&hours);
    let ranges = asked.iter().zip(edges).flat_map(|(own, (days, hours))| {
        let ranges = own.question.rows(days, hours).into_iter();
        ranges.map(|range| (own.counted, range))
    });
    let ranges: Vec<(Counted<'_>, Range)> = ranges.collect();
    let mut found: Vec<BTreeMap<SeriesId, Vec<CountedRow>>> = vec![BTreeMap::new(); asked.len()];
    for ranges in ranges.chunks(AT_ONCE) {
        let mut query = QueryBuilder::new(
            "SELECT sla, objective, definition, group_id, length, `end`, first_sum, second_sum, measured, reach, \
             final, revision, judged, good, ratios FROM slice FORCE INDEX (PRIMARY) WHERE ",
        );
        push_ranges(&mut query, ranges);
        if let Some(group) = group {
            query.push(" AND group_id = ").push_bind(group.to_string());
        }
        let mut rows = query.build().fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await? {
            let place = match asked.len() {
                1 => Some(0),
                _ => places.of_row(&row)?,
            };
            if let Some(groups) = place.and_then(|place| found.get_mut(place)) {
                let group: SeriesId = row.try_get::<&str, _>(3)?.parse().map_err(unexpected)?;
                groups.entry(group).or_default().push(counted_row(&row, 4)?);
            }
        }
    }
    transaction.commit().await?;
    for rows in found.iter_mut().flat_map(BTreeMap::values_mut) {
        rows.sort_by_key(|row| row.span.end);
    }
    let found = found.into_iter();
    Ok(found.map(|groups| groups.into_iter().collect()).collect())
}

/// The ends of the days that are added up, for each of what is asked.
async fn rolled_up_days(
    connection: &mut MySqlConnection,
    asked: &[Asked<'_>],
    places: &Places<'_>,
) -> Result<Vec<Vec<i64>>, StoreError> {
    let ranges = asked.iter().filter_map(|own| {
        let days = own.question.days();
        let range = Range {
            length: Length::Day,
            from: days.first()? - 1,
            to: *days.last()?,
        };
        Some((own.counted, range))
    });
    let ranges: Vec<(Counted<'_>, Range)> = ranges.collect();
    let mut days = vec![Vec::new(); asked.len()];
    for ranges in ranges.chunks(AT_ONCE) {
        let mut query = QueryBuilder::new(
            "SELECT sla, objective, definition, `end` FROM slice_roll_up FORCE INDEX (PRIMARY) WHERE due IS NULL AND ",
        );
        push_ranges(&mut query, ranges);
        for row in query.build().fetch_all(&mut *connection).await? {
            if let Some(place) = places.of_row(&row)? {
                days[place].push(read_minute(row.try_get(3)?));
            }
        }
    }
    for own in &mut days {
        own.sort_unstable();
    }
    Ok(days)
}

/// The ends of the hours that are added up, and the length of the finest rows that are kept of each, for each of what is
/// asked. One that is due again is read as it was added up where its minutes are gone.
async fn rolled_up_hours(
    connection: &mut MySqlConnection,
    asked: &[Asked<'_>],
    places: &Places<'_>,
    days: &[Vec<i64>],
) -> Result<Vec<BTreeMap<i64, Length>>, StoreError> {
    let ranges = asked.iter().zip(days).flat_map(|(own, days)| {
        let ranges = own.question.hours(days).into_iter();
        ranges.map(|range| (own.counted, range))
    });
    let ranges: Vec<(Counted<'_>, Range)> = ranges.collect();
    let mut hours = vec![BTreeMap::new(); asked.len()];
    for ranges in ranges.chunks(AT_ONCE) {
        let mut query = QueryBuilder::new(
            "SELECT sla, objective, definition, `end`, finest FROM slice_roll_up FORCE INDEX (PRIMARY) \
             WHERE (due IS NULL OR finest > ",
        );
        query.push_bind(Length::Minute.seconds()).push(") AND ");
        push_ranges(&mut query, ranges);
        for row in query.build().fetch_all(&mut *connection).await? {
            let finest = Length::of_seconds(row.try_get(4)?);
            if let (Some(place), Some(finest)) = (places.of_row(&row)?, finest) {
                hours[place].insert(read_minute(row.try_get(3)?), finest);
            }
        }
    }
    Ok(hours)
}

/// The rows of the ranges.
fn push_ranges(query: &mut QueryBuilder<MySql>, ranges: &[(Counted<'_>, Range)]) {
    query.push("(FALSE");
    for (counted, range) in filled(ranges) {
        query.push(" OR (");
        counted.push(query);
        query
            .push(" AND length = ")
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

/// The columns of a row from `length` on, which is at place `from`.
pub(super) fn counted_row(row: &MySqlRow, from: usize) -> Result<CountedRow, StoreError> {
    let length: u32 = row.try_get(from)?;
    let end = read_time(row.try_get(from + 1)?);
    let reach: Option<NaiveDateTime> = row.try_get(from + 5)?;
    let judged: Option<u16> = row.try_get(from + 8)?;
    let slices = match judged {
        Some(judged) => Some(SliceTally {
            judged: u32::from(judged),
            good: u32::from(row.try_get::<Option<u16>, _>(from + 9)?.unwrap_or_default()),
            ratios: row
                .try_get::<Option<f64>, _>(from + 10)?
                .unwrap_or_default(),
        }),
        None => None,
    };
    Ok(CountedRow {
        span: Span {
            start: end - Duration::from_secs(u64::from(length)),
            end,
        },
        counts: Counts::new([row.try_get(from + 2)?, row.try_get(from + 3)?]),
        measured_minutes: u32::from(row.try_get::<u16, _>(from + 4)?),
        reach: reach.map(read_time),
        is_final: row.try_get(from + 6)?,
        revision: row.try_get(from + 7)?,
        slices,
    })
}
