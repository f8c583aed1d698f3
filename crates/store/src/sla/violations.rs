//! The violations that are kept of an SLA, newest start first: the end of one that goes on moves, its start does not.

use std::collections::BTreeMap;

use domain::{
    Series, SeriesId, Timestamp,
    evaluation::{Episode, Side},
};
use serde::{Deserialize, Serialize};
use sqlx::{MySql, QueryBuilder, Row, mysql::MySqlRow};

use super::stored_episodes::episode;
use crate::{
    Store, StoreError,
    read::{Page, Selection, column_time, series_id},
};

/// A violation that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ViolationRow {
    /// The objective's id.
    pub objective: String,
    /// The version of the SLA that was judged.
    pub version: u32,
    /// The series.
    pub series: Series,
    /// Its id.
    pub id: SeriesId,
    /// The violation.
    pub episode: Episode,
}

/// The key of a [`ViolationRow`] within its SLA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViolationKey {
    start: Timestamp,
    #[serde(deserialize_with = "crate::read::ascii")]
    objective: String,
    version: u32,
    series: SeriesId,
    side: Side,
}

impl ViolationRow {
    /// Its key.
    pub fn key(&self) -> ViolationKey {
        ViolationKey {
            start: self.episode.start,
            objective: self.objective.clone(),
            version: self.version,
            series: self.id,
            side: self.episode.side,
        }
    }
}

impl Store {
    /// The violations of an SLA that stand at any time of `selection`, of every version, after the one with key `after`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn violations(
        &self,
        name: &str,
        objective: Option<&str>,
        selection: &Selection,
        after: Option<&ViolationKey>,
    ) -> Result<Page<ViolationRow>, StoreError> {
        if selection.is_empty() {
            return Ok(Page::cut(Vec::new(), selection.limit));
        }
        let mut query = QueryBuilder::<MySql>::new(
            "SELECT e.objective, e.version, e.series_id, e.side, e.`start`, e.`end`, e.start_known, \
             e.ongoing AND NOT EXISTS (SELECT 1 FROM sla n WHERE n.name = e.sla AND (n.version > e.version \
             OR n.version = e.version AND n.retired_at IS NOT NULL)) AS ongoing, e.worst, e.worst_infinite FROM episode e",
        );
        let has_filter = selection.metric.is_some() || !selection.labels.0.is_empty();
        if has_filter {
            query.push(" JOIN series s ON s.series_id = e.series_id");
            selection.push_label_joins(&mut query);
        } else if objective.is_none() && selection.from.is_none() {
            // All of them qualify; the index gives their order, so that no more are read than are asked for.
            query.push(" FORCE INDEX (by_start)");
        }
        query.push(" WHERE e.sla = ").push_bind(name);
        if let Some(objective) = objective {
            query.push(" AND e.objective = ").push_bind(objective);
        }
        if let Some(metric) = &selection.metric {
            query.push(" AND s.metric = ").push_bind(metric);
        }
        let (from, to) = selection.span();
        query.push(" AND e.`start` <= ").push_bind(to);
        if let Some(from) = from {
            query.push(" AND e.`end` > ").push_bind(from);
        }
        if let Some(key) = after {
            push_after(&mut query, key);
        }
        query
            .push(
                " ORDER BY e.`start` DESC, e.objective DESC, e.version DESC, e.series_id DESC, \
                 e.side DESC LIMIT ",
            )
            .push_bind(selection.limit + 1);
        let rows = query.build().fetch_all(self.pool()).await?;
        let page = Page::cut(rows, selection.limit);
        let ids = page.rows.iter().map(series_id);
        let named = self.series_named(ids.collect::<Result<_, _>>()?).await?;
        page.try_map(|row| read(row, &named))
    }
}

/// The rows that come after the one with that key.
fn push_after(query: &mut QueryBuilder<MySql>, key: &ViolationKey) {
    let start = column_time(key.start);
    let series = key.series.to_string();
    query.push(" AND e.`start` <= ").push_bind(start);
    query.push(" AND (e.`start` < ").push_bind(start);
    query
        .push(" OR (e.objective, e.version, e.series_id) < (")
        .push_bind(key.objective.clone());
    query.push(", ").push_bind(key.version);
    query.push(", ").push_bind(series.clone());
    query
        .push(") OR (e.objective = ")
        .push_bind(key.objective.clone());
    query.push(" AND e.version = ").push_bind(key.version);
    query.push(" AND e.series_id = ").push_bind(series);
    // A column of words is ordered by their number, and compared with a text as one.
    let side = match key.side {
        Side::Below => 1_u32,
        Side::Above => 2,
    };
    query.push(" AND e.side + 0 < ").push_bind(side).push("))");
}

fn read(row: &MySqlRow, named: &BTreeMap<SeriesId, Series>) -> Result<ViolationRow, StoreError> {
    let (objective, id, episode) = episode(row)?;
    let series = named.get(&id).cloned();
    Ok(ViolationRow {
        objective,
        version: row.try_get("version")?,
        series: series.ok_or(StoreError::Unexpected(sqlx::Error::RowNotFound))?,
        id,
        episode,
    })
}
