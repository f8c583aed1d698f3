//! What is kept of the evaluations of SLAs: judged time, gaps and violations, by objective, series and version.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDateTime;
use domain::{
    Labels, Series, SeriesId, Span, Timestamp,
    budget::{RecordedTime, Version},
    sla::{ObjectiveId, SlaName},
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
    /// The SLA's name.
    pub sla: SlaName,
    /// The objective's id.
    pub objective: ObjectiveId,
    /// The series.
    pub series: SeriesId,
    /// Its labels.
    pub labels: Labels,
    /// By version of the SLA.
    pub versions: BTreeMap<u32, RecordedTime>,
}

/// An objective, and from when on what is kept of it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since<'a> {
    /// The SLA's name.
    pub sla: &'a str,
    /// The objective's id.
    pub objective: &'a str,
    /// What ends after this is asked for.
    pub since: Timestamp,
}

/// Violations by SLA, objective, series and version.
pub type ViolationSpans = BTreeMap<(SlaName, ObjectiveId, SeriesId, u32), Vec<Span>>;

/// Objectives of which one statement reads what is kept.
const OBJECTIVES_AT_ONCE: usize = 256;
/// SLAs whose versions are read by one statement.
const SLAS_AT_ONCE: usize = 256;
const SERIES_AT_ONCE: usize = 512;

impl Store {
    /// When the versions of an SLA were made and retired; none if there never was such an SLA.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn version_times(&self, name: &str) -> Result<Vec<Version>, StoreError> {
        let mut found = self.version_times_of(&[name]).await?;
        Ok(found.remove(name).unwrap_or_default())
    }

    /// The same of many SLAs, by name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn version_times_of(
        &self,
        names: &[&str],
    ) -> Result<HashMap<String, Vec<Version>>, StoreError> {
        let mut found = HashMap::<String, Vec<Version>>::new();
        for names in names.chunks(SLAS_AT_ONCE) {
            let mut query = QueryBuilder::<MySql>::new(
                "SELECT name, version, created_at, retired_at FROM sla FORCE INDEX (PRIMARY) WHERE name IN (",
            );
            let mut list = query.separated(", ");
            for name in filled(names) {
                list.push_bind(*name);
            }
            query.push(")");
            let rows: Vec<(String, u32, NaiveDateTime, Option<NaiveDateTime>)> =
                query.build_query_as().fetch_all(self.pool()).await?;
            for (name, version, created_at, retired_at) in rows {
                found.entry(name).or_default().push(Version {
                    version,
                    created_at: read_time(created_at),
                    retired_at: retired_at.map(read_time),
                });
            }
        }
        Ok(found)
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
        let own = objectives.iter().map(|objective| Since {
            sla: name,
            objective,
            since,
        });
        self.histories_of(&own.collect::<Vec<_>>()).await
    }

    /// What is kept of these objectives, by SLA, objective and series.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn histories_of(
        &self,
        objectives: &[Since<'_>],
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
        let mut kept = BTreeMap::<Owner, BTreeMap<u32, RecordedTime>>::new();
        for (table, part) in [
            ("judged", (|kept| &mut kept.judged) as Part),
            ("gap", |kept| &mut kept.gaps),
            ("episode", |kept| &mut kept.violations),
        ] {
            for objectives in objectives.chunks(OBJECTIVES_AT_ONCE) {
                for row in spans(&mut *snapshot, table, objectives).await? {
                    let versions = kept.entry(owner(&row)?).or_default();
                    let version = versions.entry(row.try_get("version")?).or_default();
                    part(version).push(span(&row)?);
                }
            }
        }
        snapshot.commit().await?;
        drop(connection);
        let named = self
            .series_named(kept.keys().map(|(_, _, series)| *series).collect())
            .await?;
        let histories = kept
            .into_iter()
            .map(|((sla, objective, series), versions)| SeriesHistory {
                sla,
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

    /// The violations of these objectives, each by its start.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn violation_spans(
        &self,
        objectives: &[Since<'_>],
    ) -> Result<ViolationSpans, StoreError> {
        let mut found = ViolationSpans::new();
        for objectives in objectives.chunks(OBJECTIVES_AT_ONCE) {
            for row in spans(self.pool(), "episode", objectives).await? {
                let (sla, objective, series) = owner(&row)?;
                let key = (sla, objective, series, row.try_get("version")?);
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

/// SLA, objective and series.
type Owner = (SlaName, ObjectiveId, SeriesId);

fn owner(row: &MySqlRow) -> Result<Owner, StoreError> {
    Ok((
        parsed(row, "sla")?,
        parsed(row, "objective")?,
        series_id(row)?,
    ))
}

/// The rows of a table of spans.
async fn spans(
    executor: impl Executor<'_, Database = MySql>,
    table: &'static str,
    objectives: &[Since<'_>],
) -> Result<Vec<MySqlRow>, StoreError> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT sla, objective, version, series_id, `start`, `end` FROM ",
    );
    // Many ranges of a small table: the database might read all of it.
    query.push(table).push(" FORCE INDEX (PRIMARY) WHERE FALSE");
    for own in filled(objectives) {
        query.push(" OR (sla = ").push_bind(own.sla);
        query.push(" AND objective = ").push_bind(own.objective);
        query
            .push(" AND `end` > ")
            .push_bind(column_time(own.since))
            .push(")");
    }
    Ok(query.build().fetch_all(executor).await?)
}

fn span(row: &MySqlRow) -> Result<Span, StoreError> {
    Ok(Span {
        start: read_time(row.try_get("start")?),
        end: read_time(row.try_get("end")?),
    })
}
