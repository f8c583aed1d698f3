//! An evaluation that one run made of all objectives, which is the usual case: it is read by two short queries.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use domain::{Timestamp, evaluation::ObjectiveState, sla::Sla};
use sqlx::Row;

use super::{
    EvaluatedObjective, Worst,
    evaluation::{MOST_ENTRIES, read},
};
use crate::{
    Store, StoreError,
    pipeline::ToldViolations,
    read::{column_time, read_time},
};

impl Store {
    /// When the newest evaluation of any objective of a version was, at or before `until`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn newest_evaluation(
        &self,
        name: &str,
        version: u32,
        until: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let newest: Option<NaiveDateTime> = sqlx::query_scalar(
            "SELECT as_of FROM violation FORCE INDEX (by_version) \
             WHERE sla = ? AND version = ? AND as_of <= ? ORDER BY as_of DESC LIMIT 1",
        )
        .bind(name)
        .bind(version)
        .bind(column_time(until))
        .fetch_optional(self.pool())
        .await?;
        Ok(newest.map(read_time))
    }

    /// The evaluation of `sla` by the run at `as_of`; `None` if that run did not evaluate all objectives, or one of them
    /// on more series than are told.
    pub(super) async fn one_run(
        &self,
        sla: &Sla,
        as_of: Timestamp,
        worst: Worst,
    ) -> Result<Option<Vec<EvaluatedObjective>>, StoreError> {
        let (objectives, most): (i64, Option<i64>) = sqlx::query_as(
            "SELECT COUNT(*), MAX(series) FROM (SELECT COUNT(*) AS series FROM violation \
             FORCE INDEX (by_version) WHERE sla = ? AND version = ? AND as_of = ? GROUP BY objective) o",
        )
        .bind(&sla.name)
        .bind(sla.version)
        .bind(column_time(as_of))
        .fetch_one(self.pool())
        .await?;
        if objectives.unsigned_abs() != sla.objectives.len() as u64
            || most.is_none_or(|most| most.unsigned_abs() > MOST_ENTRIES as u64)
        {
            return Ok(None);
        }
        let rows = sqlx::query(
            "SELECT objective, document FROM violation FORCE INDEX (by_version) \
             WHERE sla = ? AND version = ? AND as_of = ?",
        )
        .bind(&sla.name)
        .bind(sla.version)
        .bind(column_time(as_of))
        .fetch_all(self.pool())
        .await?;
        let mut entries = HashMap::<String, Vec<ToldViolations>>::new();
        for row in &rows {
            // MySQL's JSON and MariaDB's, which is a text, both arrive as bytes.
            let document: &[u8] = row.try_get_unchecked("document")?;
            let objective: String = row.try_get("objective")?;
            entries.entry(objective).or_default().push(read(document)?);
        }
        let evaluated = sla.objectives.iter().map(|objective| {
            let entries = entries.remove(&objective.id).unwrap_or_default();
            let count = |wanted: Option<ObjectiveState>| {
                let told = entries.iter().map(|entry| &entry.document);
                let counted = told.filter(|document| {
                    document.series.is_some()
                        && wanted.is_none_or(|wanted| document.state == wanted)
                });
                counted.count() as u64
            };
            EvaluatedObjective {
                series: count(None),
                firing: count(Some(ObjectiveState::Firing)),
                no_data: count(Some(ObjectiveState::NoData)),
                objective: objective.clone(),
                entries: worst.first(entries),
            }
        });
        Ok(Some(evaluated.collect()))
    }
}
