//! Rows that go by their time alone.

use chrono::NaiveDateTime;
use sqlx::MySqlConnection;

use super::{Budget, Cutoffs};
use crate::StoreError;

pub(super) async fn purge(
    connection: &mut MySqlConnection,
    cutoffs: &Cutoffs,
    budget: &mut Budget,
) -> Result<(), StoreError> {
    let tables: [(&'static str, NaiveDateTime); 6] = [
        (
            "DELETE FROM long_arrays WHERE as_of < ? ORDER BY as_of LIMIT ?",
            cutoffs.long_arrays,
        ),
        (
            "DELETE FROM dead_letter WHERE stored_at < ? ORDER BY stored_at LIMIT ?",
            cutoffs.everything,
        ),
        (
            "DELETE FROM run WHERE as_of < ? ORDER BY as_of LIMIT ?",
            cutoffs.everything,
        ),
        (
            "DELETE FROM violation WHERE as_of < ? ORDER BY as_of LIMIT ?",
            cutoffs.everything,
        ),
        (
            "DELETE FROM evaluation WHERE as_of < ? ORDER BY as_of LIMIT ?",
            cutoffs.everything,
        ),
        (
            "DELETE FROM exclusion WHERE `end` < ? ORDER BY `end` LIMIT ?",
            cutoffs.history,
        ),
    ];
    for (statement, before) in tables {
        if budget.is_spent() {
            break;
        }
        let done = sqlx::query(statement)
            .bind(before)
            .bind(budget.left())
            .execute(&mut *connection)
            .await?;
        budget.delete(done.rows_affected());
    }
    Ok(())
}
