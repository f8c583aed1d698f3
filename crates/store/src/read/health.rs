use std::collections::BTreeSet;

use chrono::NaiveDateTime;
use domain::{
    Timestamp,
    message::{Failure, WITHOUT_SERIES},
};
use sqlx::{MySql, QueryBuilder, types::Json};

use super::read_time;
use crate::{Store, StoreError, sla::filled};

/// What the stored runs say of the pipeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunHealth {
    /// The `as_of` of the newest run.
    pub newest: Option<Timestamp>,
    /// The `as_of` of the newest run that found a series and in which no metric failed, of the last 2,880 that found one.
    pub newest_good: Option<Timestamp>,
    /// The newest `as_of` of which anything is stored: not before that of the newest run.
    pub newest_known: Option<Timestamp>,
    /// The metrics that failed in each of the last three runs.
    pub failing: BTreeSet<String>,
}

/// How many runs in a row a metric has to fail.
const RUNS: usize = 3;

/// The runs among which a good one is looked for, newest first, in pieces: a day's, at a run every 30 s. Most often the
/// newest is good.
const PIECES: [u32; 3] = [16, 128, 2_736];
/// How many metrics are looked for by one statement.
const METRICS_AT_ONCE: usize = 64;

/// Whatever a record lists as failures.
type Failures = Option<Json<Vec<Failure>>>;

impl Store {
    /// How the runs go. A metric of which a run found no series has not failed if none was ever seen.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn run_health(&self) -> Result<RunHealth, StoreError> {
        let newest = self.newest_run().await?;
        // A run's record is stored last: what belongs to a newer one may be there before it.
        let known: (Option<NaiveDateTime>, Option<NaiveDateTime>) = sqlx::query_as(
            "SELECT (SELECT MAX(as_of) FROM violation), (SELECT MAX(as_of) FROM long_arrays)",
        )
        .fetch_one(self.pool())
        .await?;
        let known = [known.0, known.1].map(|time| time.map(read_time));
        let last: Vec<Failures> = sqlx::query_scalar(
            "SELECT JSON_EXTRACT(document, '$.failures') FROM run ORDER BY started_at DESC, run_id DESC LIMIT 3",
        )
        .fetch_all(self.pool())
        .await?;
        Ok(RunHealth {
            newest,
            newest_good: self.newest_good_run().await?,
            newest_known: known.into_iter().fold(newest, Ord::max),
            failing: failing(self.failed(last).await?),
        })
    }

    async fn newest_good_run(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut looked_at = 0;
        for piece in PIECES {
            let runs: Vec<(NaiveDateTime, Failures)> = sqlx::query_as(
                "SELECT as_of, JSON_EXTRACT(document, '$.failures') FROM run FORCE INDEX (by_as_of) \
                 WHERE series > 0 ORDER BY as_of DESC LIMIT ? OFFSET ?",
            )
            .bind(piece)
            .bind(looked_at)
            .fetch_all(self.pool())
            .await?;
            let (times, failures): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
            let failed = self.failed(failures).await?;
            let good = failed.iter().position(BTreeSet::is_empty);
            if let Some(good) = good.and_then(|place| times.get(place)) {
                return Ok(Some(read_time(*good)));
            }
            looked_at += piece;
        }
        Ok(None)
    }

    /// The metrics that failed in each of these runs.
    async fn failed(&self, runs: Vec<Failures>) -> Result<Vec<BTreeSet<String>>, StoreError> {
        let runs: Vec<Vec<Failure>> = runs
            .into_iter()
            .map(|failures| failures.map(|Json(failures)| failures).unwrap_or_default())
            .collect();
        let empty = runs
            .iter()
            .flatten()
            .filter(|failure| failure.reason == WITHOUT_SERIES);
        let empty: BTreeSet<&str> = empty.filter_map(|own| own.metric.as_deref()).collect();
        let seen = self.seen(&empty.into_iter().collect::<Vec<_>>()).await?;
        let failed = runs.into_iter().map(|failures| {
            let metrics = failures.into_iter().filter_map(|failure| {
                let metric = failure.metric?;
                (failure.reason != WITHOUT_SERIES || seen.contains(&metric)).then_some(metric)
            });
            metrics.collect()
        });
        Ok(failed.collect())
    }

    /// Those of the metrics of which a series is known.
    async fn seen(&self, metrics: &[&str]) -> Result<BTreeSet<String>, StoreError> {
        let mut seen = BTreeSet::new();
        for metrics in metrics.chunks(METRICS_AT_ONCE) {
            let mut query = QueryBuilder::<MySql>::new("");
            let mut each = query.separated(" UNION ALL ");
            for metric in filled(metrics) {
                each.push("(SELECT metric FROM series FORCE INDEX (by_metric) WHERE metric = ");
                each.push_bind_unseparated((*metric).to_owned());
                each.push_unseparated(" LIMIT 1)");
            }
            let found: Vec<String> = query.build_query_scalar().fetch_all(self.pool()).await?;
            seen.extend(found);
        }
        Ok(seen)
    }
}

/// The metrics that failed in each run, if there are enough runs.
fn failing(runs: Vec<BTreeSet<String>>) -> BTreeSet<String> {
    if runs.len() < RUNS {
        return BTreeSet::new();
    }
    let failed = runs.into_iter();
    failed
        .reduce(|one, other| one.intersection(&other).cloned().collect())
        .unwrap_or_default()
}
