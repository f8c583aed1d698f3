//! `POST /alerts/test`: whether messages arrive, at once and without waiting for an alert.

use futures::future;
use http_api::{ApiError, Call, Reply, reply};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Alerting, database, message,
    receivers::{Attempt, PostedAlert},
};

/// What came of it at each receiver.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AlertTest")]
pub(crate) struct Tested {
    outcomes: Vec<OutcomeRow>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AlertTestOutcome")]
struct OutcomeRow {
    /// The receiver's name.
    receiver: String,
    /// Whether it took the message.
    delivered: bool,
    /// The status it answered with, if it answered.
    status: Option<u16>,
    /// Why it did not take it.
    error: Option<String>,
}

impl OutcomeRow {
    fn new(receiver: &str, attempt: &Attempt) -> Self {
        Self {
            receiver: receiver.to_owned(),
            delivered: matches!(attempt, Attempt::Taken(_)),
            status: attempt.status(),
            error: attempt.error().map(str::to_owned),
        }
    }
}

pub(crate) async fn answer(alerting: &Alerting, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let receivers = &alerting.receivers;
    let known = receivers.known();
    let known = alerting.store.know_receivers(&known, call.now).await;
    known.map_err(database)?;
    let dashboard = format!("{}/ui/alerts", alerting.public_url);
    let (fingerprint, body) = message::of_test(dashboard.clone(), call.now);
    let posted = [PostedAlert::test(call.now, dashboard)];
    let (posted, body) = (&posted, body.as_str());
    let alertmanagers = receivers.alertmanagers.iter().map(|own| async move {
        let attempt = own.post(posted).await;
        (own.name(), attempt)
    });
    let messaged = receivers.messaged().into_iter().map(|own| async move {
        let id = format!("test-{}", Uuid::new_v4());
        let attempt = own.send(&fingerprint, &id, body, call.now).await;
        (own.name(), attempt)
    });
    let alertmanagers = future::join_all(alertmanagers);
    let messaged = future::join_all(messaged);
    let (mut outcomes, others) = future::join(alertmanagers, messaged).await;
    outcomes.extend(others);
    for (name, attempt) in &outcomes {
        if matches!(attempt, Attempt::Taken(_)) {
            let enabled = alerting.store.enable_receiver(name, call.now).await;
            enabled.map_err(database)?;
        }
    }
    let outcomes = outcomes
        .iter()
        .map(|(name, attempt)| OutcomeRow::new(name, attempt));
    reply::ok(&Tested {
        outcomes: outcomes.collect(),
    })
}
