//! The sla function: the SLA set, and what was found of it, over HTTP.
//!
//! It owns the tables of the SLA set and reads the rest. It judges nothing itself: etl does, and is asked to as soon as an
//! SLA changes or is tried out.

mod advice;
mod bound;
mod budget;
mod check;
mod evaluator;
mod exclusions;
mod fitting;
mod outlook;
mod reliability;
mod set;
mod standing;
mod trial;
mod violations;

use std::time::Duration;

use chrono::Utc;
use http_api::{ApiError, Call, Reply, Route, operations as operation, within};
use store::{Store, StoreError};

pub use evaluator::{Evaluator, InvalidEvaluator};
pub use reliability::ReadLast;

/// What the function answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /sla`.
    Create,
    /// `POST /sla/try`.
    Try,
    /// `GET /sla`.
    List,
    /// `GET /sla/{name}`.
    Get,
    /// `PUT /sla/{name}`.
    Replace,
    /// `DELETE /sla/{name}`.
    Retire,
    /// `GET /sla/{name}/budget`.
    Budget,
    /// `GET /sla/{name}/violations`.
    Violations,
    /// `POST /sla/{name}/exclusions`.
    Exclude,
    /// `GET /sla/{name}/exclusions`.
    Exclusions,
    /// `DELETE /sla/{name}/exclusions/{id}`.
    TakeBack,
    /// `GET /check_json`.
    Check,
    /// `GET /predict_json`.
    Predict,
}

/// Its routes.
pub static ROUTES: [Route<Endpoint>; 13] = [
    Route {
        operation: &operation::CREATE_SLA,
        endpoint: Endpoint::Create,
    },
    Route {
        operation: &operation::TRY_SLA,
        endpoint: Endpoint::Try,
    },
    Route {
        operation: &operation::LIST_SLAS,
        endpoint: Endpoint::List,
    },
    Route {
        operation: &operation::GET_SLA,
        endpoint: Endpoint::Get,
    },
    Route {
        operation: &operation::REPLACE_SLA,
        endpoint: Endpoint::Replace,
    },
    Route {
        operation: &operation::RETIRE_SLA,
        endpoint: Endpoint::Retire,
    },
    Route {
        operation: &operation::BUDGET,
        endpoint: Endpoint::Budget,
    },
    Route {
        operation: &operation::VIOLATIONS,
        endpoint: Endpoint::Violations,
    },
    Route {
        operation: &operation::CREATE_EXCLUSION,
        endpoint: Endpoint::Exclude,
    },
    Route {
        operation: &operation::LIST_EXCLUSIONS,
        endpoint: Endpoint::Exclusions,
    },
    Route {
        operation: &operation::DELETE_EXCLUSION,
        endpoint: Endpoint::TakeBack,
    },
    Route {
        operation: &operation::CHECK,
        endpoint: Endpoint::Check,
    },
    Route {
        operation: &operation::PREDICT_VIOLATIONS,
        endpoint: Endpoint::Predict,
    },
];

/// What an answer needs, made once per instance.
#[derive(Debug)]
pub struct SlaManager {
    /// Where the SLA set and the evaluations are.
    pub store: Store,
    /// Who is asked to evaluate an SLA that changed.
    pub evaluator: Evaluator,
    /// How often the schedule runs the ETL: an evaluation is stale after three of these.
    pub schedule_interval: Duration,
    /// How far behind the clock a run looks; what is evaluated as of later than that far ahead is not known yet.
    pub settle: Duration,
    /// How many pairs of an objective and a series all SLAs together may have.
    pub judged_pairs: u64,
    /// What probabilities were worth, as it was read last.
    pub read_last: ReadLast,
}

/// How long the database may take over an answer: one that says nothing is as good as away.
const PATIENCE: Duration = Duration::from_secs(10);
/// What the database may take after etl has judged objectives that are tried: a REST API gives 29 s for all of it.
const MARGIN: Duration = Duration::from_secs(3);

impl SlaManager {
    /// Answers one request.
    ///
    /// # Errors
    /// When the request is invalid or contradicts the SLA set, or the database is away.
    pub async fn answer(&self, call: Call<Endpoint>) -> Result<Reply, ApiError> {
        let patience = match call.endpoint {
            Endpoint::Create | Endpoint::Replace => PATIENCE + evaluator::PATIENCE,
            Endpoint::Try => evaluator::TRIAL_PATIENCE + MARGIN,
            _ => PATIENCE,
        };
        within(patience, "the database", self.decide(call)).await
    }

    async fn decide(&self, call: Call<Endpoint>) -> Result<Reply, ApiError> {
        let now = Utc::now().into();
        match call.endpoint {
            Endpoint::Create => set::create(self, &call, now).await,
            Endpoint::Try => trial::answer(self, &call, now).await,
            Endpoint::List => set::list(self, &call, now).await,
            Endpoint::Get => set::get(self, &call).await,
            Endpoint::Replace => set::replace(self, &call, now).await,
            Endpoint::Retire => set::retire(self, &call, now).await,
            Endpoint::Budget => budget::answer(self, &call, now).await,
            Endpoint::Violations => violations::answer(self, &call, now).await,
            Endpoint::Exclude => exclusions::create(self, &call, now).await,
            Endpoint::Exclusions => exclusions::list(self, &call, now).await,
            Endpoint::TakeBack => exclusions::delete(self, &call, now).await,
            Endpoint::Check => check::answer(self, &call, now).await,
            Endpoint::Predict => outlook::answer(self, &call, now).await,
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
