//! The newest scores of every series.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use domain::{
    SeriesId, Timestamp,
    evaluation::HORIZON,
    score::{MOST_RECENT, RecentScores},
};
use futures::TryStreamExt;
use sqlx::{Row, mysql::MySqlRow};

use crate::{
    Store, StoreError,
    read::{column_time, read_time, series_id},
};

/// Of each series the first forecast in each 10 minutes of the clock, in the last 12 h, newest first: two index seeks for
/// each, however many forecasts there are.
const FIRST_OF_SPANS: &str = "SELECT c.series_id, c.forecast_as_of, c.observed, c.mae, c.mae_last_value, \
    c.pinball, c.pinball_climatology FROM ( \
    SELECT series_id, MIN(forecast_as_of) AS forecast_as_of FROM score FORCE INDEX (by_span) \
    WHERE span >= TO_SECONDS(?) DIV 600 - 72 AND span < TO_SECONDS(?) DIV 600 \
    GROUP BY span, series_id) f \
    JOIN score c ON c.series_id = f.series_id AND c.forecast_as_of = f.forecast_as_of \
    WHERE c.as_of < ? AND c.mae_last_value IS NOT NULL \
    ORDER BY c.forecast_as_of DESC, c.series_id";

impl Store {
    /// The newest [`MOST_RECENT`] scored forecasts of each series that are at least 600 s apart and were scored by runs
    /// before `before`, summed up; none for a series with fewer in the last 12 h. Of each 10 minutes of the clock the
    /// first forecast is looked at.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn recent_scores(
        &self,
        before: Timestamp,
    ) -> Result<HashMap<SeriesId, RecentScores>, StoreError> {
        let time = column_time(before);
        let mut rows = sqlx::query(FIRST_OF_SPANS)
            .bind(time)
            .bind(time)
            .bind(time)
            .fetch(self.pool());
        let mut found: HashMap<SeriesId, (Timestamp, RecentScores)> = HashMap::new();
        while let Some(row) = rows.try_next().await? {
            let as_of = read_time(row.try_get::<NaiveDateTime, _>("forecast_as_of")?);
            let (last, sums) = found.entry(series_id(&row)?).or_insert_with(|| {
                let nothing = RecentScores {
                    before: Some(before),
                    pinball_climatology: Some(0.0),
                    ..RecentScores::default()
                };
                (as_of + HORIZON, nothing)
            });
            if sums.forecasts < MOST_RECENT && as_of + HORIZON <= *last {
                *last = as_of;
                add(sums, &row)?;
            }
        }
        let enough = found
            .into_iter()
            .filter(|(_, (_, sums))| sums.forecasts == MOST_RECENT);
        Ok(enough.map(|(series, (_, sums))| (series, sums)).collect())
    }
}

fn add(sums: &mut RecentScores, row: &MySqlRow) -> Result<(), StoreError> {
    let observed = f64::from(row.try_get::<u32, _>("observed")?);
    let climatology: Option<f64> = row.try_get("pinball_climatology")?;
    sums.forecasts += 1;
    sums.error += observed * row.try_get::<f64, _>("mae")?;
    sums.error_last_value += observed * row.try_get::<f64, _>("mae_last_value")?;
    sums.pinball += observed * row.try_get::<f64, _>("pinball")?;
    sums.pinball_climatology = sums
        .pinball_climatology
        .zip(climatology)
        .map(|(sum, loss)| sum + observed * loss);
    Ok(())
}
