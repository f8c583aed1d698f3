use std::time::Duration;

use domain::Timestamp;
use http_api::{ApiError, Call, Reply, reply};
use serde::Serialize;
use store::Store;

use crate::{Endpoint, database};

#[derive(Serialize)]
struct Health {
    /// `ok`, or `stale` when the newest run is too old or there is none.
    status: &'static str,
    version: &'static str,
    database: &'static str,
    newest_run: Option<Timestamp>,
    age_seconds: Option<f64>,
    stale: bool,
}

/// Whether the database answers and runs go on.
pub(crate) async fn answer(
    store: &Store,
    call: &Call<Endpoint>,
    now: Timestamp,
    schedule_interval: Duration,
) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let newest_run = store.newest_run().await.map_err(database)?;
    let stale = newest_run.is_none_or(|newest| now.since(newest) > 3 * schedule_interval);
    reply::ok(&Health {
        status: if stale { "stale" } else { "ok" },
        version: env!("CARGO_PKG_VERSION"),
        database: "ok",
        newest_run,
        age_seconds: newest_run.map(|newest| now.seconds_since(newest)),
        stale,
    })
}
