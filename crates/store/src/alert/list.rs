//! Alerts and deliveries as lists: the newest first, page by page.

use std::{str::FromStr, time::Duration};

use domain::{
    Timestamp,
    alert::{Alert, AlertState, Fingerprint},
};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, MySql, QueryBuilder, Row, mysql::MySqlRow};

use super::{
    DeliveryKind,
    record::{COLUMNS, read},
};
use crate::{
    Store, StoreError,
    read::{Page, column_time, parsed, read_time, unexpected},
};

/// Which alerts are asked for; those that are pending never.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// `None`: those that fire, then those that are resolved.
    pub state: Option<AlertState>,
    /// Frozen ones alone.
    pub frozen: bool,
    /// Of this SLA alone.
    pub sla: Option<String>,
    /// As they stood at this time, as far as that is kept: of an alert that was resolved and fires again, its newest firing
    /// alone; whether it was frozen is not known. `None`: as they stand now.
    pub at: Option<Timestamp>,
}

/// Where an alert stands in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertKey {
    /// Whether it is among those that are resolved.
    pub resolved: bool,
    /// Since when it holds.
    pub since: Timestamp,
    /// Of its labels.
    pub fingerprint: Fingerprint,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Not tried yet, or behind an earlier one, or its receiver is disabled.
    Waiting,
    /// Tried, to be tried again.
    Failed,
    /// The receiver has it.
    Delivered,
    /// Given up.
    Dead,
}

impl DeliveryState {
    /// The word: `waiting`, `failed`, `delivered` or `dead`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// A word that is no state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be waiting, failed, delivered or dead")]
pub struct UnknownDeliveryState;

impl FromStr for DeliveryState {
    type Err = UnknownDeliveryState;

    fn from_str(word: &str) -> Result<Self, UnknownDeliveryState> {
        let mut all = [Self::Waiting, Self::Failed, Self::Delivered, Self::Dead].into_iter();
        all.find(|state| state.word() == word)
            .ok_or(UnknownDeliveryState)
    }
}

/// Where a delivery stands in the list: its number.
pub type DeliveryKey = u64;

/// A delivery in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDelivery {
    /// Its number.
    pub id: u64,
    /// Whom it is for.
    pub receiver: String,
    /// The alert.
    pub fingerprint: Fingerprint,
    /// What it is.
    pub kind: DeliveryKind,
    /// How it stands.
    pub state: DeliveryState,
    /// How many attempts there were.
    pub attempts: u32,
    /// When it is due; `None` if it is over or its receiver is disabled.
    pub next_attempt: Option<Timestamp>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

/// What came of asking for another attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is due at once.
    Due(ListedDelivery),
    /// The receiver has it already.
    Delivered,
    /// No delivery has that number.
    Missing,
}

/// The columns of [`listed`]; a receiver that nobody knows is not disabled.
const LISTED: &str = "SELECT o.id, o.receiver, o.fingerprint, CAST(o.kind AS CHAR) AS kind, CAST(o.state AS CHAR) AS state, \
     o.attempts, o.next_attempt, o.last_error, r.disabled_at, \
     EXISTS (SELECT 1 FROM outbox e FORCE INDEX (by_alert) WHERE e.receiver = o.receiver AND e.fingerprint = o.fingerprint \
     AND e.state = 'waiting' AND e.id < o.id) AS is_behind \
     FROM outbox o LEFT JOIN receiver r ON r.name = o.receiver WHERE ";

