use std::error::Error;

use domain::Timestamp;
use http_api::{ApiError, Call, PATIENCE, Reply, reply};
use lambda_http::{http::header::RETRY_AFTER, tracing};
use schemars::JsonSchema;
use serde::Serialize;
use store::{StoreError, alert::ReceiverState, read::RunHealth};
use tokio::time::timeout;

use crate::{Retrieval, database};

/// Whether the system works.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Health {
    /// The worst of `reasons`.
    status: Status,
    /// The version of the program.
    version: &'static str,
    /// `ok`, or with status 503 `away`, or `not_ready` while its schema is none that this program works with: then nothing
    /// else is known.
    database: &'static str,
    /// The `as_of` of the newest run.
    newest_run: Option<Timestamp>,
    /// The `as_of` of the newest run that found a series and in which no metric failed.
    newest_good_run: Option<Timestamp>,
    /// The age of the newest run.
    age_seconds: Option<f64>,
    /// Whether the newest run is older than three intervals, or there is none.
    stale: Option<bool>,
    /// How much newer than the newest run the newest row is that is stored: greater than 0 where a run's record does not
    /// follow what the run published.
    storage_lag_seconds: Option<f64>,
    /// Why the status is not `ok`.
    reasons: Vec<String>,
}

/// How the system works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// Runs succeed.
    Ok,
    /// The newest good run is older than three intervals, a metric failed in each of the last three runs, or a receiver of
    /// alerts is disabled.
    Degrading,
    /// There is no run for three intervals, or the database is away.
    Failing,
}

/// So many intervals may pass without a run.
const INTERVALS: u32 = 3;

pub(crate) async fn answer(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let stored = async {
        let runs = retrieval.store.run_health().await?;
        let disabled = retrieval.store.disabled_receivers(call.now).await?;
        Ok::<_, StoreError>((runs, disabled))
    };
    let error = match timeout(PATIENCE, stored).await {
        Ok(Ok((runs, disabled))) => {
            let oldest = call.now - INTERVALS * retrieval.schedule_interval;
            return reply::ok(&health(&runs, &disabled, call.now, oldest));
        }
        Ok(Err(error)) => database(error),
        Err(elapsed) => ApiError::Unavailable {
            what: "the database",
            source: elapsed.into(),
        },
    };
    match &error {
        ApiError::Unavailable { source, .. } => without_database(&error, "away", &**source),
        ApiError::NotReady(source) => without_database(&error, "not_ready", &**source),
        _ => Err(error),
    }
}

/// What is left to say when the database does not answer: the status of the error, and when to come again.
fn without_database(
    error: &ApiError,
    database: &'static str,
    cause: &(dyn Error + 'static),
) -> Result<Reply, ApiError> {
    tracing::error!(%error, ?cause, "the health is not known");
    let mut reply = reply::ok(&Health {
        status: Status::Failing,
        version: env!("CARGO_PKG_VERSION"),
        database,
        newest_run: None,
        newest_good_run: None,
        age_seconds: None,
        stale: None,
        storage_lag_seconds: None,
        reasons: vec![error.to_string()],
    })?;
    let problem = error.reply();
    *reply.status_mut() = problem.status();
    if let Some(seconds) = problem.headers().get(RETRY_AFTER) {
        reply.headers_mut().insert(RETRY_AFTER, seconds.clone());
    }
    Ok(reply)
}

/// The health by what is stored; runs before `oldest` are too old.
fn health(
    runs: &RunHealth,
    disabled: &[ReceiverState],
    now: Timestamp,
    oldest: Timestamp,
) -> Health {
    let is_old = |run: Option<Timestamp>| run.is_none_or(|run| run < oldest);
    let stale = is_old(runs.newest);
    let mut reasons = Vec::new();
    if stale {
        reasons.push(format!("no run for {INTERVALS} intervals"));
    } else if is_old(runs.newest_good) {
        reasons.push(format!(
            "no run for {INTERVALS} intervals that found a series and in which no metric failed"
        ));
    }
    let failing = runs.failing.iter();
    reasons.extend(failing.map(|metric| format!("`{metric}` failed in each of the last 3 runs")));
    let disabled = disabled.iter();
    reasons
        .extend(disabled.map(|own| format!("the receiver `{}` of alerts is disabled", own.name)));
    Health {
        status: match (stale, reasons.is_empty()) {
            (true, _) => Status::Failing,
            (false, false) => Status::Degrading,
            (false, true) => Status::Ok,
        },
        version: env!("CARGO_PKG_VERSION"),
        database: "ok",
        newest_run: runs.newest,
        newest_good_run: runs.newest_good,
        age_seconds: runs.newest.map(|newest| now.seconds_since(newest)),
        stale: Some(stale),
        storage_lag_seconds: runs
            .newest_known
            .zip(runs.newest)
            .map(|(known, newest)| known.seconds_since(newest)),
        reasons,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_status_follows_from_the_runs() {
        let now: Timestamp = "2026-11-23T08:45:00Z".parse().unwrap();
        let ago = |seconds| Some(now - Duration::from_secs(seconds));
        let failing = || ["cpuUsage".to_owned()].into_iter().collect();
        for (newest, newest_good, newest_known, failing, status, reasons) in [
            (ago(10), ago(10), ago(10), Default::default(), Status::Ok, 0),
            (ago(40), ago(70), ago(10), Default::default(), Status::Ok, 0),
            (
                ago(10),
                ago(100),
                ago(10),
                Default::default(),
                Status::Degrading,
                1,
            ),
            (
                ago(10),
                None,
                ago(10),
                Default::default(),
                Status::Degrading,
                1,
            ),
            (ago(10), ago(10), ago(10), failing(), Status::Degrading, 1),
            (ago(10), None, ago(10), failing(), Status::Degrading, 2),
            (
                ago(100),
                ago(100),
                ago(10),
                Default::default(),
                Status::Failing,
                1,
            ),
            (None, None, None, Default::default(), Status::Failing, 1),
        ] {
            let runs = RunHealth {
                newest,
                newest_good,
                newest_known,
                failing,
            };
            let health = health(&runs, &[], now, now - Duration::from_secs(90));
            assert_eq!(health.status, status, "{runs:?}");
            assert_eq!(health.reasons.len(), reasons, "{health:?}");
            assert_eq!(health.stale, Some(status == Status::Failing));
            let lag = newest_known
                .zip(newest)
                .map(|(known, newest)| known.seconds_since(newest));
            assert_eq!(health.storage_lag_seconds, lag);
        }
    }
}
