use domain::{Labels, SeriesId, Timestamp, Window, message::WindowSummary};
use serde::{Deserialize, Serialize};
use sqlx::{Row, mysql::MySqlRow};

use super::{
    Page, Selection,
    paging::{Position, Positioned, Table},
};
use crate::{Store, StoreError};

/// The summary of one window of a series in one run.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRow {
    /// The metric's name.
    pub metric: String,
    /// The series' id.
    pub series: SeriesId,
    /// The series' labels.
    pub labels: Labels,
    /// When the run looked at it.
    pub as_of: Timestamp,
    /// The summary.
    pub summary: WindowSummary,
}

/// The key of a [`MetricRow`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricKey {
    metric: String,
    series: SeriesId,
    as_of: Timestamp,
    window: Window,
}

const TABLE: Table = Table {
    name: "metrics",
    columns: "t.`window`, t.samples, t.`min`, t.`max`, t.average, t.std, t.coverage",
    joins: "",
    // An ENUM is compared as the text it is, and ordered by its number.
    ordinal: Some("t.`window` + 0"),
    rows_per_run: 3,
};

impl MetricRow {
    /// Its key.
    pub fn key(&self) -> MetricKey {
        MetricKey {
            metric: self.metric.clone(),
            series: self.series,
            as_of: self.as_of,
            window: self.summary.window,
        }
    }
}

impl Store {
    /// The summaries of `selection`, of `window` alone if it is given, after the row with key `after`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn metrics(
        &self,
        selection: &Selection,
        window: Option<Window>,
        after: Option<MetricKey>,
    ) -> Result<Page<MetricRow>, StoreError> {
        let after = after.map(|key| Position {
            metric: key.metric,
            series: key.series,
            as_of: key.as_of,
            ordinal: ordinal(key.window),
        });
        self.page(&TABLE, selection, window.map(ordinal), after, read)
            .await
    }
}

impl Positioned for MetricRow {
    fn position(&self) -> Position {
        Position {
            metric: self.metric.clone(),
            series: self.series,
            as_of: self.as_of,
            ordinal: ordinal(self.summary.window),
        }
    }
}

fn ordinal(window: Window) -> u32 {
    1 + window as u32
}

fn read(row: &MySqlRow) -> Result<MetricRow, StoreError> {
    let as_of = super::read_time(row.try_get("as_of")?);
    let name: String = row.try_get("window")?;
    let window: Window = name.parse().map_err(super::unexpected)?;
    Ok(MetricRow {
        metric: row.try_get("metric")?,
        series: super::series_id(row)?,
        labels: super::labels(row)?,
        as_of,
        summary: WindowSummary {
            window,
            start: as_of - window.length(),
            end: as_of,
            samples: u64::from(row.try_get::<u32, _>("samples")?),
            min: row.try_get("min")?,
            max: row.try_get("max")?,
            average: row.try_get("average")?,
            std: row.try_get("std")?,
            coverage: row.try_get("coverage")?,
        },
    })
}