impl Store {
    /// A page of alerts after the one of key `after`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn alerts(
        &self,
        filter: &AlertFilter,
        limit: u32,
        after: Option<&AlertKey>,
    ) -> Result<Page<Alert>, StoreError> {
        let mut alerts = Vec::new();
        for resolved in [false, true] {
            let state = if resolved {
                AlertState::Resolved
            } else {
                AlertState::Firing
            };
            let is_asked_for = filter.state.is_none_or(|asked| asked == state);
            let is_shown = after.is_some_and(|after| after.resolved && !resolved);
            let missing = (limit + 1).saturating_sub(alerts.len() as u32);
            if !is_asked_for || is_shown || missing == 0 || (resolved && filter.frozen) {
                continue;
            }
            let mut query = QueryBuilder::<MySql>::new("SELECT ");
            query.push(COLUMNS).push(" FROM alert ");
            match filter.at.map(column_time) {
                None => {
                    query.push("WHERE state = ").push_bind(state.word());
                }
                Some(at) => {
                    query
                        .push("FORCE INDEX (by_state) WHERE since <= ")
                        .push_bind(at);
                    query.push(if resolved {
                        " AND state = 'resolved' AND resolved_at <= "
                    } else {
                        " AND state IN ('firing', 'resolved') AND (state = 'firing' OR resolved_at > "
                    });
                    query.push_bind(at).push(if resolved { "" } else { ")" });
                }
            }
            if let Some(sla) = &filter.sla {
                query.push(" AND sla = ").push_bind(sla);
            }
            if filter.frozen {
                query.push(" AND frozen = 1");
            }
            if let Some(after) = after.filter(|after| after.resolved == resolved) {
                let since = column_time(after.since);
                query
                    .push(" AND since <= ")
                    .push_bind(since)
                    .push(" AND (since < ")
                    .push_bind(since)
                    .push(" OR fingerprint < ")
                    .push_bind(after.fingerprint.to_string())
                    .push(")");
            }
            query
                .push(" ORDER BY since DESC, fingerprint DESC LIMIT ")
                .push_bind(missing);
            for row in query.build().fetch_all(self.pool()).await? {
                let mut alert = read(&row)?;
                if filter.at.is_some() {
                    alert.frozen = false;
                    // It was resolved later, and so was why.
                    if !resolved {
                        alert.state = AlertState::Firing;
                        (alert.resolved_at, alert.reason) = (None, None);
                    }
                }
                alerts.push(alert);
            }
        }
        Ok(Page::cut(alerts, limit))
    }

    /// Every alert that fires, and those that were resolved after `resolved_after`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn alerts_to_send(
        &self,
        resolved_after: Timestamp,
    ) -> Result<Vec<Alert>, StoreError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM alert FORCE INDEX (by_state) WHERE state = 'firing' \
             UNION ALL SELECT {COLUMNS} FROM alert FORCE INDEX (by_resolution) WHERE state = 'resolved' AND resolved_at > ?"
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(column_time(resolved_after))
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(read).collect()
    }

    /// These alerts, if they are there.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn alerts_of(&self, fingerprints: &[Fingerprint]) -> Result<Vec<Alert>, StoreError> {
        let fingerprints: Vec<String> = fingerprints.iter().map(ToString::to_string).collect();
        let mut alerts = Vec::new();
        for chunk in fingerprints.chunks(512) {
            let mut query = QueryBuilder::<MySql>::new("SELECT ");
            query
                .push(COLUMNS)
                .push(" FROM alert WHERE fingerprint IN (");
            let mut list = query.separated(", ");
            for fingerprint in crate::sla::filled(chunk) {
                list.push_bind(fingerprint);
            }
            query.push(")");
            for row in query.build().fetch_all(self.pool()).await? {
                alerts.push(read(&row)?);
            }
        }
        Ok(alerts)
    }

    /// A page of deliveries before the one of number `before`, the newest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn deliveries(
        &self,
        state: Option<DeliveryState>,
        limit: u32,
        before: Option<DeliveryKey>,
    ) -> Result<Page<ListedDelivery>, StoreError> {
        let mut query = QueryBuilder::<MySql>::new(LISTED);
        query.push(match state {
            None => "TRUE",
            Some(DeliveryState::Delivered) => "o.state = 'delivered'",
            Some(DeliveryState::Dead) => "o.state = 'dead'",
            // As `state_of` says it.
            Some(DeliveryState::Waiting) => {
                "o.state = 'waiting' AND (o.last_error IS NULL OR r.disabled_at IS NOT NULL OR EXISTS \
                 (SELECT 1 FROM outbox f FORCE INDEX (by_alert) WHERE f.receiver = o.receiver \
                 AND f.fingerprint = o.fingerprint AND f.state = 'waiting' AND f.id < o.id))"
            }
            Some(DeliveryState::Failed) => {
                "o.state = 'waiting' AND o.last_error IS NOT NULL AND r.disabled_at IS NULL AND NOT EXISTS \
                 (SELECT 1 FROM outbox f FORCE INDEX (by_alert) WHERE f.receiver = o.receiver \
                 AND f.fingerprint = o.fingerprint AND f.state = 'waiting' AND f.id < o.id)"
            }
        });
        if let Some(before) = before {
            query.push(" AND o.id < ").push_bind(before);
        }
        query
            .push(" ORDER BY o.id DESC LIMIT ")
            .push_bind(limit + 1);
        let rows = query.build().fetch_all(self.pool()).await?;
        let rows: Vec<ListedDelivery> = rows.iter().map(listed).collect::<Result<_, _>>()?;
        Ok(Page::cut(rows, limit))
    }

    /// Makes a delivery due at `now`; one that was given up gets another three days.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn retry_delivery(&self, id: u64, now: Timestamp) -> Result<Retried, StoreError> {
        sqlx::query(
            "UPDATE outbox SET first_attempt = IF(state = 'dead', NULL, first_attempt), \
             attempts = IF(state = 'dead', 0, attempts), finished_at = NULL, next_attempt = ?, state = 'waiting' \
             WHERE id = ? AND state <> 'delivered'",
        )
        .bind(column_time(now))
        .bind(id)
        .execute(self.pool())
        .await?;
        let statement = format!("{LISTED} o.id = ?");
        let row = sqlx::query(AssertSqlSafe(statement))
            .bind(id)
            .fetch_optional(self.pool())
            .await?;
        let Some(row) = row else {
            return Ok(Retried::Missing);
        };
        let delivery = listed(&row)?;
        Ok(match delivery.state {
            DeliveryState::Delivered => Retried::Delivered,
            _ => Retried::Due(delivery),
        })
    }

    /// Deletes a few of the deliveries that ended a week before `now` or waited for longer than that, of alerts that were
    /// resolved `kept` before it, and of receivers that are gone.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn purge_alerts(&self, now: Timestamp, kept: Duration) -> Result<(), StoreError> {
        let week_ago = column_time(now - WEEK);
        sqlx::query(
            "DELETE FROM outbox WHERE state IN ('delivered', 'dead') AND finished_at < ? LIMIT 5000",
        )
        .bind(week_ago)
        .execute(self.pool())
        .await?;
        // A receiver that is configured is seen every hour; what waits for one that is disabled stays.
        sqlx::query(
            "DELETE FROM outbox WHERE state = 'waiting' AND next_attempt < ? AND receiver NOT IN \
             (SELECT name FROM receiver WHERE seen_at >= ?) LIMIT 5000",
        )
        .bind(week_ago)
        .bind(week_ago)
        .execute(self.pool())
        .await?;
        sqlx::query("DELETE FROM alert WHERE state = 'resolved' AND resolved_at < ? LIMIT 5000")
            .bind(column_time(now - kept))
            .execute(self.pool())
            .await?;
        sqlx::query("DELETE FROM receiver WHERE seen_at < ?")
            .bind(week_ago)
            .execute(self.pool())
            .await?;
        Ok(())
    }
}

