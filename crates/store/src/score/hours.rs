//! Scores summed up by the hour of their forecasts.
//!
//! An hour is summed up once, a while after it is over, 64 parts of the series one after the other. A score that comes
//! later has the hours of its series summed up again by whoever stores it. So the sums are always those of the rows, in
//! whatever order those come and however often, and what is not summed up yet is read row by row. A program of before
//! that stores scores for a while leaves the hours where they are: they are summed up once this one runs again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use chrono::NaiveDateTime;
use domain::Timestamp;
use sqlx::{Connection, MySql, MySqlConnection, QueryBuilder};

use crate::{
    StoreError,
    read::column_time,
    retention::{hour_after, hour_of},
    sla::filled,
};

/// How long after its end an hour is closed. Scores come 10 minutes and a run after their forecast.
const LAG: Duration = Duration::from_secs(1_800);
/// How many parts an hour is summed up in. `part` in `score_hour_progress` counts them.
const PARTS: u16 = 64;
/// How many series are summed up by one statement, about: some 100,000 rows where runs are 30 s apart.
const SERIES_AT_ONCE: u64 = 1_000;
/// Where the series' ids end: they are hexadecimal.
const LAST: &str = "g";

/// The columns of `score_hour` after its key, from rows of `score` that are no longer awaited.
pub(super) const SCORE_SUMS: &str = "COUNT(*), CAST(COALESCE(SUM(c.observed), 0) AS SIGNED), \
    CAST(COALESCE(SUM(c.inside_band), 0) AS SIGNED), CAST(COALESCE(SUM(c.min_inside), 0) AS SIGNED), \
    CAST(COALESCE(SUM(c.max_inside), 0) AS SIGNED), CAST(COALESCE(SUM(c.average_inside), 0) AS SIGNED), \
    COALESCE(SUM(c.pinball), 0), COALESCE(SUM(c.mae), 0), \
    COALESCE(SUM(c.mae_last_value), 0), COUNT(c.mae_last_value), \
    COALESCE(SUM(c.pinball_climatology), 0), COUNT(c.pinball_climatology)";

/// The columns of `objective_score_hour` after its key, from rows of `objective_score`.
pub(super) const OBJECTIVE_SUMS: &str = "COUNT(*) AS forecasts, COUNT(c.happened) AS scored, \
    CAST(COALESCE(SUM(c.happened), 0) AS SIGNED) AS events, \
    COALESCE(SUM(IF(c.happened IS NULL, 0, c.probability)), 0) AS said, \
    COALESCE(SUM((c.probability - c.happened) * (c.probability - c.happened)), 0) AS squares, \
    COUNT(c.base_rate - c.happened) AS with_base_rate, \
    COALESCE(SUM((c.base_rate - c.happened) * (c.base_rate - c.happened)), 0) AS squares_base_rate";
/// The tenth of a probability, 0 to 9.
pub(super) const BIN: &str = "CAST(LEAST(FLOOR(c.probability * 10), 9) AS SIGNED)";

const INTO_SCORE_HOUR: &str = "INSERT INTO score_hour (series_id, `hour`, model, reason, forecasts, observed, \
    inside_band, min_inside, max_inside, average_inside, pinball, mae, mae_last_value, with_last_value, \
    pinball_climatology, with_climatology) SELECT c.series_id, ";
const INTO_OBJECTIVE_SCORE_HOUR: &str = "INSERT INTO objective_score_hour (sla, `hour`, objective, version, \
    series_id, bin, forecasts, scored, events, said, squares, with_base_rate, squares_base_rate, spans) \
    SELECT c.sla, ";
const SPANS: &str = "BIT_OR(IF(c.happened IS NULL, 0, 1 << (MINUTE(c.forecast_as_of) DIV 10)))";

/// What is summed up of which series.
enum Of<'a> {
    /// Those with ids from the first up to the second.
    Part(&'a str, &'a str),
    /// These.
    Series(&'a [&'a str]),
}

/// Up to when scores are summed up; `None` if none are.
pub(super) async fn summed_up(
    executor: impl sqlx::Executor<'_, Database = MySql>,
) -> Result<Option<NaiveDateTime>, StoreError> {
    Ok(
        sqlx::query_scalar("SELECT summed_up FROM score_hour_progress WHERE only_row = 1")
            .fetch_optional(executor)
            .await?,
    )
}

