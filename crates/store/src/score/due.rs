//! The forecasts a run has to score.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use chrono::NaiveDateTime;
use domain::{
    Finding, Part, SeriesId, Timestamp,
    forecast::{Forecast, HORIZON},
    message::{About, PredictionDocument, SeriesReference},
    score::FORECAST_GONE,
    sla::{Objective, SlaName},
};
use futures::TryStreamExt;
use sqlx::{Row, mysql::MySqlRow};
use tokio::time::{Instant, timeout_at};

use crate::{
    Store, StoreError,
    read::{about, column_time, document, parsed, read_time, series_id},
};

/// A forecast whose horizon is over and that nobody has scored.
#[derive(Clone, Debug, PartialEq)]
pub struct DueForecast {
    /// Its series.
    pub series: SeriesReference,
    /// Its present.
    pub as_of: Timestamp,
    /// The name of its model.
    pub model: String,
    /// What it said, without its long array; or that it is stored no more.
    pub forecast: Finding<Forecast>,
    /// The probabilities that were published with it, once they are added.
    pub probabilities: Vec<DueProbability>,
}

/// A probability of a violation that was published with a forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct DueProbability {
    /// The SLA's name.
    pub sla: SlaName,
    /// The version that was judged.
    pub version: u32,
    /// The objective, as that version has it.
    pub objective: Arc<Objective>,
    /// The probability, 0 to 1.
    pub probability: f64,
    /// What the model said, where the base rate was published instead.
    pub model_probability: Option<f64>,
    /// The base rate of the 12 h before.
    pub base_rate: Option<f64>,
}

/// The forecasts nobody has scored, and those that this very run has: a run that is repeated publishes the same again.
const DUE: &str = "SELECT q.series_id, q.forecast_as_of, q.model, s.metric, s.labels, s.unit, p.document, p.packed FROM ( \
    (SELECT series_id, forecast_as_of, model FROM score FORCE INDEX (by_run) \
     WHERE as_of IS NULL AND forecast_as_of <= ? AND CONV(LEFT(series_id, 8), 16, 10) % ? = ? \
     ORDER BY forecast_as_of LIMIT ?) \
    UNION \
    (SELECT series_id, forecast_as_of, model FROM score FORCE INDEX (by_run) \
     WHERE as_of IS NULL AND forecast_as_of <= ? AND CONV(LEFT(series_id, 8), 16, 10) % ? = ? \
     ORDER BY forecast_as_of DESC LIMIT ?) \
    UNION \
    (SELECT series_id, forecast_as_of, model FROM score FORCE INDEX (by_run) \
     WHERE as_of = ? AND CONV(LEFT(series_id, 8), 16, 10) % ? = ? \
     ORDER BY forecast_as_of LIMIT ?)) q \
    JOIN series s ON s.series_id = q.series_id \
    LEFT JOIN prediction p ON p.series_id = q.series_id AND p.as_of = q.forecast_as_of \
    ORDER BY q.forecast_as_of, q.series_id";

const PROBABILITIES: &str = "SELECT v.sla, v.version, v.objective, v.series_id, \
    JSON_EXTRACT(v.document, '$.outlook.probability') AS probability, \
    JSON_EXTRACT(v.document, '$.outlook.model_probability') AS model_probability, \
    JSON_EXTRACT(v.document, '$.outlook.base_rate') AS base_rate, o.document AS objective_document \
    FROM violation v FORCE INDEX (by_time) JOIN sla_objective o \
    ON o.sla = v.sla AND o.version = v.version AND o.objective = v.objective \
    WHERE v.as_of = ? AND v.series_id <> '' AND CONV(LEFT(v.series_id, 8), 16, 10) % ? = ? \
    ORDER BY v.sla, v.version, v.objective, v.series_id";

