//! The function: an event in, a comparison and deliveries, an answer out.

use std::{
    sync::Mutex,
    time::{Duration, SystemTime},
};

use chrono::Utc;
use config::AccessConfig;
use domain::Timestamp;
use http_api::Api;
use lambda_http::request::LambdaRequest;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use store::StoreError;
use tokio::time::Instant;

use crate::{Alerting, deliver::Said, routes::ROUTES};

/// Alerting and the ways to ask for it.
#[derive(Debug)]
pub struct Function {
    alerting: Alerting,
    api: Api<Alerting>,
    purged: Mutex<Option<Instant>>,
}

/// Why an event has no answer: a function error.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// It looks like a request and is malformed.
    #[error("the event is no request: {0}")]
    NoRequest(#[source] serde_json::Error),
    /// Nothing could be compared.
    #[error("alerts are not compared: {0}")]
    Store(#[from] StoreError),
    /// The answer cannot be written, which is a defect.
    #[error("the answer cannot be written as JSON")]
    Answer(#[source] serde_json::Error),
}

impl From<FunctionError> for Diagnostic {
    fn from(error: FunctionError) -> Self {
        let kind = match &error {
            FunctionError::NoRequest(_) => "UnknownEvent",
            FunctionError::Store(StoreError::Schema(_)) => "SchemaVersion",
            FunctionError::Store(_) => "DatabaseAway",
            FunctionError::Answer(_) => "Internal",
        };
        Self {
            error_type: kind.to_owned(),
            error_message: error.to_string(),
        }
    }
}

/// An invocation stays for what falls due for so long.
const LONGEST_STAY: Duration = Duration::from_secs(50);
/// And ends so long before Lambda would end it.
const MARGIN: Duration = Duration::from_secs(5);
/// How often what is old is deleted.
const PURGE_EVERY: Duration = Duration::from_secs(3600);

impl Function {
    /// A function that lets in whom `access` permits.
    pub fn new(alerting: Alerting, access: &AccessConfig) -> Self {
        Self {
            alerting,
            api: Api::new(ROUTES, access),
            purged: Mutex::default(),
        }
    }

    /// Answers a request, or compares and delivers: each minute what the schedule asks for, and at once what storage asks
    /// for.
    ///
    /// # Errors
    /// When nothing could be compared; what waited is delivered nevertheless.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, FunctionError> {
        let (payload, context) = event.into_parts();
        if payload.get("requestContext").is_some() {
            let request: LambdaRequest =
                serde_json::from_value(payload).map_err(FunctionError::NoRequest)?;
            let answer = self.api.answer_payload(&self.alerting, request, context);
            return answer.await.map_err(FunctionError::Answer);
        }
        let is_schedule = payload.get("detail-type").is_some();
        let said = if is_schedule {
            Said::Everything
        } else {
            Said::Changes
        };
        let now: Timestamp = Utc::now().into();
        // Boxed: the types of what waits in them would be too deep for the compiler.
        let compared = Box::pin(self.alerting.compare(now)).await;
        Box::pin(self.alerting.deliver(said, end(&context))).await;
        if is_schedule {
            self.purge(now).await;
        }
        let compared = compared?;
        Ok(json!({
            "compared": compared.is_some(),
            "fired": compared.unwrap_or_default().fired,
            "resolved": compared.unwrap_or_default().resolved,
        }))
    }

    async fn purge(&self, now: Timestamp) {
        let is_due = {
            let mut purged = self
                .purged
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let is_due = purged.is_none_or(|last| last.elapsed() >= PURGE_EVERY);
            if is_due {
                *purged = Some(Instant::now());
            }
            is_due
        };
        if is_due
            && let Err(error) = self
                .alerting
                .store
                .purge_alerts(now, self.alerting.kept)
                .await
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "what is old is not deleted");
        }
    }
}

/// When deliveries have to be over.
fn end(context: &Context) -> Instant {
    let left = context.deadline().duration_since(SystemTime::now());
    let left = left.unwrap_or_default().saturating_sub(MARGIN);
    Instant::now() + left.min(LONGEST_STAY)
}
