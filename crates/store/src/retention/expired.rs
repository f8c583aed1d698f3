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
    let tables: [(&'static str, NaiveDateTime); 13] = [
        (
            "DELETE FROM long_arrays WHERE as_of < ? ORDER BY as_of LIMIT ?",
            cutoffs.long_arrays,
        ),
        (
            "DELETE FROM run_request WHERE asked_at < ? ORDER BY asked_at LIMIT ?",
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
            "DELETE r FROM (SELECT series_id FROM recent_score FORCE INDEX (by_time) \
             WHERE newest < ? ORDER BY newest LIMIT ?) old JOIN recent_score r ON r.series_id = old.series_id",
            cutoffs.recent,
        ),
        (
            "DELETE r FROM (SELECT series_id, sla, version, objective FROM recent_probability FORCE INDEX (by_time) \
             WHERE newest < ? ORDER BY newest LIMIT ?) old JOIN recent_probability r \
             ON r.series_id = old.series_id AND r.sla = old.sla AND r.version = old.version \
             AND r.objective = old.objective",
            cutoffs.recent,
        ),
        (
            "DELETE FROM budget_score WHERE over_at < ? ORDER BY over_at LIMIT ?",
            cutoffs.scores,
        ),
        (
            "DELETE FROM exclusion WHERE `end` < ? AND rule IS NULL ORDER BY `end` LIMIT ?",
            cutoffs.history,
        ),
        (
            "DELETE FROM exclusion WHERE rule_end < ? ORDER BY rule_end LIMIT ?",
            cutoffs.history,
        ),
        (
            "DELETE FROM replay WHERE created_at < ? ORDER BY created_at LIMIT ?",
            cutoffs.everything,
        ),
        (
            "DELETE FROM slice_group WHERE as_of < ? ORDER BY as_of LIMIT ?",
            cutoffs.sums,
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