impl Store {
    /// The forecasts of the series of `part` that a run at `as_of` has to score: those whose horizon is over and that no run before it has scored,
    /// at most `most` of each. Half of them are the oldest that wait and half the newest, so that a metric that cannot be
    /// fetched for hours keeps nobody waiting but its own. The oldest first, without their probabilities.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn due_forecasts(
        &self,
        as_of: Timestamp,
        most: u32,
        part: Part,
    ) -> Result<Vec<DueForecast>, StoreError> {
        let mut rows = sqlx::query(DUE)
            .bind(column_time(as_of - HORIZON))
            .bind(part.of)
            .bind(part.index)
            .bind(most.div_ceil(2))
            .bind(column_time(as_of - HORIZON))
            .bind(part.of)
            .bind(part.index)
            .bind(most.div_ceil(2))
            .bind(column_time(as_of))
            .bind(part.of)
            .bind(part.index)
            .bind(most)
            .fetch(self.pool());
        let mut due = Vec::new();
        while let Some(row) = rows.try_next().await? {
            due.push(read(&row)?);
        }
        Ok(due)
    }

    /// Adds the probabilities that were published with forecasts of the series of `part`. Those that are not read by `until`
    /// are left to a later run, and so are their forecasts, which are taken out. The newest times and the oldest take
    /// turns, so that neither keeps the other waiting.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn add_probabilities(
        &self,
        due: &mut Vec<DueForecast>,
        part: Part,
        until: Instant,
    ) -> Result<(), StoreError> {
        let times: BTreeSet<Timestamp> = due.iter().map(|forecast| forecast.as_of).collect();
        let mut times = times.into_iter();
        let positions: HashMap<_, _> = due
            .iter()
            .enumerate()
            .map(|(position, forecast)| ((forecast.series.series, forecast.as_of), position))
            .collect();
        let mut read = HashSet::with_capacity(times.len());
        loop {
            let is_newest = read.len().is_multiple_of(2);
            let next = if is_newest {
                times.next_back()
            } else {
                times.next()
            };
            let Some(time) = next else { break };
            // A read that is polled once after its time may still succeed.
            if Instant::now() >= until {
                break;
            }
            let adding = self.add_probabilities_of(time, due, &positions, part);
            match timeout_at(until, adding).await {
                Ok(added) => added?,
                Err(_) => break,
            }
            read.insert(time);
        }
        due.retain(|forecast| read.contains(&forecast.as_of));
        Ok(())
    }

    /// Adds the probabilities of the forecasts of one time, which have these positions.
    async fn add_probabilities_of(
        &self,
        time: Timestamp,
        due: &mut [DueForecast],
        positions: &HashMap<(SeriesId, Timestamp), usize>,
        part: Part,
    ) -> Result<(), StoreError> {
        let mut rows = sqlx::query(PROBABILITIES)
            .bind(column_time(time))
            .bind(part.of)
            .bind(part.index)
            .fetch(self.pool());
        // The rows of one objective follow each other.
        let mut last: Option<(SlaName, u32, Arc<Objective>)> = None;
        while let Some(row) = rows.try_next().await? {
            let Some(position) = positions.get(&(series_id(&row)?, time)) else {
                continue;
            };
            let Some(probability) = number(&row, "probability")? else {
                continue;
            };
            let (sla, version): (SlaName, u32) = (parsed(&row, "sla")?, row.try_get("version")?);
            let id: &str = row.try_get("objective")?;
            let objective = match &last {
                Some((last_sla, last_version, objective))
                    if *last_sla == sla && *last_version == version && objective.id == id =>
                {
                    objective.clone()
                }
                _ => {
                    let document: &[u8] = row.try_get_unchecked("objective_document")?;
                    let objective: Arc<Objective> = Arc::new(serde_json::from_slice(document)?);
                    last = Some((sla.clone(), version, objective.clone()));
                    objective
                }
            };
            if let Some(forecast) = due.get_mut(*position) {
                forecast.probabilities.push(DueProbability {
                    sla,
                    version,
                    objective,
                    probability,
                    model_probability: number(&row, "model_probability")?,
                    base_rate: number(&row, "base_rate")?,
                });
            }
        }
        Ok(())
    }
}

/// A number that was taken out of a document, with all of its digits.
fn number(row: &MySqlRow, column: &str) -> Result<Option<f64>, StoreError> {
    let text: Option<&[u8]> = row.try_get_unchecked(column)?;
    Ok(serde_json::from_slice(text.unwrap_or(b"null"))?)
}

fn read(row: &MySqlRow) -> Result<DueForecast, StoreError> {
    let as_of = read_time(row.try_get::<NaiveDateTime, _>("forecast_as_of")?);
    let About {
        series,
        metric,
        labels,
        as_of,
    } = about(row, as_of)?;
    let published =
        document::<PredictionDocument>(row, "document", "packed", || about(row, as_of))?;
    Ok(DueForecast {
        series: SeriesReference {
            series,
            metric,
            labels,
            unit: row.try_get("unit")?,
        },
        as_of,
        model: row.try_get("model")?,
        forecast: published.map_or_else(
            || Finding::unknown(FORECAST_GONE),
            |published| published.forecast,
        ),
        probabilities: Vec::new(),
    })
}
