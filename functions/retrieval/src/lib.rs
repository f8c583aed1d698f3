//! The retrieval function: what the pipeline found, over HTTP. It only reads, and an answer is one indexed query away.

mod answers;
mod health;
mod list;
mod quality;
mod root;

use std::time::Duration;

use chrono::Utc;
use http_api::{ApiError, Call, Reply, Route, operations as operation, reply, within};
use store::{Store, StoreError};

/// The OpenAPI document of the whole system.
pub const OPENAPI: &str = include_str!("openapi.json");

/// What the function answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `GET /`.
    Root,
    /// `GET /series`.
    Series,
    /// `GET /metrics`.
    Metrics,
    /// `GET /metadata`.
    Metadata,
    /// `GET /predict`.
    Predict,
    /// `GET /forecasts/quality`.
    Quality,
    /// `GET /runs`.
    Runs,
    /// `GET /health`.
    Health,
    /// `GET /openapi.json`.
    OpenApi,
}

/// Its routes.
pub static ROUTES: [Route<Endpoint>; 9] = [
    Route {
        operation: &operation::ROOT,
        endpoint: Endpoint::Root,
    },
    Route {
        operation: &operation::SERIES,
        endpoint: Endpoint::Series,
    },
    Route {
        operation: &operation::METRICS,
        endpoint: Endpoint::Metrics,
    },
    Route {
        operation: &operation::METADATA,
        endpoint: Endpoint::Metadata,
    },
    Route {
        operation: &operation::PREDICT,
        endpoint: Endpoint::Predict,
    },
    Route {
        operation: &operation::QUALITY,
        endpoint: Endpoint::Quality,
    },
    Route {
        operation: &operation::RUNS,
        endpoint: Endpoint::Runs,
    },
    Route {
        operation: &operation::HEALTH,
        endpoint: Endpoint::Health,
    },
    Route {
        operation: &operation::OPENAPI,
        endpoint: Endpoint::OpenApi,
    },
];

/// What an answer needs, made once per instance.
#[derive(Debug)]
pub struct Retrieval {
    /// Where the answers are.
    pub store: Store,
    /// How often the schedule runs the ETL: the newest run is stale after three of these.
    pub schedule_interval: Duration,
}

/// How long the database may take over an answer: one that says nothing is as good as away.
const PATIENCE: Duration = Duration::from_secs(10);

impl Retrieval {
    /// Answers one request.
    ///
    /// # Errors
    /// When the request is not one of this function's, or the database is away.
    pub async fn answer(&self, call: Call<Endpoint>) -> Result<Reply, ApiError> {
        within(PATIENCE, "the database", self.read(call)).await
    }

    async fn read(&self, call: Call<Endpoint>) -> Result<Reply, ApiError> {
        let now = Utc::now().into();
        match call.endpoint {
            Endpoint::Root => root::answer(&call),
            Endpoint::Series => list::series(&self.store, &call, now).await,
            Endpoint::Metrics => list::metrics(&self.store, &call, now).await,
            Endpoint::Metadata => list::metadata(&self.store, &call, now).await,
            Endpoint::Predict => list::predictions(&self.store, &call, now).await,
            Endpoint::Quality => quality::answer(&self.store, &call, now).await,
            Endpoint::Runs => list::runs(&self.store, &call, now).await,
            Endpoint::Health => {
                health::answer(&self.store, &call, now, self.schedule_interval).await
            }
            Endpoint::OpenApi => {
                call.query().finish()?;
                Ok(reply::written(OPENAPI))
            }
        }
    }
}

/// The database's errors as a caller sees them.
fn database(error: StoreError) -> ApiError {
    match error {
        StoreError::Schema(mismatch) => ApiError::NotReady(mismatch.into()),
        StoreError::Tls(fault) => ApiError::Misconfigured(fault.into()),
        error if error.is_transient() => ApiError::Unavailable {
            what: "the database",
            source: error.into(),
        },
        error => ApiError::internal(error),
    }
}
