//! An evaluation that one run made of all objectives, which is the usual case: one short query reads it.

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

/// Rows read at most beside one for each objective; one that matches many series is read in another way.
const MORE_ROWS: usize = 500;

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

    /// The newest evaluation of `sla` at or before `until`, and when it was; `None` if there is none, if its run did not
    /// evaluate all objectives, or one of them on more series than are told.
    pub(super) async fn one_run(
        &self,
        sla: &Sla,
        until: Timestamp,
        worst: Worst,
    ) -> Result<Option<(Timestamp, Vec<EvaluatedObjective>)>, StoreError> {
        let limit = sla.objectives.len() + MORE_ROWS;
        let rows = sqlx::query(
            "SELECT as_of, objective, document FROM violation FORCE INDEX (by_version) \
             WHERE sla = ? AND version = ? AND as_of = (SELECT as_of FROM violation FORCE INDEX (by_version) \
             WHERE sla = ? AND version = ? AND as_of <= ? ORDER BY as_of DESC LIMIT 1) LIMIT ?",
        )
        .bind(sla.name.as_str())
        .bind(sla.version)
        .bind(sla.name.as_str())
        .bind(sla.version)
        .bind(column_time(until))
        .bind(limit as u64)
        .fetch_all(self.pool())
        .await?;
        let as_of: NaiveDateTime = match rows.first() {
            Some(first) if rows.len() < limit => first.try_get("as_of")?,
            _ => return Ok(None),
        };
        let mut entries = HashMap::<String, Vec<ToldViolations>>::new();
        for row in &rows {
            // JSON on MySQL, a text on MariaDB: both are read as text.
            let document: &str = row.try_get_unchecked("document")?;
            let objective: String = row.try_get("objective")?;
            entries.entry(objective).or_default().push(read(document)?);
        }
        if entries.len() != sla.objectives.len()
            || entries.values().any(|entries| entries.len() > MOST_ENTRIES)
        {
            return Ok(None);
        }
        let evaluated = sla.objectives.iter().map(|objective| {
            let entries = entries.remove(objective.id.as_str()).unwrap_or_default();
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
        Ok(Some((read_time(as_of), evaluated.collect())))
    }
}
