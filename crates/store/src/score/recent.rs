//! The newest scores of every series, and of every objective on it.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use domain::{
    SeriesId, Timestamp,
    evaluation::RecentProbabilities,
    forecast::{HORIZON, MOST_RECENT, RecentScores},
    sla::{ObjectiveId, SlaName},
};
use futures::TryStreamExt;
use sqlx::{Row, mysql::MySqlRow};

use crate::{
    Store, StoreError,
    read::{column_time, parsed, read_time, series_id},
};

/// Of each series the first forecast in each of the last hundred 10 minutes of the clock: two index seeks for each, however
/// many forecasts there are. Twice as many as are summed up, because a schedule that is a second early now and then puts two
/// of them nearer than 600 s.
macro_rules! first_of_spans {
    () => {
        "(SELECT series_id, MIN(forecast_as_of) AS forecast_as_of FROM score FORCE INDEX (by_span) \
         WHERE span >= TO_SECONDS(?) DIV 600 - 100 AND span < TO_SECONDS(?) DIV 600 \
         GROUP BY span, series_id) f \
         JOIN score c ON c.series_id = f.series_id AND c.forecast_as_of = f.forecast_as_of"
    };
}

/// Their scores, the newest first.
const SCORES: &str = concat!(
    "SELECT c.series_id, c.forecast_as_of, c.observed, c.mae, c.mae_last_value, c.pinball, c.pinball_climatology FROM ",
    first_of_spans!(),
    " WHERE c.as_of < ? AND c.mae_last_value IS NOT NULL ORDER BY c.forecast_as_of DESC"
);

/// What came of the probabilities told with them, the newest first.
const OUTCOMES: &str = concat!(
    "SELECT o.sla, o.version, o.objective, o.series_id, o.forecast_as_of, o.base_rate, o.happened, \
     COALESCE(o.model_probability, o.probability) AS probability FROM ",
    first_of_spans!(),
    " JOIN objective_score o FORCE INDEX (by_series) \
     ON o.series_id = f.series_id AND o.forecast_as_of = f.forecast_as_of \
     WHERE c.as_of < ? AND c.mae_last_value IS NOT NULL AND o.base_rate IS NOT NULL AND o.happened IS NOT NULL \
     ORDER BY o.forecast_as_of DESC"
);

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
    /// The newest [`MOST_RECENT`] scored forecasts of each series that are at least 600 s apart and were scored by runs
    /// before `before`, summed up; none for a series with fewer in 1,000 minutes. Of each 10 minutes of the clock the
    /// first forecast is looked at.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn recent_scores(
        &self,
        before: Timestamp,
    ) -> Result<HashMap<SeriesId, RecentScores>, StoreError> {
        let time = column_time(before);
        let mut rows = sqlx::query(SCORES)
            .bind(time)
            .bind(time)
            .bind(time)
            .fetch(self.pool());
        let mut found: HashMap<SeriesId, Apart<RecentScores>> = HashMap::new();
        while let Some(row) = rows.try_next().await? {
            let apart = found.entry(series_id(&row)?).or_insert_with(|| {
                Apart::new(RecentScores {
                    before: Some(before),
                    pinball_climatology: Some(0.0),
                    ..RecentScores::default()
                })
            });
            if let Some(sums) = apart.next(&row)? {
                add(sums, &row)?;
            }
        }
        Ok(complete(found))
    }

    /// What came after the forecasts that [`Store::recent_scores`] looks at, next to the probabilities of every objective
    /// that was judged on the series, summed up; none for an objective with fewer than [`MOST_RECENT`] probabilities of
    /// which it is known what came.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn recent_probabilities(
        &self,
        before: Timestamp,
    ) -> Result<HashMap<JudgedSeries, RecentProbabilities>, StoreError> {
        let time = column_time(before);
        let mut rows = sqlx::query(OUTCOMES)
            .bind(time)
            .bind(time)
            .bind(time)
            .fetch(self.pool());
        let mut found: HashMap<JudgedSeries, Apart<RecentProbabilities>> = HashMap::new();
        while let Some(row) = rows.try_next().await? {
            let judged = JudgedSeries {
                series: series_id(&row)?,
                sla: parsed(&row, "sla")?,
                version: row.try_get("version")?,
                objective: parsed(&row, "objective")?,
            };
            let apart = found.entry(judged).or_insert_with(|| {
                Apart::new(RecentProbabilities {
                    before: Some(before),
                    ..RecentProbabilities::default()
                })
            });
            if let Some(sums) = apart.next(&row)? {
                let happened = f64::from(u8::from(row.try_get::<bool, _>("happened")?));
                let square = |said: f64| (said - happened) * (said - happened);
                sums.forecasts += 1;
                sums.events += happened as u64;
                sums.squares += square(row.try_get("probability")?);
                sums.squares_base_rate += square(row.try_get("base_rate")?);
            }
        }
        Ok(complete(found))
    }
}

/// Sums over forecasts that come newest first, as far as these are at least 600 s apart.
struct Apart<Sums> {
    sums: Sums,
    /// How many are summed up.
    forecasts: u64,
    /// The oldest of them.
    last: Option<Timestamp>,
}

impl<Sums> Apart<Sums> {
    fn new(nothing: Sums) -> Self {
        Self {
            sums: nothing,
            forecasts: 0,
            last: None,
        }
    }

    /// The sums, if the forecast in this row belongs to them.
    fn next(&mut self, row: &MySqlRow) -> Result<Option<&mut Sums>, StoreError> {
        let as_of = read_time(row.try_get::<NaiveDateTime, _>("forecast_as_of")?);
        let is_apart = self.last.is_none_or(|last| as_of + HORIZON <= last);
        if !is_apart || self.forecasts == MOST_RECENT {
            return Ok(None);
        }
        self.last = Some(as_of);
        self.forecasts += 1;
        Ok(Some(&mut self.sums))
    }
}

/// The sums over [`MOST_RECENT`] forecasts.
fn complete<Key: std::hash::Hash + Eq, Sums>(
    found: HashMap<Key, Apart<Sums>>,
) -> HashMap<Key, Sums> {
    found
        .into_iter()
        .filter(|(_, apart)| apart.forecasts == MOST_RECENT)
        .map(|(key, apart)| (key, apart.sums))
        .collect()
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
