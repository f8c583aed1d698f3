//! Turns: one instance at a time compares what holds with what was said, and one sends to Alertmanagers.

use std::time::Duration;

use domain::{
    Timestamp,
    alert::{Alert, Change, Fingerprint},
};
use sqlx::{AssertSqlSafe, Connection, MySql, QueryBuilder, pool::PoolConnection};

use super::{
    DeliveryKind,
    record::{AlertRow, COLUMNS, DeliveryRow, read},
};
use crate::{Store, StoreError, pipeline::upsert::upsert, sla::filled};

/// The right to do something that one instance does at a time. It ends when this is dropped, with the session, or when the
/// instance that has it says nothing for `LONGEST_TURN`.
#[derive(Debug)]
pub struct Turn {
    connection: PoolConnection<MySql>,
}

/// What one receiver is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its name.
    pub receiver: String,
    /// The alert it is about.
    pub fingerprint: Fingerprint,
    /// What it is.
    pub kind: DeliveryKind,
    /// What the receiver knows it by, the same on each attempt.
    pub message: String,
    /// What is sent; empty where that is made at the attempt.
    pub body: String,
}

/// Longer than an invocation.
const LONGEST_TURN: Duration = Duration::from_secs(90);
const ROWS_AT_ONCE: usize = 512;

impl Store {
    /// Waits for the turn to compare; `None` if it does not come within `patience`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn comparing_turn(&self, patience: Duration) -> Result<Option<Turn>, StoreError> {
        self.turn("alerts", patience).await
    }

    /// Waits for the turn to send to Alertmanagers; `None` if it does not come within `patience`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn alertmanager_turn(&self, patience: Duration) -> Result<Option<Turn>, StoreError> {
        self.turn("alertmanagers", patience).await
    }

    async fn turn(&self, name: &str, patience: Duration) -> Result<Option<Turn>, StoreError> {
        let mut connection = self.pool().acquire().await?;
        // The lock ends with its connection.
        connection.close_on_drop();
        sqlx::query("SET SESSION wait_timeout = ?")
            .bind(LONGEST_TURN.as_secs())
            .execute(&mut *connection)
            .await?;
        // The name of such a lock is the server's, not the database's.
        let locked: Option<i64> = sqlx::query_scalar(
            "SELECT GET_LOCK(CONCAT(?, '.', LEFT(SHA2(DATABASE(), 224), 48)), ?)",
        )
        .bind(name)
        .bind(patience.as_secs())
        .fetch_one(&mut *connection)
        .await?;
        Ok((locked == Some(1)).then_some(Turn { connection }))
    }
}

impl Turn {
    /// Every alert that is pending or firing.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn open_alerts(&mut self) -> Result<Vec<Alert>, StoreError> {
        let statement = format!("SELECT {COLUMNS} FROM alert WHERE state IN ('pending', 'firing')");
        let rows = sqlx::query(AssertSqlSafe(statement))
            .fetch_all(&mut *self.connection)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Those of these alerts that are resolved.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn resolved_alerts(
        &mut self,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<Alert>, StoreError> {
        let fingerprints: Vec<String> = fingerprints.iter().map(ToString::to_string).collect();
        let mut alerts = Vec::new();
        for chunk in fingerprints.chunks(ROWS_AT_ONCE) {
            let mut query = QueryBuilder::<MySql>::new("SELECT ");
            query
                .push(COLUMNS)
                .push(" FROM alert WHERE state = 'resolved' AND fingerprint IN (");
            let mut list = query.separated(", ");
            for fingerprint in filled(chunk) {
                list.push_bind(fingerprint);
            }
            query.push(")");
            for row in query.build().fetch_all(&mut *self.connection).await? {
                alerts.push(read(&row)?);
            }
        }
        Ok(alerts)
    }

    /// Writes changes and what receivers are to be told of them, all or nothing, and only while the turn lasts.
    ///
    /// # Errors
    /// When the database is away or the turn is over. Then nothing is written, unless the answer was lost.
    pub async fn write(
        &mut self,
        changes: &[Change],
        deliveries: &[NewDelivery],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (mut rows, mut forgotten) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                Change::Fires(alert) | Change::Resolves(alert) | Change::Updates(alert) => {
                    rows.push(AlertRow::new(alert)?);
                }
                Change::Forgets(fingerprint) => forgotten.push(fingerprint.to_string()),
            }
        }
        let deliveries = deliveries.iter().enumerate();
        let deliveries = deliveries.map(|(place, delivery)| DeliveryRow {
            place,
            delivery,
            now,
        });
        let deliveries: Vec<_> = deliveries.collect();
        if rows.is_empty() && forgotten.is_empty() && deliveries.is_empty() {
            return Ok(());
        }
        let mut transaction = self.connection.begin().await?;
        upsert(&mut transaction, rows).await?;
        for chunk in forgotten.chunks(ROWS_AT_ONCE) {
            let mut query = QueryBuilder::<MySql>::new(
                "DELETE FROM alert WHERE state = 'pending' AND fingerprint IN (",
            );
            let mut list = query.separated(", ");
            for fingerprint in filled(chunk) {
                list.push_bind(fingerprint);
            }
            query.push(")");
            query.build().execute(&mut *transaction).await?;
        }
        upsert(&mut transaction, deliveries).await?;
        transaction.commit().await?;
        Ok(())
    }
}
