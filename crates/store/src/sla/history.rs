//! What is kept of an SLA's evaluations: judged time, gaps and violations, by objective, series and version.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDateTime;
use domain::{
    Labels, Series, SeriesId, Span, Timestamp,
    budget::{RecordedTime, Version},
    sla::ObjectiveId,
};
use sqlx::{Connection, Executor, MySql, QueryBuilder, Row, mysql::MySqlRow, types::Json};

use super::filled;
use crate::{
    Store, StoreError,
    read::{column_time, parsed, read_time, series_id},
};

/// What is kept of one objective on one series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesHistory {
    /// The objective's id.
    pub objective: ObjectiveId,
    /// The series.
    pub series: SeriesId,
    /// Its labels.
    pub labels: Labels,
    /// By version of the SLA.
    pub versions: BTreeMap<u32, RecordedTime>,
}

/// Violations by objective, series and version.
pub type ViolationSpans = BTreeMap<(ObjectiveId, SeriesId, u32), Vec<Span>>;

/// Objectives whose violations are read by one statement.
const OBJECTIVES_AT_ONCE: usize = 64;
const SERIES_AT_ONCE: usize = 512;

impl Store {
    /// When the versions of an SLA were made and retired; none if there never was such an SLA.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn version_times(&self, name: &str) -> Result<Vec<Version>, StoreError> {
        let rows: Vec<(u32, NaiveDateTime, Option<NaiveDateTime>)> =
            sqlx::query_as("SELECT version, created_at, retired_at FROM sla WHERE name = ?")
                .bind(name)
                .fetch_all(self.pool())
                .await?;
        let versions = rows
            .into_iter()
            .map(|(version, created_at, retired_at)| Version {
                version,
                created_at: read_time(created_at),
                retired_at: retired_at.map(read_time),
            });
        Ok(versions.collect())
    }

    /// What is kept of these objectives of an SLA and ends after `since`, by objective and series.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn histories(
        &self,
        name: &str,
        objectives: &[&str],
        since: Timestamp,
    ) -> Result<Vec<SeriesHistory>, StoreError> {
        if objectives.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.pool().acquire().await?;
        // All tables as they are at one moment.
        sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            .execute(&mut *connection)
            .await?;
        let mut snapshot = connection.begin_with("START TRANSACTION READ ONLY").await?;
        let mut kept = BTreeMap::<(ObjectiveId, SeriesId), BTreeMap<u32, RecordedTime>>::new();
        for (table, part) in [
            ("judged", (|kept| &mut kept.judged) as Part),
            ("gap", |kept| &mut kept.gaps),
            ("episode", |kept| &mut kept.violations),
        ] {
            for row in spans(&mut *snapshot, table, name, objectives, since).await? {
                let owner = (parsed(&row, "objective")?, series_id(&row)?);
                let versions = kept.entry(owner).or_default();
                let version = versions.entry(row.try_get("version")?).or_default();
                part(version).push(span(&row)?);
            }
        }
        snapshot.commit().await?;
        drop(connection);
        let named = self
            .series_named(kept.keys().map(|(_, series)| *series).collect())
            .await?;
        let histories = kept
            .into_iter()
            .map(|((objective, series), versions)| SeriesHistory {
                labels: named
                    .get(&series)
                    .map(|series| series.labels.clone())
                    .unwrap_or_default(),
                objective,
                series,
                versions,
            });
        Ok(histories.collect())
    }

    /// The violations of these objectives of an SLA that end after `since`, each by its start.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn violation_spans(
        &self,
        name: &str,
        objectives: &[&str],
        since: Timestamp,
    ) -> Result<ViolationSpans, StoreError> {
        let mut found = ViolationSpans::new();
        for objectives in objectives.chunks(OBJECTIVES_AT_ONCE) {
            for row in spans(self.pool(), "episode", name, objectives, since).await? {
                let key = (
                    parsed(&row, "objective")?,
                    series_id(&row)?,
                    row.try_get("version")?,
                );
                found.entry(key).or_default().push(span(&row)?);
            }
        }
        for spans in found.values_mut() {
            spans.sort_by_key(|span| span.start);
        }
        Ok(found)
    }

    /// The series with these ids, as far as they are known.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn series_named(
        &self,
        ids: BTreeSet<SeriesId>,
    ) -> Result<BTreeMap<SeriesId, Series>, StoreError> {
        let ids: Vec<String> = ids.iter().map(SeriesId::to_string).collect();
        let mut named = BTreeMap::new();
        for ids in ids.chunks(SERIES_AT_ONCE) {
            let mut query = QueryBuilder::<MySql>::new(
                "SELECT series_id, metric, labels FROM series WHERE series_id IN (",
            );
            let mut list = query.separated(", ");
            for id in filled(ids) {
                list.push_bind(id);
            }
            query.push(")");
            for row in query.build().fetch_all(self.pool()).await? {
                let Json(labels) = row.try_get("labels")?;
                let metric = parsed(&row, "metric")?;
                named.insert(series_id(&row)?, Series { metric, labels });
            }
        }
        Ok(named)
    }
}

/// A part of what is kept.
type Part = fn(&mut RecordedTime) -> &mut Vec<Span>;

/// The rows of a table of spans that end after `since`.
async fn spans(
    executor: impl Executor<'_, Database = MySql>,
    table: &'static str,
    name: &str,
    objectives: &[&str],
    since: Timestamp,
) -> Result<Vec<MySqlRow>, StoreError> {
    let mut query =
        QueryBuilder::<MySql>::new("SELECT objective, version, series_id, `start`, `end` FROM ");
    query.push(table).push(" WHERE sla = ").push_bind(name);
    query.push(" AND objective IN (");
    let mut list = query.separated(", ");
    for objective in filled(objectives) {
        list.push_bind(*objective);
    }
    query.push(") AND `end` > ").push_bind(column_time(since));
    Ok(query.build().fetch_all(executor).await?)
}

fn span(row: &MySqlRow) -> Result<Span, StoreError> {
    Ok(Span {
        start: read_time(row.try_get("start")?),
        end: read_time(row.try_get("end")?),
    })
}
