//! `GET /alerts` and `/alerts/deliveries`, and another attempt at a delivery.

use domain::{
    Timestamp,
    alert::{Alert, AlertState, Annotations, Fingerprint},
};
use http_api::{ApiError, Call, Page, Reply, reply};
use schemars::JsonSchema;
use serde::Serialize;
use store::alert::{AlertFilter, AlertKey, DeliveryState, ListedDelivery, Retried};

use crate::{Alerting, database};

/// An alert in the list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AlertRow {
    /// Of its labels: 16 hex digits.
    fingerprint: Fingerprint,
    /// Its identity.
    labels: std::collections::BTreeMap<String, String>,
    /// What people read.
    annotations: Annotations,
    /// `firing` or `resolved`.
    state: &'static str,
    /// Whether it fires although nothing says so now: `reason` says why that is not known.
    frozen: bool,
    /// Since when it holds, in this firing.
    since: Timestamp,
    /// When it was resolved; null while it fires.
    resolved_at: Option<Timestamp>,
    /// Why it was resolved, where it did not just cease to hold, or is frozen.
    reason: Option<String>,
}

impl http_api::Row for AlertRow {
    const LIST: &'static str = "alerts";
}

impl From<Alert> for AlertRow {
    fn from(alert: Alert) -> Self {
        let is_over = alert.state == AlertState::Resolved;
        Self {
            fingerprint: alert.fingerprint,
            labels: alert.labels.0,
            annotations: alert.annotations,
            state: alert.state.word(),
            frozen: alert.frozen,
            since: alert.since,
            resolved_at: alert.resolved_at.filter(|_| is_over),
            reason: alert.reason,
        }
    }
}

/// A delivery in the list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AlertDelivery")]
pub(crate) struct DeliveryRow {
    /// Its number.
    id: u64,
    /// The receiver's name.
    receiver: String,
    /// The alert.
    fingerprint: Fingerprint,
    /// `alert.firing`, `alert.resolved` or `alert.watchdog`.
    r#type: String,
    /// `waiting` (not tried yet, behind an earlier one, or its receiver is disabled), `failed` (to be tried again),
    /// `delivered` or `dead` (given up).
    state: &'static str,
    /// How many attempts there were.
    attempts: u32,
    /// When it is due; null if it is over or its receiver is disabled.
    next_attempt: Option<Timestamp>,
    /// Why the last attempt failed.
    last_error: Option<String>,
}

impl http_api::Row for DeliveryRow {
    const LIST: &'static str = "deliveries";
}

impl From<ListedDelivery> for DeliveryRow {
    fn from(delivery: ListedDelivery) -> Self {
        Self {
            id: delivery.id,
            receiver: delivery.receiver,
            fingerprint: delivery.fingerprint,
            r#type: format!("alert.{}", delivery.kind.word()),
            state: delivery.state.word(),
            attempts: delivery.attempts,
            next_attempt: delivery.next_attempt,
            last_error: delivery.last_error,
        }
    }
}

/// `GET /alerts`.
pub(crate) async fn alerts(alerting: &Alerting, call: &Call) -> Result<Reply, ApiError> {
    alerts_at(alerting, call, None).await
}

/// The same as the alerts stood `at` a time, as far as that is kept.
pub(crate) async fn alerts_at(
    alerting: &Alerting,
    call: &Call,
    at: Option<Timestamp>,
) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let after = query.cursor::<AlertKey>().map(|cursor| cursor.after);
    let limit = query.limit();
    let state = query.state(&["firing", "resolved", "frozen"]);
    let sla = query.sla();
    query.finish()?;
    let filter = AlertFilter {
        state: match state {
            Some("resolved") => Some(AlertState::Resolved),
            Some(_) => Some(AlertState::Firing),
            None => None,
        },
        frozen: state == Some("frozen"),
        sla,
        at,
    };
    let found = alerting.store.alerts(&filter, limit, after.as_ref()).await;
    let found = found.map_err(database)?;
    let keys: Vec<AlertKey> = found.rows.iter().map(key).collect();
    let page = Page::of(found.rows.into_iter().map(AlertRow::from));
    let more = found.more || page.len() < keys.len();
    let last = keys[..page.len()].last().filter(|_| more);
    let next = last.map(|last| query.next(call.now, last));
    reply::ok(&page.with_next(next))
}

fn key(alert: &Alert) -> AlertKey {
    AlertKey {
        resolved: alert.state == AlertState::Resolved,
        since: alert.since,
        fingerprint: alert.fingerprint,
    }
}

/// `GET /alerts/deliveries`.
pub(crate) async fn deliveries(alerting: &Alerting, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let before = query.cursor::<u64>().map(|cursor| cursor.after);
    let limit = query.limit();
    let state = query.state(&["waiting", "failed", "delivered", "dead"]);
    query.finish()?;
    let state = state.and_then(|word| word.parse::<DeliveryState>().ok());
    let found = alerting.store.deliveries(state, limit, before).await;
    let found = found.map_err(database)?;
    let ids: Vec<u64> = found.rows.iter().map(|delivery| delivery.id).collect();
    let page = Page::of(found.rows.into_iter().map(DeliveryRow::from));
    let more = found.more || page.len() < ids.len();
    let last = ids[..page.len()].last().filter(|_| more);
    let next = last.map(|last| query.next(call.now, last));
    reply::ok(&page.with_next(next))
}

/// `POST /alerts/deliveries/{id}/retry`.
pub(crate) async fn retry(alerting: &Alerting, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let nobody = || {
        let id: String = call.id.chars().take(20).collect();
        ApiError::NotFound(format!("there is no delivery {id}"))
    };
    let id: u64 = call.id.parse().map_err(|_| nobody())?;
    let retried = alerting.store.retry_delivery(id, call.now).await;
    match retried.map_err(database)? {
        Retried::Due(delivery) => reply::ok(&DeliveryRow::from(delivery)),
        Retried::Delivered => Err(ApiError::Conflict(format!(
            "the receiver has delivery {id} already"
        ))),
        Retried::Missing => Err(nobody()),
    }
}
