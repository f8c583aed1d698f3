//! `recent_score` and `recent_probability`: the newest scores of a series, and of each objective on it, in one row each.
//!
//! They follow from `score` and `objective_score`, which are written before: of each 10 minutes of the clock that a score
//! came for, the first scored forecast is looked up. So it does not matter in which order, or how often, scores come.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDateTime;
use domain::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{
    Arguments, MySql, MySqlConnection, QueryBuilder, Row as _,
    error::BoxDynError,
    mysql::{MySqlArguments, MySqlRow},
};

use super::{
    document::{Document, Entry},
    upsert::{Row, upsert},
};
use crate::{
    StoreError,
    read::{column_time, read_time},
    score::newest::{Errors, Kept, Newest, Outcome, Scored, span_of, start_of},
};

/// How much is asked for by one statement.
const AT_ONCE: usize = 64;

/// SLA, version and objective.
type Name = (String, u32, String);
/// The spans of the clock that a series has scores for.
type Spans<'a> = BTreeMap<&'a str, BTreeSet<i64>>;
/// The first scored forecast of a series in a span.
type Firsts = HashMap<(String, i64), Kept<Errors>>;
/// By series, what there is of each objective.
type Probabilities = BTreeMap<String, BTreeMap<Name, Newest<Outcome>>>;

/// Brings the rows of the series that were scored up to date.
pub(super) async fn write(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    let changed = changed(connection, entries).await?;
    if changed.is_empty() {
        return Ok(());
    }
    let firsts = firsts(connection, &changed).await?;
    let outcomes = outcomes(connection, &firsts).await?;
    let ids: Vec<&str> = changed.keys().copied().collect();
    let mut scores = stored_scores(connection, &ids).await?;
    let mut probabilities = stored_probabilities(connection, &ids).await?;
    let (mut score_rows, mut probability_rows) = (Vec::new(), Vec::new());
    for (series, spans) in changed {
        let mut list = scores.remove(series).unwrap_or_default();
        let mut lists = probabilities.remove(series).unwrap_or_default();
        let before = lists.clone();
        for span in &spans {
            let first = firsts.get(&(series.to_owned(), *span)).copied();
            list.set(*span, first);
            let told =
                first.and_then(|Kept(forecast, ..)| outcomes.get(&(series.to_owned(), forecast)));
            for (name, outcome) in told.into_iter().flatten() {
                let list = lists.entry(name.clone()).or_default();
                let kept = first.map(|Kept(forecast, scored, _)| Kept(forecast, scored, *outcome));
                list.set(*span, kept);
            }
            for (name, list) in &mut lists {
                if told.is_none_or(|told| !told.contains_key(name)) {
                    list.set(*span, None);
                }
            }
        }
        for (name, list) in lists {
            let stored = before.get(&name);
            if list.is_empty() && stored.is_some() {
                forget_probabilities(connection, series, &name).await?;
            } else if !list.is_empty() && stored != Some(&list) {
                probability_rows.push(ProbabilityRow::new(series, name, &list)?);
            }
        }
        if list.is_empty() {
            forget_scores(connection, series).await?;
        } else {
            score_rows.push(ScoreRow::new(series, &list)?);
        }
    }
    upsert(connection, score_rows).await?;
    upsert(connection, probability_rows).await
}

/// The spans in which the first scored forecast may be another one than before. Where the newest one is of that span
/// already, later forecasts change nothing: so it is for nearly all scores.
async fn changed<'a>(
    connection: &mut MySqlConnection,
    entries: &'a [Entry<'_>],
) -> Result<Spans<'a>, StoreError> {
    let mut earliest = BTreeMap::<(&str, i64), Timestamp>::new();
    for entry in entries {
        if let Document::Score(document) = entry.document {
            let time = document.forecast_as_of;
            let known = earliest.entry((&entry.series_id, span_of(time)));
            known
                .and_modify(|known| *known = time.min(*known))
                .or_insert(time);
        }
    }
    let ids: BTreeSet<&str> = earliest.keys().map(|(series, _)| *series).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let newest = "SELECT series_id, newest_forecast FROM recent_score WHERE series_id IN (";
    let mut firsts = HashMap::new();
    for row in of_series(connection, newest, &ids).await? {
        let first = read_time(row.try_get::<NaiveDateTime, _>("newest_forecast")?);
        firsts.insert(row.try_get::<String, _>("series_id")?, first);
    }
    let mut changed = Spans::new();
    for ((series, span), time) in earliest {
        let first = firsts.get(series);
        if first.is_none_or(|first| span_of(*first) != span || time <= *first) {
            changed.entry(series).or_default().insert(span);
        }
    }
    Ok(changed)
}

