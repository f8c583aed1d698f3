use std::collections::BTreeSet;

use chrono::NaiveDateTime;
use domain::{Timestamp, message::Failure};
use serde::Deserialize;
use sqlx::types::Json;

use super::read_time;
use crate::{Store, StoreError};

/// What the stored runs say of the pipeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunHealth {
    /// The `as_of` of the newest run.
    pub newest: Option<Timestamp>,
    /// The `as_of` of the newest run that found a series and in which no metric failed.
    pub newest_good: Option<Timestamp>,
    /// The newest `as_of` of which anything is stored: not before that of the newest run.
    pub newest_known: Option<Timestamp>,
    /// The metrics that failed in each of the last three runs.
    pub failing: BTreeSet<String>,
}

/// How many runs in a row a metric has to fail.
const RUNS: usize = 3;

#[derive(Deserialize)]
struct Failures {
    failures: Vec<Failure>,
}

impl Store {
    /// How the runs go.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn run_health(&self) -> Result<RunHealth, StoreError> {
        let newest = self.newest_run().await?;
        let good: Option<NaiveDateTime> = sqlx::query_scalar(
            "SELECT as_of FROM run FORCE INDEX (by_as_of) \
             WHERE series > 0 AND JSON_EXTRACT(document, '$.failures[*].metric') IS NULL ORDER BY as_of DESC LIMIT 1",
        )
        .fetch_optional(self.pool())
        .await?;
        // A run's record is stored last: what belongs to a newer one may be there before it.
        let known: (Option<NaiveDateTime>, Option<NaiveDateTime>) = sqlx::query_as(
            "SELECT (SELECT MAX(as_of) FROM violation), (SELECT MAX(as_of) FROM long_arrays)",
        )
        .fetch_one(self.pool())
        .await?;
        let last: Vec<Json<Failures>> = sqlx::query_scalar(
            "SELECT document FROM run ORDER BY started_at DESC, run_id DESC LIMIT 3",
        )
        .fetch_all(self.pool())
        .await?;
        let known = [known.0, known.1].map(|time| time.map(read_time));
        Ok(RunHealth {
            newest,
            newest_good: good.map(read_time),
            newest_known: known.into_iter().fold(newest, Ord::max),
            failing: failing(last.into_iter().map(|Json(document)| document.failures)),
        })
    }
}

/// The metrics that failed in each run, if there are enough runs.
fn failing(runs: impl ExactSizeIterator<Item = Vec<Failure>>) -> BTreeSet<String> {
    if runs.len() < RUNS {
        return BTreeSet::new();
    }
    let failed = runs.map(|failures| {
        let metrics = failures.into_iter().filter_map(|failure| failure.metric);
        metrics.collect::<BTreeSet<_>>()
    });
    failed
        .reduce(|one, other| one.intersection(&other).cloned().collect())
        .unwrap_or_default()
}