/// Sums up, again, the hours of scores that were just stored and are late. `scores`: series and forecast.
pub(crate) async fn renew_late(
    connection: &mut MySqlConnection,
    scores: impl Iterator<Item = (&str, NaiveDateTime)>,
) -> Result<(), StoreError> {
    let mut hours = BTreeMap::<NaiveDateTime, BTreeSet<&str>>::new();
    for (series, forecast_as_of) in scores {
        hours
            .entry(hour_of(forecast_as_of))
            .or_default()
            .insert(series);
    }
    if hours.is_empty() {
        return Ok(());
    }
    // The lock keeps an hour from being closed before these scores are seen.
    let closed: Option<NaiveDateTime> = sqlx::query_scalar(
        "SELECT closed FROM score_hour_progress WHERE only_row = 1 LOCK IN SHARE MODE",
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(closed) = closed else {
        return Ok(());
    };
    for (hour, series) in hours.range(..closed) {
        let series: Vec<&str> = series.iter().copied().collect();
        for table in ["score_hour", "objective_score_hour"] {
            let mut query = QueryBuilder::<MySql>::new("DELETE FROM ");
            query.push(table).push(" WHERE `hour` = ").push_bind(*hour);
            among(&mut query, "series_id", &series);
            query.build().execute(&mut *connection).await?;
        }
        sum_up(connection, *hour, &Of::Series(&series)).await?;
    }
    Ok(())
}

/// Sums up hours that are over at `now`, oldest first, for about `time`. Returns whether nothing is left.
pub(crate) async fn advance(
    connection: &mut MySqlConnection,
    now: Timestamp,
    time: Duration,
) -> Result<bool, StoreError> {
    let end = Instant::now() + time;
    let last = hour_of(column_time(now - LAG));
    let Some(mut progress) = Progress::read(connection).await? else {
        return Ok(true);
    };
    let mut at_once = None;
    while Instant::now() < end {
        if progress.closed == progress.summed_up {
            // Hours without forecasts are passed over.
            let next: Option<NaiveDateTime> = sqlx::query_scalar(
                "SELECT forecast_as_of FROM score FORCE INDEX (by_span) \
                 WHERE span >= TO_SECONDS(?) DIV 600 \
                 ORDER BY span, series_id, forecast_as_of LIMIT 1",
            )
            .bind(progress.closed)
            .fetch_optional(&mut *connection)
            .await?;
            let Some(hour) = next.map(hour_of).filter(|hour| *hour < last) else {
                return Ok(true);
            };
            progress = Progress {
                closed: hour_after(hour),
                summed_up: hour,
                part: 0,
            };
            // Waits for whoever is storing scores that are not late yet.
            progress.write(connection).await?;
        }
        let at_once = match at_once {
            Some(at_once) => at_once,
            None => *at_once.insert(parts_at_once(connection).await?),
        };
        let done = PARTS.min(progress.part + at_once);
        let (from, to) = (bound(progress.part), bound(done));
        // Without locks on the rows that are read.
        sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            .execute(&mut *connection)
            .await?;
        let mut transaction = connection.begin().await?;
        let part = Of::Part(&from, &to);
        sum_up(&mut transaction, progress.summed_up, &part).await?;
        transaction.commit().await?;
        progress.part = done;
        if progress.part == PARTS {
            progress.summed_up = progress.closed;
            progress.part = 0;
        }
        progress.write(connection).await?;
    }
    Ok(false)
}

/// How many parts have about [`SERIES_AT_ONCE`] series together, by what the server guesses.
async fn parts_at_once(connection: &mut MySqlConnection) -> Result<u16, StoreError> {
    let series: Option<u64> = sqlx::query_scalar(
        "SELECT CAST(table_rows AS UNSIGNED) FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_name = 'series'",
    )
    .fetch_one(connection)
    .await?;
    let parts = SERIES_AT_ONCE * u64::from(PARTS) / series.unwrap_or(0).max(1);
    Ok(u16::try_from(parts).unwrap_or(PARTS).clamp(1, PARTS))
}

/// The id with which the series of a part begin.
fn bound(part: u16) -> String {
    match part {
        PARTS.. => LAST.to_owned(),
        part => format!("{:02x}", part * (256 / PARTS)),
    }
}

/// The row of `score_hour_progress`.
#[derive(Debug)]
struct Progress {
    closed: NaiveDateTime,
    summed_up: NaiveDateTime,
    part: u16,
}

impl Progress {
    /// At first, where the oldest score is; `None` without scores.
    async fn read(connection: &mut MySqlConnection) -> Result<Option<Self>, StoreError> {
        let row: Option<(NaiveDateTime, NaiveDateTime, u16)> = sqlx::query_as(
            "SELECT closed, summed_up, part FROM score_hour_progress WHERE only_row = 1",
        )
        .fetch_optional(&mut *connection)
        .await?;
        if let Some((closed, summed_up, part)) = row {
            return Ok(Some(Self {
                closed,
                summed_up,
                part,
            }));
        }
        let oldest: Option<NaiveDateTime> = sqlx::query_scalar(
            "SELECT forecast_as_of FROM score FORCE INDEX (by_span) \
             ORDER BY span, series_id, forecast_as_of LIMIT 1",
        )
        .fetch_optional(connection)
        .await?;
        Ok(oldest.map(hour_of).map(|hour| Self {
            closed: hour,
            summed_up: hour,
            part: 0,
        }))
    }

    async fn write(&self, connection: &mut MySqlConnection) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO score_hour_progress (only_row, closed, summed_up, part) VALUES (1, ?, ?, ?) \
             ON DUPLICATE KEY UPDATE closed = VALUES(closed), summed_up = VALUES(summed_up), \
             part = VALUES(part)",
        )
        .bind(self.closed)
        .bind(self.summed_up)
        .bind(self.part)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Inserts the sums of an hour. A row that is there is newer than what is read here, and stays.
async fn sum_up(
    connection: &mut MySqlConnection,
    hour: NaiveDateTime,
    of: &Of<'_>,
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<MySql>::new(INTO_SCORE_HOUR);
    query
        .push_bind(hour)
        .push(", c.model, COALESCE(c.reason, ''), ");
    query.push(SCORE_SUMS).push(" FROM ");
    rows(&mut query, "score", "PRIMARY", hour, of);
    query.push(
        " AND c.as_of IS NOT NULL GROUP BY c.series_id, c.model, c.reason \
         ON DUPLICATE KEY UPDATE score_hour.forecasts = score_hour.forecasts",
    );
    query.build().execute(&mut *connection).await?;
    let mut query = QueryBuilder::<MySql>::new(INTO_OBJECTIVE_SCORE_HOUR);
    query.push_bind(hour);
    query.push(", c.objective, c.version, c.series_id, ");
    query.push(BIN).push(" AS bin, ").push(OBJECTIVE_SUMS);
    query.push(", ").push(SPANS).push(" FROM ");
    rows(&mut query, "objective_score", "by_series", hour, of);
    query.push(
        " GROUP BY c.sla, c.objective, c.version, c.series_id, bin \
         ON DUPLICATE KEY UPDATE objective_score_hour.forecasts = objective_score_hour.forecasts",
    );
    query.build().execute(&mut *connection).await?;
    Ok(())
}

/// The rows `c` of a table whose forecasts are of the hour.
fn rows(
    query: &mut QueryBuilder<MySql>,
    table: &'static str,
    index: &'static str,
    hour: NaiveDateTime,
    of: &Of<'_>,
) {
    let series = match of {
        Of::Part(..) => {
            query.push("series s STRAIGHT_JOIN ");
            "s.series_id"
        }
        Of::Series(_) => "c.series_id",
    };
    query
        .push(table)
        .push(" c FORCE INDEX (")
        .push(index)
        .push(")");
    if matches!(of, Of::Part(..)) {
        query.push(" ON c.series_id = s.series_id");
    }
    query.push(" WHERE c.forecast_as_of >= ").push_bind(hour);
    query
        .push(" AND c.forecast_as_of < ")
        .push_bind(hour_after(hour));
    match of {
        Of::Part(from, to) => {
            query.push(" AND ").push(series).push(" >= ");
            query.push_bind((*from).to_owned());
            query.push(" AND ").push(series).push(" < ");
            query.push_bind((*to).to_owned());
        }
        Of::Series(ids) => among(query, series, ids),
    }
}

fn among(query: &mut QueryBuilder<MySql>, column: &'static str, series: &[&str]) {
    query.push(" AND ").push(column).push(" IN (");
    let mut list = query.separated(",");
    for id in filled(series) {
        list.push_bind((*id).to_owned());
    }
    query.push(")");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_hold_every_id_once() {
        assert_eq!(bound(0), "00");
        assert_eq!(bound(PARTS - 1), "fc");
        assert_eq!(bound(PARTS), LAST);
        assert!((0..PARTS).all(|part| bound(part) < bound(part + 1)));
    }
}
