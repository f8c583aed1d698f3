use domain::{Labels, SeriesId, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Row, mysql::MySqlRow};

use super::{Page, Selection, column_time, read_time};
use crate::{Store, StoreError};

/// A series that was ever seen.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesRow {
    /// The metric's name.
    pub metric: String,
    /// Its id.
    pub id: SeriesId,
    /// Its labels.
    pub labels: Labels,
    /// What its values are measured in.
    pub unit: Option<String>,
    /// Its oldest sample that was ever seen.
    pub first_seen: Timestamp,
    /// Its newest.
    pub last_seen: Timestamp,
}

/// The key of a [`SeriesRow`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesKey {
    metric: String,
    series: SeriesId,
}

impl SeriesRow {
    /// Its key.
    pub fn key(&self) -> SeriesKey {
        SeriesKey {
            metric: self.metric.clone(),
            series: self.id,
        }
    }
}

impl Store {
    /// The series of `selection` after the one with key `after`. With one and the same `from` and `to`: those that run
    /// summarised; with others: those that had samples in between.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn series(
        &self,
        selection: &Selection,
        after: Option<SeriesKey>,
    ) -> Result<Page<SeriesRow>, StoreError> {
        if selection.is_empty() {
            return Ok(Page::cut(Vec::new(), selection.limit));
        }
        let mut query = QueryBuilder::new(
            "SELECT s.metric, s.series_id, s.labels, s.unit, s.first_seen, s.last_seen FROM series s",
        );
        selection.push_series_joins(&mut query);
        let after = after.as_ref().map(|key| (&*key.metric, key.series));
        selection.push_series_conditions(&mut query, after);
        match (selection.from, selection.to) {
            (Some(from), Some(to)) if from == to => {
                query.push(" AND (SELECT x.as_of FROM metrics x WHERE x.series_id = s.series_id AND x.as_of = ");
                query
                    .push_bind(column_time(from))
                    .push(" LIMIT 1) IS NOT NULL");
            }
            (from, to) => {
                if let Some(from) = from {
                    query
                        .push(" AND s.last_seen >= ")
                        .push_bind(column_time(from));
                }
                if let Some(to) = to {
                    query
                        .push(" AND s.first_seen <= ")
                        .push_bind(column_time(to));
                }
            }
        }
        query
            .push(" ORDER BY s.metric, s.series_id LIMIT ")
            .push_bind(selection.limit + 1);
        let rows = query.build().fetch_all(self.pool()).await?;
        Page::cut(rows, selection.limit).try_map(read)
    }
}

fn read(row: &MySqlRow) -> Result<SeriesRow, StoreError> {
    Ok(SeriesRow {
        metric: row.try_get("metric")?,
        id: super::series_id(row)?,
        labels: super::labels(row)?,
        unit: row.try_get("unit")?,
        first_seen: read_time(row.try_get("first_seen")?),
        last_seen: read_time(row.try_get("last_seen")?),
    })
}