/// The rows of these series.
async fn of_series(
    connection: &mut MySqlConnection,
    statement: &'static str,
    ids: &[&str],
) -> Result<Vec<MySqlRow>, StoreError> {
    let mut rows = Vec::new();
    for ids in ids.chunks(AT_ONCE) {
        let mut query = QueryBuilder::<MySql>::new(statement);
        let mut list = query.separated(",");
        for id in crate::sla::filled(ids) {
            list.push_bind(*id);
        }
        query.push(")");
        rows.extend(query.build().fetch_all(&mut *connection).await?);
    }
    Ok(rows)
}

async fn firsts(
    connection: &mut MySqlConnection,
    changed: &Spans<'_>,
) -> Result<Firsts, StoreError> {
    let wanted: Vec<(&str, i64)> = changed
        .iter()
        .flat_map(|(series, spans)| spans.iter().map(|span| (*series, *span)))
        .collect();
    let mut firsts = Firsts::new();
    for wanted in wanted.chunks(AT_ONCE) {
        let mut query = QueryBuilder::<MySql>::new("");
        for (place, (series, span)) in crate::sla::filled(wanted).enumerate() {
            let (Some(start), Some(end)) = (start_of(*span), start_of(span + 1)) else {
                continue;
            };
            query.push(if place == 0 { "" } else { " UNION ALL " });
            query
                .push(
                    "(SELECT series_id, forecast_as_of, as_of, observed, mae, mae_last_value, pinball, \
                     pinball_climatology FROM score WHERE series_id = ",
                )
                .push_bind(*series)
                .push(" AND forecast_as_of >= ")
                .push_bind(column_time(start))
                .push(" AND forecast_as_of < ")
                .push_bind(column_time(end))
                .push(
                    " AND as_of IS NOT NULL AND mae_last_value IS NOT NULL \
                     ORDER BY forecast_as_of LIMIT 1)",
                );
        }
        for row in query.build().fetch_all(&mut *connection).await? {
            let forecast = read_time(row.try_get::<NaiveDateTime, _>("forecast_as_of")?);
            let scored = read_time(row.try_get::<NaiveDateTime, _>("as_of")?);
            let errors = Errors(
                row.try_get("observed")?,
                row.try_get("mae")?,
                row.try_get("mae_last_value")?,
                row.try_get("pinball")?,
                row.try_get("pinball_climatology")?,
            );
            let key = (row.try_get("series_id")?, span_of(forecast));
            firsts.insert(key, Kept(forecast.millis(), scored.millis(), errors));
        }
    }
    Ok(firsts)
}

/// What came of the probabilities told with the first forecasts, by series and forecast.
async fn outcomes(
    connection: &mut MySqlConnection,
    firsts: &Firsts,
) -> Result<HashMap<(String, i64), BTreeMap<Name, Outcome>>, StoreError> {
    let mut wanted: Vec<(&str, i64)> = firsts
        .iter()
        .map(|((series, _), Kept(forecast, ..))| (&**series, *forecast))
        .collect();
    wanted.sort_unstable();
    let mut outcomes = HashMap::<_, BTreeMap<Name, Outcome>>::new();
    for wanted in wanted.chunks(AT_ONCE) {
        let mut query = QueryBuilder::<MySql>::new("");
        for (place, (series, forecast)) in crate::sla::filled(wanted).enumerate() {
            let Some(forecast) = Timestamp::from_millis(*forecast) else {
                continue;
            };
            query.push(if place == 0 { "" } else { " UNION " });
            query
                .push(
                    "(SELECT series_id, forecast_as_of, sla, version, objective, \
                     COALESCE(model_probability, probability) AS probability, base_rate, happened \
                     FROM objective_score FORCE INDEX (by_series) WHERE series_id = ",
                )
                .push_bind(*series)
                .push(" AND forecast_as_of = ")
                .push_bind(column_time(forecast))
                .push(" AND base_rate IS NOT NULL AND happened IS NOT NULL)");
        }
        for row in query.build().fetch_all(&mut *connection).await? {
            let forecast = read_time(row.try_get::<NaiveDateTime, _>("forecast_as_of")?);
            let key = (row.try_get("series_id")?, forecast.millis());
            let outcome = Outcome(
                row.try_get("probability")?,
                row.try_get("base_rate")?,
                row.try_get("happened")?,
            );
            outcomes
                .entry(key)
                .or_default()
                .insert(name(&row)?, outcome);
        }
    }
    Ok(outcomes)
}

async fn stored_scores(
    connection: &mut MySqlConnection,
    ids: &[&str],
) -> Result<HashMap<String, Newest<Errors>>, StoreError> {
    let statement = "SELECT series_id, entries FROM recent_score WHERE series_id IN (";
    let rows = of_series(connection, statement, ids).await?;
    let stored = rows
        .iter()
        .map(|row| Ok((row.try_get("series_id")?, list(row)?)));
    stored.collect()
}

