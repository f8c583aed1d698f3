//! What alerts about the pipeline itself follow from.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use chrono::NaiveDateTime;
use domain::{
    Timestamp,
    message::{Failure, WITHOUT_SERIES},
};
use serde::de::DeserializeOwned;
use sqlx::{MySql, QueryBuilder};

use super::outbox::{IS_FIRST, push_receivers};
use crate::{
    Store, StoreError,
    read::{column_time, read_time},
    sla::filled,
};

/// How the pipeline stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SystemFacts {
    /// The newest run of everything: when, how many series it found, and what went wrong.
    pub newest_run: Option<NewestRun>,
    /// The newest `as_of` of which anything is stored.
    pub newest_known: Option<Timestamp>,
    /// Metrics that failed in every run of the last hour that asked for them, and in how many; none where the runs do not
    /// reach back for an hour.
    pub failing_for_an_hour: BTreeMap<String, u64>,
    /// How many dead letters came in the last quarter of an hour, and since when.
    pub dead_letters: Option<(u64, Timestamp)>,
    /// Since when a delivery that is due was not tried; `None` if there is none.
    pub stuck_since: Option<Timestamp>,
    /// The newest complete evaluation of any objective.
    pub newest_evaluation: Option<Timestamp>,
}

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub struct NewestRun {
    /// The instant it looked at.
    pub as_of: Timestamp,
    /// How many series it found.
    pub series: u64,
    /// What went wrong. That a metric has no series is nothing, where none was ever known.
    pub failures: Vec<Failure>,
}

const HOUR: Duration = Duration::from_secs(3600);
const QUARTER: Duration = Duration::from_secs(900);
/// A schedule's interval is a minute by default: the first run of an hour is somewhat less old.
const NEARLY_AN_HOUR: Duration = Duration::from_secs(3500);

