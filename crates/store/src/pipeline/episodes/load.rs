use std::time::Duration;

use chrono::NaiveDateTime;
use domain::{
    Span, Timestamp,
    evaluation::{Episode, History, JudgedSpan, Side},
};
use sqlx::{MySql, MySqlConnection, QueryBuilder, Row, mysql::MySqlRow};

use super::{Evaluations, Owner, reach};
use crate::{
    StoreError,
    read::{column_time, read_time},
};

/// How many histories are read by one statement.
const AT_ONCE: usize = 64;

/// A history to read: its place among all, its owner, the end of the oldest row that matters, and the start of the newest.
type Wanted<'a> = (usize, Owner<'a>, [NaiveDateTime; 2]);

/// What begins so long after an evaluation has nothing to do with it: its last sample stands a day at most.
const BEYOND: Duration = Duration::from_secs(2 * 86_400);

/// The stored history of each owner, as far back as its evaluations reach.
///
/// Nobody else changes them meanwhile: that takes the lock on the series' row, which this transaction has.
pub(super) async fn load(
    connection: &mut MySqlConnection,
    evaluations: &Evaluations<'_>,
) -> Result<Vec<History>, StoreError> {
    let mut histories = vec![History::default(); evaluations.len()];
    let wanted: Vec<Wanted<'_>> = evaluations
        .iter()
        .enumerate()
        .filter_map(|(place, (owner, steps))| {
            let (oldest, newest) = reach(steps)?;
            let ends = [oldest, newest + BEYOND].map(column_time);
            Some((place, *owner, ends))
        })
        .collect();
    let mut rest = wanted.as_slice();
    while !rest.is_empty() {
        // Powers of two, so that there are few different statements and all of them stay prepared.
        let (wanted, after) = rest.split_at(1 << rest.len().min(AT_ONCE).ilog2());
        rest = after;
        for row in rows(connection, EPISODES, wanted).await? {
            histories[place(&row, evaluations.len())?]
                .episodes
                .push(episode(&row)?);
        }
        for row in rows(connection, GAPS, wanted).await? {
            histories[place(&row, evaluations.len())?].gaps.push(Span {
                start: time(&row, "start")?,
                end: time(&row, "end")?,
            });
        }
        for row in rows(connection, JUDGED, wanted).await? {
            histories[place(&row, evaluations.len())?]
                .judged
                .push(JudgedSpan {
                    start: time(&row, "start")?,
                    end: time(&row, "end")?,
                    as_of: time(&row, "as_of")?,
                });
        }
    }
    for history in &mut histories {
        history.episodes.sort_by_key(|episode| episode.start);
        history.gaps.sort_by_key(|gap| gap.start);
        history.judged.sort_by_key(|span| span.start);
    }
    Ok(histories)
}

const EPISODES: &str = " AS place, side = 'above' AS above, `start`, `end`, start_known, ongoing, \
    worst, worst_infinite FROM episode";
const GAPS: &str = " AS place, `start`, `end` FROM gap";
const JUDGED: &str = " AS place, `start`, `end`, as_of FROM judged";

/// The rows of several histories by one statement, each part of which goes straight to its rows by index.
async fn rows(
    connection: &mut MySqlConnection,
    columns: &'static str,
    wanted: &[Wanted<'_>],
) -> Result<Vec<MySqlRow>, StoreError> {
    let mut query = QueryBuilder::<MySql>::new("");
    for (number, (place, owner, [oldest, newest])) in wanted.iter().enumerate() {
        query.push(if number == 0 {
            "SELECT CAST("
        } else {
            " UNION ALL SELECT CAST("
        });
        query
            .push_bind(*place as u64)
            .push(" AS UNSIGNED)")
            .push(columns);
        query.push(" WHERE sla = ").push_bind(owner.sla);
        query.push(" AND objective = ").push_bind(owner.objective);
        query.push(" AND version = ").push_bind(owner.version);
        query.push(" AND series_id = ").push_bind(owner.series_id);
        query.push(" AND `end` >= ").push_bind(*oldest);
        query.push(" AND `start` <= ").push_bind(*newest);
    }
    Ok(query.build().fetch_all(connection).await?)
}

fn place(row: &MySqlRow, histories: usize) -> Result<usize, StoreError> {
    let place: u64 = row.try_get("place")?;
    usize::try_from(place)
        .ok()
        .filter(|place| *place < histories)
        .ok_or_else(|| StoreError::Unexpected(sqlx::Error::RowNotFound))
}

fn time(row: &MySqlRow, column: &str) -> Result<Timestamp, StoreError> {
    Ok(read_time(row.try_get(column)?))
}

fn episode(row: &MySqlRow) -> Result<Episode, StoreError> {
    let span = Span {
        start: time(row, "start")?,
        end: time(row, "end")?,
    };
    Ok(Episode {
        start: span.start,
        end: span.end,
        seconds: span.seconds(),
        start_known: row.try_get("start_known")?,
        ongoing: row.try_get("ongoing")?,
        worst: row.try_get("worst")?,
        worst_infinite: row.try_get("worst_infinite")?,
        side: if row.try_get("above")? {
            Side::Above
        } else {
            Side::Below
        },
    })
}
