use domain::{
    Timestamp,
    message::{DEADLINE, RunDocument, RunId},
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::{MySql, QueryBuilder, Row, mysql::MySqlRow, types::Json};

use super::{Page, Selection, column_time, parsed, read_time};
use crate::{Store, StoreError, sla::filled};

/// The key of a run in the order of their start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunKey {
    started_at: Timestamp,
    #[serde(deserialize_with = "super::ascii")]
    run: RunId,
}

impl RunKey {
    /// The key of `run`.
    pub fn of(run: &RunDocument) -> Self {
        Self {
            started_at: run.started_at,
            run: run.run_id.clone(),
        }
    }
}

/// Runs that are asked about at once.
const MOST_RUNS: usize = 64;

impl Store {
    /// Whether the record of a run at one of these times is stored; of many the newest are looked at.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn has_run_of(&self, times: &[Timestamp]) -> Result<bool, StoreError> {
        if times.is_empty() {
            return Ok(false);
        }
        let newest = &times[times.len().saturating_sub(MOST_RUNS)..];
        let mut query =
            QueryBuilder::<MySql>::new("SELECT 1 FROM run FORCE INDEX (by_as_of) WHERE as_of IN (");
        let mut list = query.separated(", ");
        for time in filled(newest) {
            list.push_bind(column_time(*time));
        }
        query.push(") LIMIT 1");
        let found: Option<i32> = query
            .build_query_scalar()
            .fetch_optional(self.pool())
            .await?;
        Ok(found.is_some())
    }

    /// The runs of `selection`, newest start first, after the one with key `after`. With a metric or labels: those that
    /// summarised such a series.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn runs(
        &self,
        selection: &Selection,
        after: Option<RunKey>,
    ) -> Result<Page<RunDocument>, StoreError> {
        let mut query = QueryBuilder::new(
            "SELECT r.run_id, r.as_of, r.started_at, r.`trigger`, r.series, r.samples, r.bytes, r.messages, r.document \
             FROM run r",
        );
        if selection.is_newest() {
            // All of them qualify; the index gives their order, so that no more are read than are asked for.
            query.push(" FORCE INDEX (by_start)");
        }
        query
            .push(" WHERE r.started_at <= ")
            .push_bind(column_time(selection.pinned));
        if let Some(from) = selection.from {
            query.push(" AND r.as_of >= ").push_bind(column_time(from));
        }
        if let Some(to) = selection.to {
            query.push(" AND r.as_of <= ").push_bind(column_time(to));
        }
        if let Some(RunKey { started_at, run }) = after {
            let started_at = column_time(started_at);
            query.push(" AND (r.started_at < ").push_bind(started_at);
            query.push(" OR (r.started_at = ").push_bind(started_at);
            query.push(" AND r.run_id < ").push_bind(run).push("))");
        }
        if selection.metric.is_some() || !selection.labels.0.is_empty() {
            query.push(" AND EXISTS (SELECT 1 FROM series s");
            selection.push_series_joins(&mut query);
            query.push(" JOIN metrics x ON x.series_id = s.series_id AND x.as_of = r.as_of");
            selection.push_series_conditions(&mut query, None);
            query.push(")");
        }
        query
            .push(" ORDER BY r.started_at DESC, r.run_id DESC LIMIT ")
            .push_bind(selection.limit + 1);
        let rows = query.build().fetch_all(self.pool()).await?;
        Page::cut(rows, selection.limit).try_map(read)
    }

    /// The metrics that the newest run over all metrics did not reach before its deadline, in its order.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unreached_metrics(&self) -> Result<Vec<String>, StoreError> {
        let mut rows = sqlx::query_scalar::<_, Json<Details>>(
            "SELECT document FROM run FORCE INDEX (by_start) ORDER BY started_at DESC, run_id DESC LIMIT ?",
        )
        .bind(MOST_PARTIAL_RUNS)
        .fetch(self.pool());
        while let Some(Json(run)) = rows.try_next().await? {
            if !run.partial {
                let failures = run.failures.into_iter();
                let unreached = failures.filter(|failure| failure.reason == DEADLINE);
                return Ok(unreached.filter_map(|failure| failure.metric).collect());
            }
        }
        Ok(Vec::new())
    }

    /// The `as_of` of the newest run, if there ever was one.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn newest_run(&self) -> Result<Option<Timestamp>, StoreError> {
        let newest: Option<chrono::NaiveDateTime> =
            sqlx::query_scalar("SELECT as_of FROM run ORDER BY as_of DESC LIMIT 1")
                .fetch_optional(self.pool())
                .await?;
        Ok(newest.map(read_time))
    }
}

/// So many of the newest runs are looked at for one over all metrics.
const MOST_PARTIAL_RUNS: u32 = 100;

/// The parts of a run that have no column.
#[derive(Deserialize)]
struct Details {
    failures: Vec<domain::message::Failure>,
    stages: Vec<domain::message::Stage>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    partial: bool,
}

fn read(row: &MySqlRow) -> Result<RunDocument, StoreError> {
    let Json(details) = row.try_get::<Json<Details>, _>("document")?;
    Ok(RunDocument {
        run_id: row.try_get("run_id")?,
        as_of: read_time(row.try_get("as_of")?),
        started_at: read_time(row.try_get("started_at")?),
        trigger: parsed(row, "trigger")?,
        series: u64::from(row.try_get::<u32, _>("series")?),
        samples: row.try_get("samples")?,
        bytes: row.try_get("bytes")?,
        messages: u64::from(row.try_get::<u32, _>("messages")?),
        failures: details.failures,
        stages: details.stages,
        warnings: details.warnings,
        partial: details.partial,
        // Kept in a table of its own; no list needs it.
        evaluated: Vec::new(),
    })
}