impl Store {
    /// How the pipeline stands at `now`, where evaluations from `oldest_fresh` on are fresh and these receivers are configured.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn system_facts(
        &self,
        now: Timestamp,
        oldest_fresh: Timestamp,
        receivers: &[&str],
    ) -> Result<SystemFacts, StoreError> {
        let newest_run = self.newest_whole_run().await?;
        let known: (
            Option<NaiveDateTime>,
            Option<NaiveDateTime>,
            Option<NaiveDateTime>,
        ) = sqlx::query_as(
            "SELECT (SELECT MAX(as_of) FROM violation), (SELECT MAX(as_of) FROM long_arrays), \
             (SELECT MAX(as_of) FROM evaluation WHERE complete = 1 AND as_of >= ?)",
        )
        .bind(column_time(oldest_fresh.min(now - HOUR)))
        .fetch_one(self.pool())
        .await?;
        let own = newest_run.as_ref().map(|run| run.as_of);
        let known_times = [known.0, known.1].map(|time| time.map(read_time));
        let letters: (i64, Option<NaiveDateTime>) =
            sqlx::query_as("SELECT COUNT(*), MIN(stored_at) FROM dead_letter WHERE stored_at >= ?")
                .bind(column_time(now - QUARTER))
                .fetch_one(self.pool())
                .await?;
        let mut failing = self.failing_for_an_hour(now).await?;
        // What does not fail in the newest run does not fail for an hour.
        let failed = newest_run.iter().flat_map(|run| &run.failures);
        let failed: HashSet<&str> = failed.filter_map(|own| own.metric.as_deref()).collect();
        failing.retain(|metric, _| failed.contains(metric.as_str()));
        Ok(SystemFacts {
            failing_for_an_hour: failing,
            newest_known: known_times.into_iter().fold(own, Ord::max),
            newest_evaluation: known.2.map(read_time),
            newest_run,
            dead_letters: letters
                .1
                .map(|since| (letters.0.unsigned_abs(), read_time(since))),
            stuck_since: self.stuck_since(now, receivers).await?,
        })
    }

    async fn newest_whole_run(&self) -> Result<Option<NewestRun>, StoreError> {
        let newest: Option<(NaiveDateTime, u32, Option<String>)> = sqlx::query_as(
            "SELECT as_of, series, CAST(JSON_EXTRACT(document, '$.failures') AS CHAR) FROM run FORCE INDEX (by_as_of) \
             WHERE JSON_EXTRACT(document, '$.partial') IS NULL ORDER BY as_of DESC LIMIT 1",
        )
        .fetch_optional(self.pool())
        .await?;
        let Some((as_of, series, failures)) = newest else {
            return Ok(None);
        };
        Ok(Some(NewestRun {
            as_of: read_time(as_of),
            series: series.into(),
            failures: self.without_absent(list(failures)?).await?,
        }))
    }

    /// The failures without those of metrics that have no series, and never had one: a query for what a machine does not have
    /// does not fail.
    async fn without_absent(&self, failures: Vec<Failure>) -> Result<Vec<Failure>, StoreError> {
        let empty = failures.iter().filter(|own| found_nothing(own));
        let metrics: Vec<&str> = empty.filter_map(|own| own.metric.as_deref()).collect();
        if metrics.is_empty() {
            return Ok(failures);
        }
        let mut query =
            QueryBuilder::<MySql>::new("SELECT DISTINCT metric FROM series WHERE metric IN (");
        let mut list = query.separated(", ");
        for metric in filled(&metrics) {
            list.push_bind((*metric).to_owned());
        }
        query.push(")");
        let known: Vec<String> = query.build_query_scalar().fetch_all(self.pool()).await?;
        let is_known = |failure: &Failure| {
            failure
                .metric
                .as_ref()
                .is_some_and(|own| known.contains(own))
        };
        let failures = failures.into_iter();
        Ok(failures
            .filter(|own| !found_nothing(own) || is_known(own))
            .collect())
    }

    /// Since when a message to one of these receivers is due and was not tried.
    async fn stuck_since(
        &self,
        now: Timestamp,
        receivers: &[&str],
    ) -> Result<Option<Timestamp>, StoreError> {
        if receivers.is_empty() {
            return Ok(None);
        }
        let mut query = QueryBuilder::<MySql>::new(
            "SELECT MIN(o.next_attempt) FROM outbox o JOIN receiver r ON r.name = o.receiver \
             WHERE o.state = 'waiting' AND o.body <> '' AND r.disabled_at IS NULL AND o.next_attempt < ",
        );
        query.push_bind(column_time(now - QUARTER));
        push_receivers(&mut query, receivers);
        query.push(" AND ").push(IS_FIRST);
        let stuck: Option<NaiveDateTime> =
            query.build_query_scalar().fetch_one(self.pool()).await?;
        Ok(stuck.map(read_time))
    }

    async fn failing_for_an_hour(
        &self,
        now: Timestamp,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let oldest: Option<NaiveDateTime> = sqlx::query_scalar(
            "SELECT MAX(as_of) FROM run FORCE INDEX (by_as_of) WHERE as_of <= ? AND as_of > ?",
        )
        .bind(column_time(now - NEARLY_AN_HOUR))
        .bind(column_time(now - 2 * HOUR))
        .fetch_one(self.pool())
        .await?;
        let Some(oldest) = oldest else {
            return Ok(BTreeMap::new());
        };
        // What the newest run did not fail in does not fail for an hour: only where there is some are the others read.
        let runs: Vec<Option<String>> = sqlx::query_scalar(
            "SELECT CAST(JSON_EXTRACT(document, '$.failures[*].metric') AS CHAR) FROM run FORCE INDEX (by_as_of) \
             WHERE as_of >= ? AND as_of <= ? AND JSON_EXTRACT(document, '$.partial') IS NULL ORDER BY as_of DESC LIMIT 4000",
        )
        .bind(oldest)
        .bind(column_time(now))
        .fetch_all(self.pool())
        .await?;
        let count = runs.len() as u64;
        let mut failing: Option<Vec<String>> = None;
        for run in runs {
            let failed: Vec<String> = list(run)?;
            failing = Some(match failing {
                None => failed,
                Some(before) => before
                    .into_iter()
                    .filter(|name| failed.contains(name))
                    .collect(),
            });
        }
        let failing = failing.unwrap_or_default().into_iter();
        Ok(failing.map(|metric| (metric, count)).collect())
    }
}

/// Whether a metric was read and has no series, as a run's record says it.
fn found_nothing(failure: &Failure) -> bool {
    (failure.stage.as_str(), failure.reason.as_str()) == ("fetch", WITHOUT_SERIES)
}

/// The list of a document; empty where there is none.
fn list<T: DeserializeOwned>(json: Option<String>) -> Result<Vec<T>, StoreError> {
    let list = json.map(|json| serde_json::from_str(&json));
    Ok(list.transpose()?.unwrap_or_default())
}