const WEEK: Duration = Duration::from_secs(7 * 86_400);

fn listed(row: &MySqlRow) -> Result<ListedDelivery, StoreError> {
    let kind: &str = row.try_get_unchecked("kind")?;
    let word: &str = row.try_get_unchecked("state")?;
    let disabled_at: Option<chrono::NaiveDateTime> = row.try_get("disabled_at")?;
    let last_error: Option<String> = row.try_get("last_error")?;
    let is_behind: bool = row.try_get::<i64, _>("is_behind")? != 0;
    let state = match word {
        "delivered" => DeliveryState::Delivered,
        "dead" => DeliveryState::Dead,
        _ if last_error.is_some() && !is_behind && disabled_at.is_none() => DeliveryState::Failed,
        _ => DeliveryState::Waiting,
    };
    let is_due = matches!(state, DeliveryState::Waiting | DeliveryState::Failed);
    let next_attempt = read_time(row.try_get("next_attempt")?);
    Ok(ListedDelivery {
        id: row.try_get("id")?,
        receiver: row.try_get("receiver")?,
        fingerprint: parsed(row, "fingerprint")?,
        kind: kind.parse().map_err(unexpected)?,
        state,
        attempts: row.try_get("attempts")?,
        next_attempt: (is_due && disabled_at.is_none()).then_some(next_attempt),
        last_error,
    })
}
