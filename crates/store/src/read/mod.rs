//! What the retrieval function reads: one page of a list at a time, by index, in the order of metric, series, `as_of` and
//! window.

mod documents;
mod health;
pub(crate) mod history;
mod metrics;
mod paging;
mod runs;
mod series;

pub use documents::{DocumentKey, DocumentRow, SeriesDocument};
pub(crate) use documents::{about, document};
pub use health::RunHealth;
pub use metrics::{MetricKey, MetricRow};
pub use runs::RunKey;
pub use series::{SeriesKey, SeriesRow};

use std::{error::Error, str::FromStr};

use chrono::NaiveDateTime;
use domain::{Labels, SeriesId, Timestamp};
use serde::{Deserialize, Deserializer, de::Error as _};
use sqlx::{Row, mysql::MySqlRow, types::Json};

use crate::StoreError;

/// Which rows a list shows.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Of this metric alone.
    pub metric: Option<String>,
    /// Of series that carry all of these labels.
    pub labels: Labels,
    /// Of runs not before this `as_of`.
    pub from: Option<Timestamp>,
    /// Of runs not after this `as_of`. Without `from` and `to`: the newest row of each series.
    pub to: Option<Timestamp>,
    /// Nothing later than this is shown, so that the pages of a list show one moment.
    pub pinned: Timestamp,
    /// The most rows of a page, 1 to 1000.
    pub limit: u32,
}

impl Selection {
    /// Whether no time is left between `from` and `to`, as where a run is asked for that is not between them.
    pub(crate) fn is_empty(&self) -> bool {
        self.from.zip(self.to).is_some_and(|(from, to)| from > to)
    }
}

/// A part of a list, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// Whether there are rows after them.
    pub more: bool,
}

impl<R> Page<R> {
    /// The page of `rows`, which were asked for with one more than `limit`.
    pub(crate) fn cut(mut rows: Vec<R>, limit: u32) -> Self {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        Self { rows, more }
    }

    pub(crate) fn try_map<T>(
        self,
        read: impl Fn(&R) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        Ok(Page {
            rows: self.rows.iter().map(read).collect::<Result<_, _>>()?,
            more: self.more,
        })
    }
}

/// The series' id in a row.
pub(crate) fn series_id(row: &MySqlRow) -> Result<SeriesId, StoreError> {
    let text: &str = row.try_get("series_id")?;
    text.parse().map_err(unexpected)
}

/// A text of a row as the type that keeps its rule.
pub(crate) fn parsed<T>(row: &MySqlRow, column: &str) -> Result<T, StoreError>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    let text: &str = row.try_get(column)?;
    text.parse().map_err(unexpected)
}

/// The series' labels in a row.
pub(crate) fn labels(row: &MySqlRow) -> Result<Labels, StoreError> {
    let Json(labels) = row.try_get("labels")?;
    Ok(labels)
}

/// That a column holds something nobody stores there.
pub(crate) fn unexpected(error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unexpected(sqlx::Error::Decode(Box::new(error)))
}

/// A text of a key that came from outside and is compared with a column that holds ASCII: MySQL refuses to compare it with
/// any other.
pub(crate) fn ascii<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_ascii() {
        Ok(text)
    } else {
        Err(D::Error::custom("must be ASCII"))
    }
}

/// A time as the columns hold it.
pub(crate) fn column_time(time: Timestamp) -> NaiveDateTime {
    time.to_utc().naive_utc()
}

/// A time from a column.
pub(crate) fn read_time(time: NaiveDateTime) -> Timestamp {
    time.and_utc().into()
}
