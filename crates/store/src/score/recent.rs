//! What the newest scores of every series, and of every objective on it, sum up to: one row of each, which storing keeps up
//! to date.

use std::{collections::HashMap, hash::Hash, time::Duration};

use chrono::NaiveDateTime;
use domain::{
    Part, SeriesId, Timestamp,
    evaluation::RecentProbabilities,
    forecast::RecentScores,
    sla::{ObjectiveId, SlaName},
};
use futures::TryStreamExt;
use serde::de::DeserializeOwned;
use sqlx::{Row, mysql::MySqlRow};

use super::newest::{Errors, Newest, Outcome, Scored, Sums};
use crate::{
    Store, StoreError,
    read::{column_time, parsed, read_time, series_id},
};

/// A series without a score for so long has no say in what is published.
pub(crate) const KEPT: Duration = Duration::from_secs(2 * 86_400);
/// 10 minutes of the clock.
const SPAN: Duration = Duration::from_secs(600);

/// The lists are not among the columns: a server that is asked for a long column reads it of every row.
macro_rules! of_part {
    ($columns:literal, $table:literal) => {
        concat!(
            "SELECT series_id, newest, ",
            $columns,
            " FROM ",
            $table,
            " FORCE INDEX (by_time) WHERE newest >= ? AND CONV(LEFT(series_id, 8), 16, 10) % ? = ?"
        )
    };
}

const SCORES: &str = of_part!("sums", "recent_score");
const SCORE_LISTS: &str = of_part!("entries", "recent_score");
const OUTCOMES: &str = of_part!("sla, version, objective, sums", "recent_probability");
const OUTCOME_LISTS: &str = of_part!("sla, version, objective, entries", "recent_probability");

/// An objective of a version of an SLA on a series.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JudgedSeries {
    /// The series.
    pub series: SeriesId,
    /// The SLA's name.
    pub sla: SlaName,
    /// The version that was judged.
    pub version: u32,
    /// The objective's id.
    pub objective: ObjectiveId,
}

impl Store {
    /// The newest [`MOST_RECENT`](domain::forecast::MOST_RECENT) scored forecasts of each series of `part` that are at least
    /// 600 s apart and were scored by runs before `before`, the start of 10 minutes of the clock, summed up; none for a
    /// series with fewer among the hundred that are kept. Of each 10 minutes of the clock the first scored forecast counts.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn recent_scores(
        &self,
        before: Timestamp,
        part: Part,
    ) -> Result<HashMap<SeriesId, RecentScores>, StoreError> {
        let sums = self.sums::<Errors, _>(SCORES, SCORE_LISTS, (before, part), series_id);
        let told = sums.await?.into_iter().map(|(series, sums)| {
            let before = Some(before);
            (series, RecentScores { before, ..sums })
        });
        Ok(told.collect())
    }

    /// What came after the forecasts that [`Store::recent_scores`] looks at, next to the probabilities of every objective
    /// that was judged on the series, summed up; none for an objective with too few probabilities of which it is known
    /// what came.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn recent_probabilities(
        &self,
        before: Timestamp,
        part: Part,
    ) -> Result<HashMap<JudgedSeries, RecentProbabilities>, StoreError> {
        let sums = self.sums::<Outcome, _>(OUTCOMES, OUTCOME_LISTS, (before, part), judged);
        let told = sums.await?.into_iter().map(|(judged, sums)| {
            let before = Some(before);
            (judged, RecentProbabilities { before, ..sums })
        });
        Ok(told.collect())
    }

    /// The sums of the rows that there are enough forecasts in. Where a row is newer than the run that asks, as where a run
    /// is repeated, its list is read.
    async fn sums<S, Key>(
        &self,
        statement: &'static str,
        lists: &'static str,
        (before, part): (Timestamp, Part),
        key: impl Fn(&MySqlRow) -> Result<Key, StoreError>,
    ) -> Result<HashMap<Key, S::Sums>, StoreError>
    where
        S: Scored<Sums: DeserializeOwned> + DeserializeOwned,
        Key: Eq + Hash,
    {
        let (mut found, mut newer) = (HashMap::new(), false);
        let mut rows = asked(statement, before - KEPT, part).fetch(self.pool());
        while let Some(row) = rows.try_next().await? {
            let scored = read_time(row.try_get::<NaiveDateTime, _>("newest")?);
            let sums: &[u8] = row.try_get_unchecked("sums")?;
            let sums: Sums<S::Sums> = serde_json::from_slice(sums)?;
            match sums.before(before, scored) {
                Some(Some(sums)) => drop(found.insert(key(&row)?, sums)),
                Some(None) => {}
                None => newer = true,
            }
        }
        drop(rows);
        if newer {
            let mut rows = asked(lists, before + SPAN, part).fetch(self.pool());
            while let Some(row) = rows.try_next().await? {
                let list: &[u8] = row.try_get_unchecked("entries")?;
                let list: Newest<S> = serde_json::from_slice(list)?;
                if let Some(sums) = list.sums_before(before) {
                    found.insert(key(&row)?, sums);
                }
            }
        }
        Ok(found)
    }
}

fn judged(row: &MySqlRow) -> Result<JudgedSeries, StoreError> {
    Ok(JudgedSeries {
        series: series_id(row)?,
        sla: parsed(row, "sla")?,
        version: row.try_get("version")?,
        objective: parsed(row, "objective")?,
    })
}

fn asked(
    statement: &'static str,
    since: Timestamp,
    part: Part,
) -> sqlx::query::Query<'static, sqlx::MySql, sqlx::mysql::MySqlArguments> {
    sqlx::query(statement)
        .bind(column_time(since))
        .bind(part.of)
        .bind(part.index)
}
