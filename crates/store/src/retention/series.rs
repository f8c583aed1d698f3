//! The rows of a series, down to one run an hour, and in the end the series. How far that came is kept with it.

use chrono::NaiveDateTime;
use domain::Labels;
use sqlx::{Connection, MySqlConnection, types::Json};

use super::{Budget, Cutoffs, hour_after, hour_of};
use crate::StoreError;

/// A look at a series takes as long as deleting so many rows.
const LOOK: u64 = 20;

/// Thins one series after another, those that wait longest first.
pub(super) async fn thin(
    connection: &mut MySqlConnection,
    cutoffs: &Cutoffs,
    budget: &mut Budget,
) -> Result<(), StoreError> {
    while !budget.is_spent() {
        sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            .execute(&mut *connection)
            .await?;
        let mut transaction = connection.begin().await?;
        // The lock keeps a late document from lowering `thinned_until` unseen. A series that is just being stored is
        // left for later.
        let waiting: Option<(String, Json<Labels>, NaiveDateTime, NaiveDateTime)> = sqlx::query_as(
            "SELECT series_id, labels, thinned_until, last_seen FROM series WHERE thinned_until < ? \
             ORDER BY thinned_until LIMIT 1 FOR UPDATE SKIP LOCKED",
        )
        .bind(cutoffs.thinned)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some((series_id, labels, thinned_until, last_seen)) = waiting else {
            return Ok(());
        };
        let series = Waiting {
            series_id,
            labels,
            thinned_until,
            last_seen,
        };
        series.thin(&mut transaction, cutoffs, budget).await?;
        transaction.commit().await?;
        budget.look(LOOK);
    }
    Ok(())
}

#[derive(Debug)]
struct Waiting {
    series_id: String,
    labels: Json<Labels>,
    thinned_until: NaiveDateTime,
    last_seen: NaiveDateTime,
}

/// A table with rows per series and run.
struct Table {
    expire: &'static str,
    oldest: &'static str,
    thin: &'static str,
}

const TABLES: [Table; 3] = [
    Table {
        expire: "DELETE FROM metrics WHERE series_id = ? AND as_of < ? LIMIT ?",
        oldest: "SELECT MIN(as_of) FROM metrics WHERE series_id = ? AND as_of >= ? AND as_of < ?",
        thin: "DELETE FROM metrics WHERE series_id = ? AND as_of > ? AND as_of < ? LIMIT ?",
    },
    Table {
        expire: "DELETE FROM metadata WHERE series_id = ? AND as_of < ? LIMIT ?",
        oldest: "SELECT MIN(as_of) FROM metadata WHERE series_id = ? AND as_of >= ? AND as_of < ?",
        thin: "DELETE FROM metadata WHERE series_id = ? AND as_of > ? AND as_of < ? LIMIT ?",
    },
    Table {
        expire: "DELETE FROM prediction WHERE series_id = ? AND as_of < ? LIMIT ?",
        oldest: "SELECT MIN(as_of) FROM prediction WHERE series_id = ? AND as_of >= ? AND as_of < ?",
        thin: "DELETE FROM prediction WHERE series_id = ? AND as_of > ? AND as_of < ? LIMIT ?",
    },
];

/// What budgets are reckoned from. It is the end that counts.
const HISTORIES: [&str; 3] = [
    "DELETE FROM episode WHERE series_id = ? AND `end` < ? LIMIT ?",
    "DELETE FROM gap WHERE series_id = ? AND `end` < ? LIMIT ?",
    "DELETE FROM judged WHERE series_id = ? AND `end` < ? LIMIT ?",
];

/// Here it is the forecast.
const SCORES: [&str; 4] = [
    "DELETE FROM score WHERE series_id = ? AND forecast_as_of < ? LIMIT ?",
    "DELETE FROM objective_score WHERE series_id = ? AND forecast_as_of < ? LIMIT ?",
    "DELETE FROM score_hour WHERE series_id = ? AND `hour` < ? - INTERVAL 1 HOUR LIMIT ?",
    "DELETE FROM objective_score_hour WHERE series_id = ? AND `hour` < ? - INTERVAL 1 HOUR LIMIT ?",
];

const HAS_ROWS: &str = "SELECT EXISTS (SELECT 1 FROM metrics WHERE series_id = ?) \
    OR EXISTS (SELECT 1 FROM metadata WHERE series_id = ?) \
    OR EXISTS (SELECT 1 FROM prediction WHERE series_id = ?) \
    OR EXISTS (SELECT 1 FROM episode WHERE series_id = ?) \
    OR EXISTS (SELECT 1 FROM gap WHERE series_id = ?) \
    OR EXISTS (SELECT 1 FROM judged WHERE series_id = ?) \
    OR EXISTS (SELECT 1 FROM score WHERE series_id = ?) \
    OR EXISTS (SELECT 1 FROM objective_score WHERE series_id = ?) \
    OR EXISTS (SELECT 1 FROM score_hour WHERE series_id = ?) \
    OR EXISTS (SELECT 1 FROM objective_score_hour WHERE series_id = ?) \
    OR EXISTS (SELECT 1 FROM history WHERE series_id = UNHEX(?))";

