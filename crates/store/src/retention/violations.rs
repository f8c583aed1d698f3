//! `violation` and `evaluation`, down to the first complete evaluation of each objective in an hour. How far that came is
//! kept in `thinning`.

use chrono::{DateTime, NaiveDateTime};
use sqlx::MySqlConnection;

use super::{Budget, Cutoffs, hour_after, hour_of};
use crate::StoreError;

pub(super) async fn thin(
    connection: &mut MySqlConnection,
    cutoffs: &Cutoffs,
    budget: &mut Budget,
) -> Result<(), StoreError> {
    let mark: Option<NaiveDateTime> =
        sqlx::query_scalar("SELECT thinned_until FROM thinning WHERE table_name = 'violation'")
            .fetch_optional(&mut *connection)
            .await?;
    let mut until = mark.unwrap_or(DateTime::UNIX_EPOCH.naive_utc());
    while until < cutoffs.thinned && !budget.is_spent() {
        let oldest: Option<NaiveDateTime> = sqlx::query_scalar(
            "SELECT MIN(as_of) FROM (SELECT MIN(as_of) AS as_of FROM violation WHERE as_of >= ? AND as_of < ? \
             UNION ALL SELECT MIN(as_of) FROM evaluation WHERE as_of >= ? AND as_of < ?) oldest",
        )
        .bind(until)
        .bind(cutoffs.thinned)
        .bind(until)
        .bind(cutoffs.thinned)
        .fetch_one(&mut *connection)
        .await?;
        until = match oldest {
            Some(oldest) => {
                thin_hour(connection, hour_of(oldest), budget).await?;
                if budget.is_spent() {
                    break;
                }
                hour_after(oldest)
            }
            None => cutoffs.thinned,
        };
        sqlx::query(
            "INSERT INTO thinning (table_name, thinned_until) VALUES ('violation', ?) \
             ON DUPLICATE KEY UPDATE thinned_until = VALUES(thinned_until)",
        )
        .bind(until)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// An objective of a version, and the evaluation to keep, if one is complete.
type Kept = (Vec<u8>, u32, Vec<u8>, Option<NaiveDateTime>);

const FORGOTTEN: &str = "UPDATE evaluation SET complete = 0 WHERE sla = ? AND version = ? AND objective = ? \
    AND as_of >= ? AND as_of < ? AND as_of <> ? AND complete = 1 LIMIT ?";
const ROWS: &str = "DELETE FROM violation WHERE sla = ? AND version = ? AND objective = ? \
    AND as_of >= ? AND as_of < ? AND as_of <> ? LIMIT ?";
const EVALUATIONS: &str = "DELETE FROM evaluation WHERE sla = ? AND version = ? AND objective = ? \
    AND as_of >= ? AND as_of < ? AND as_of <> ? LIMIT ?";

async fn thin_hour(
    connection: &mut MySqlConnection,
    hour: NaiveDateTime,
    budget: &mut Budget,
) -> Result<(), StoreError> {
    let end = hour_after(hour);
    let kept: Vec<Kept> = sqlx::query_as(kept_in(connection, hour).await?)
        .bind(hour)
        .bind(end)
        .fetch_all(&mut *connection)
        .await?;
    for (sla, version, objective, kept) in kept {
        // An evaluation is no longer complete before the first of its rows goes, so that nobody reads a part of it. Its own
        // row goes last: rows without it pass for those of an earlier schema, which are complete.
        for statement in [FORGOTTEN, ROWS, EVALUATIONS] {
            if budget.is_spent() {
                return Ok(());
            }
            let done = sqlx::query(statement)
                .bind(String::from_utf8_lossy(&sla).into_owned())
                .bind(version)
                .bind(String::from_utf8_lossy(&objective).into_owned())
                .bind(hour)
                .bind(end)
                // Outside of the hour: then nothing is kept.
                .bind(kept.unwrap_or(end))
                .bind(budget.left())
                .execute(&mut *connection)
                .await?;
            if statement == FORGOTTEN {
                budget.look(done.rows_affected());
            } else {
                budget.delete(done.rows_affected());
            }
        }
    }
    Ok(())
}

/// What selects the objectives that were evaluated in an hour, and what to keep of them.
async fn kept_in(
    connection: &mut MySqlConnection,
    hour: NaiveDateTime,
) -> Result<&'static str, StoreError> {
    let oldest: Option<NaiveDateTime> = sqlx::query_scalar("SELECT MIN(as_of) FROM evaluation")
        .fetch_one(connection)
        .await?;
    Ok(match oldest {
        Some(oldest) if hour_of(oldest) <= hour => {
            "SELECT CAST(sla AS BINARY), version, CAST(objective AS BINARY), MIN(IF(complete, as_of, NULL)) \
             FROM evaluation FORCE INDEX (by_time) WHERE as_of >= ? AND as_of < ? GROUP BY sla, version, objective"
        }
        // Rows that were stored before there was `evaluation` are complete.
        _ => {
            "SELECT CAST(sla AS BINARY), version, CAST(objective AS BINARY), MIN(as_of) \
             FROM violation FORCE INDEX (by_time) WHERE as_of >= ? AND as_of < ? GROUP BY sla, version, objective"
        }
    })
}