async fn stored_probabilities(
    connection: &mut MySqlConnection,
    ids: &[&str],
) -> Result<Probabilities, StoreError> {
    let statement = "SELECT series_id, sla, version, objective, entries FROM recent_probability \
                     WHERE series_id IN (";
    let mut stored = Probabilities::new();
    for row in of_series(connection, statement, ids).await? {
        let lists = stored.entry(row.try_get("series_id")?).or_default();
        lists.insert(name(&row)?, list(&row)?);
    }
    Ok(stored)
}

fn name(row: &MySqlRow) -> Result<Name, StoreError> {
    Ok((
        row.try_get("sla")?,
        row.try_get("version")?,
        row.try_get("objective")?,
    ))
}

fn list<S: DeserializeOwned>(row: &MySqlRow) -> Result<Newest<S>, StoreError> {
    let entries: &[u8] = row.try_get_unchecked("entries")?;
    Ok(serde_json::from_slice(entries)?)
}

async fn forget_scores(connection: &mut MySqlConnection, series: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM recent_score WHERE series_id = ?")
        .bind(series)
        .execute(connection)
        .await?;
    Ok(())
}

async fn forget_probabilities(
    connection: &mut MySqlConnection,
    series: &str,
    (sla, version, objective): &Name,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM recent_probability \
         WHERE series_id = ? AND sla = ? AND version = ? AND objective = ?",
    )
    .bind(series)
    .bind(sla)
    .bind(version)
    .bind(objective)
    .execute(connection)
    .await?;
    Ok(())
}

/// What both tables have of a list that is not empty.
#[derive(Debug)]
struct Columns {
    newest: NaiveDateTime,
    newest_forecast: NaiveDateTime,
    sums: String,
    entries: String,
}

impl Columns {
    fn of<S: Scored<Sums: Serialize> + Serialize>(list: &Newest<S>) -> Result<Self, StoreError> {
        let time = |time: Option<Timestamp>| column_time(time.unwrap_or(Timestamp::EPOCH));
        Ok(Self {
            newest: time(list.scored_at()),
            newest_forecast: time(list.forecast_at()),
            sums: serde_json::to_string(&list.sums())?,
            entries: serde_json::to_string(list)?,
        })
    }
}

#[derive(Debug)]
struct ScoreRow<'a> {
    series_id: &'a str,
    columns: Columns,
}

impl<'a> ScoreRow<'a> {
    fn new(series_id: &'a str, list: &Newest<Errors>) -> Result<Self, StoreError> {
        let columns = Columns::of(list)?;
        Ok(Self { series_id, columns })
    }
}

impl<'a> Row for ScoreRow<'a> {
    const INTO: &'static str =
        "INSERT INTO recent_score (series_id, newest, newest_forecast, sums, entries) VALUES";
    const COLUMNS: usize = 5;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE newest = VALUES(newest), \
        newest_forecast = VALUES(newest_forecast), sums = VALUES(sums), entries = VALUES(entries)";
    type Key = &'a str;

    fn key(&self) -> &'a str {
        self.series_id
    }

    fn bytes(&self) -> usize {
        self.columns.sums.len() + self.columns.entries.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.series_id)?;
        arguments.add(self.columns.newest)?;
        arguments.add(self.columns.newest_forecast)?;
        arguments.add(self.columns.sums.as_str())?;
        arguments.add(self.columns.entries.as_str())
    }
}

#[derive(Debug)]
struct ProbabilityRow<'a> {
    series_id: &'a str,
    name: Name,
    columns: Columns,
}

impl<'a> ProbabilityRow<'a> {
    fn new(series_id: &'a str, name: Name, list: &Newest<Outcome>) -> Result<Self, StoreError> {
        let columns = Columns::of(list)?;
        Ok(Self {
            series_id,
            name,
            columns,
        })
    }
}

impl<'a> Row for ProbabilityRow<'a> {
    const INTO: &'static str = "INSERT INTO recent_probability (series_id, sla, version, objective, \
        newest, sums, entries) VALUES";
    const COLUMNS: usize = 7;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE newest = VALUES(newest), \
        sums = VALUES(sums), entries = VALUES(entries)";
    type Key = (&'a str, Name);

    fn key(&self) -> Self::Key {
        (self.series_id, self.name.clone())
    }

    fn bytes(&self) -> usize {
        self.columns.sums.len() + self.columns.entries.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        let (sla, version, objective) = &self.name;
        arguments.add(self.series_id)?;
        arguments.add(sla.as_str())?;
        arguments.add(version)?;
        arguments.add(objective.as_str())?;
        arguments.add(self.columns.newest)?;
        arguments.add(self.columns.sums.as_str())?;
        arguments.add(self.columns.entries.as_str())
    }
}