impl Waiting {
    async fn thin(
        &self,
        connection: &mut MySqlConnection,
        cutoffs: &Cutoffs,
        budget: &mut Budget,
    ) -> Result<(), StoreError> {
        for table in &TABLES {
            self.expire(connection, table.expire, cutoffs.everything, budget)
                .await?;
        }
        for history in HISTORIES {
            self.expire(connection, history, cutoffs.history, budget)
                .await?;
        }
        for scores in SCORES {
            self.expire(connection, scores, cutoffs.scores, budget)
                .await?;
        }
        let mut until = self.thinned_until;
        while until < cutoffs.thinned && !budget.is_spent() {
            let Some(hour) = self.next_hour(connection, until, cutoffs).await? else {
                until = cutoffs.thinned;
                break;
            };
            for table in &TABLES {
                self.thin_hour(connection, table, hour, budget).await?;
            }
            if !budget.is_spent() {
                until = hour_after(hour);
            }
        }
        if until == cutoffs.thinned && self.is_over(connection, cutoffs).await? {
            return self.forget(connection, budget).await;
        }
        sqlx::query("UPDATE series SET thinned_until = ? WHERE series_id = ?")
            .bind(until)
            .bind(&self.series_id)
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn expire(
        &self,
        connection: &mut MySqlConnection,
        statement: &'static str,
        before: NaiveDateTime,
        budget: &mut Budget,
    ) -> Result<(), StoreError> {
        if budget.is_spent() {
            return Ok(());
        }
        let done = sqlx::query(statement)
            .bind(&self.series_id)
            .bind(before)
            .bind(budget.left())
            .execute(connection)
            .await?;
        budget.delete(done.rows_affected());
        Ok(())
    }

    /// The next hour to thin that has rows.
    async fn next_hour(
        &self,
        connection: &mut MySqlConnection,
        from: NaiveDateTime,
        cutoffs: &Cutoffs,
    ) -> Result<Option<NaiveDateTime>, StoreError> {
        let mut next = None;
        for table in &TABLES {
            let oldest = self
                .oldest(connection, table, from, cutoffs.thinned)
                .await?;
            next = next.into_iter().chain(oldest).min();
        }
        Ok(next.map(hour_of))
    }

    async fn thin_hour(
        &self,
        connection: &mut MySqlConnection,
        table: &Table,
        hour: NaiveDateTime,
        budget: &mut Budget,
    ) -> Result<(), StoreError> {
        let end = hour_after(hour);
        let Some(kept) = self.oldest(connection, table, hour, end).await? else {
            return Ok(());
        };
        if budget.is_spent() {
            return Ok(());
        }
        let done = sqlx::query(table.thin)
            .bind(&self.series_id)
            .bind(kept)
            .bind(end)
            .bind(budget.left())
            .execute(connection)
            .await?;
        budget.delete(done.rows_affected());
        Ok(())
    }

    async fn oldest(
        &self,
        connection: &mut MySqlConnection,
        table: &Table,
        from: NaiveDateTime,
        to: NaiveDateTime,
    ) -> Result<Option<NaiveDateTime>, StoreError> {
        Ok(sqlx::query_scalar(table.oldest)
            .bind(&self.series_id)
            .bind(from)
            .bind(to)
            .fetch_one(connection)
            .await?)
    }

    /// Whether nothing is left of a series that ended long ago.
    async fn is_over(
        &self,
        connection: &mut MySqlConnection,
        cutoffs: &Cutoffs,
    ) -> Result<bool, StoreError> {
        if self.last_seen >= cutoffs.everything {
            return Ok(false);
        }
        let id = &self.series_id;
        let has_rows: bool = sqlx::query_scalar(HAS_ROWS)
            .bind(id)
            .bind(id)
            .bind(id)
            .bind(id)
            .bind(id)
            .bind(id)
            .bind(id)
            .bind(id)
            .bind(id)
            .bind(id)
            .bind(id)
            .fetch_one(connection)
            .await?;
        Ok(!has_rows)
    }

    /// Deletes the series itself. Storing waits for the lock on its row, and then finds it unknown.
    async fn forget(
        &self,
        connection: &mut MySqlConnection,
        budget: &mut Budget,
    ) -> Result<(), StoreError> {
        let mut rows = 0;
        for label in self.labels.0.label_ids() {
            let done = sqlx::query("DELETE FROM series_label WHERE label = ? AND series_id = ?")
                .bind(label)
                .bind(&self.series_id)
                .execute(&mut *connection)
                .await?;
            rows += done.rows_affected();
        }
        let done = sqlx::query("DELETE FROM series WHERE series_id = ?")
            .bind(&self.series_id)
            .execute(connection)
            .await?;
        budget.delete(rows + done.rows_affected());
        Ok(())
    }
}
