//! `violation`, down to one evaluation an hour of each objective. How far that came is kept in `thinning`.

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
        let oldest: Option<NaiveDateTime> =
            sqlx::query_scalar("SELECT MIN(as_of) FROM violation WHERE as_of >= ? AND as_of < ?")
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

async fn thin_hour(
    connection: &mut MySqlConnection,
    hour: NaiveDateTime,
    budget: &mut Budget,
) -> Result<(), StoreError> {
    let objectives: Vec<(Vec<u8>, u32, Vec<u8>, NaiveDateTime)> = sqlx::query_as(
        "SELECT CAST(sla AS BINARY), version, CAST(objective AS BINARY), MIN(as_of) FROM violation \
         WHERE as_of >= ? AND as_of < ? GROUP BY sla, version, objective \
         HAVING MAX(as_of) > MIN(as_of)",
    )
    .bind(hour)
    .bind(hour_after(hour))
    .fetch_all(&mut *connection)
    .await?;
    for (sla, version, objective, first) in objectives {
        if budget.is_spent() {
            break;
        }
        let done = sqlx::query(
            "DELETE FROM violation WHERE sla = ? AND version = ? AND objective = ? \
             AND as_of > ? AND as_of < ? LIMIT ?",
        )
        .bind(String::from_utf8_lossy(&sla).into_owned())
        .bind(version)
        .bind(String::from_utf8_lossy(&objective).into_owned())
        .bind(first)
        .bind(hour_after(hour))
        .bind(budget.left())
        .execute(&mut *connection)
        .await?;
        budget.delete(done.rows_affected());
    }
    Ok(())
}
