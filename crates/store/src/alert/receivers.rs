use chrono::NaiveDateTime;
use domain::Timestamp;
use sqlx::{MySql, QueryBuilder, Row, mysql::MySqlRow};

use crate::{
    Store, StoreError,
    read::{column_time, read_time},
    sla::filled,
};

/// A receiver as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownReceiver {
    /// Its name.
    pub name: String,
    /// 64 hex digits that change when its address does.
    pub address: String,
}

/// What is known of a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverState {
    /// Its name.
    pub name: String,
    /// When it said that it wants nothing more.
    pub disabled_at: Option<Timestamp>,
}

/// The deliveries of a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// The receiver's name.
    pub receiver: String,
    /// Whether it said that it wants nothing more.
    pub is_disabled: bool,
    /// How many are not delivered yet.
    pub waiting: u64,
    /// How many were delivered and are still listed.
    pub delivered: u64,
    /// How many were given up and are still listed.
    pub dead: u64,
}

/// How often it is written down that a receiver is configured.
const SEEN_EVERY: std::time::Duration = std::time::Duration::from_secs(3600);

impl Store {
    /// Writes down which receivers there are at `now`, and returns what is known of them. One whose address changed is
    /// enabled again.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn know_receivers(
        &self,
        receivers: &[KnownReceiver],
        now: Timestamp,
    ) -> Result<Vec<ReceiverState>, StoreError> {
        if receivers.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<&str> = receivers.iter().map(|own| own.name.as_str()).collect();
        let mut query = QueryBuilder::<MySql>::new(
            "SELECT name, address, seen_at, disabled_at FROM receiver WHERE name IN (",
        );
        let mut list = query.separated(", ");
        for name in filled(&names) {
            list.push_bind((*name).to_owned());
        }
        query.push(")");
        let known: Vec<(String, String, NaiveDateTime, Option<NaiveDateTime>)> =
            query.build_query_as().fetch_all(self.pool()).await?;
        let mut states = Vec::new();
        for receiver in receivers {
            let known = known.iter().find(|(name, ..)| *name == receiver.name);
            let same = known.filter(|(_, address, ..)| *address == receiver.address);
            let disabled_at = same.and_then(|(.., disabled_at)| disabled_at.map(read_time));
            let is_fresh = |seen_at: NaiveDateTime| read_time(seen_at) + SEEN_EVERY > now;
            if same.is_none() && known.is_some_and(|(.., disabled_at)| disabled_at.is_some()) {
                self.begin_anew(&receiver.name).await?;
            }
            if !same.is_some_and(|(_, _, seen_at, _)| is_fresh(*seen_at)) {
                sqlx::query(
                    "INSERT INTO receiver (name, address, seen_at) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE \
                     disabled_at = IF(address = VALUES(address), disabled_at, NULL), \
                     address = VALUES(address), seen_at = VALUES(seen_at)",
                )
                .bind(&receiver.name)
                .bind(&receiver.address)
                .bind(column_time(now))
                .execute(self.pool())
                .await?;
            }
            states.push(ReceiverState {
                name: receiver.name.clone(),
                disabled_at,
            });
        }
        Ok(states)
    }

    /// Enables a receiver that took something at `now`; what waits for it is due at once, and for three days where it was disabled.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn enable_receiver(&self, name: &str, now: Timestamp) -> Result<(), StoreError> {
        self.begin_anew(name).await?;
        sqlx::query("UPDATE receiver SET disabled_at = NULL, delivered_at = ? WHERE name = ?")
            .bind(column_time(now))
            .bind(name)
            .execute(self.pool())
            .await?;
        sqlx::query(
            "UPDATE outbox FORCE INDEX (by_receiver) SET next_attempt = ? \
             WHERE receiver = ? AND state = 'waiting' AND next_attempt > ?",
        )
        .bind(column_time(now))
        .bind(name)
        .bind(column_time(now))
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// How many deliveries wait for each receiver, are with it and are given up, of those that were configured on the day
    /// before `now`, by name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn delivery_counts(&self, now: Timestamp) -> Result<Vec<DeliveryCounts>, StoreError> {
        const OF_STATE: &str = "(SELECT COUNT(*) FROM outbox o FORCE INDEX (by_receiver) \
             WHERE o.receiver = r.name AND o.state = ";
        let mut query = QueryBuilder::<MySql>::new("SELECT r.name, r.disabled_at");
        for state in ["waiting", "delivered", "dead"] {
            query.push(format_args!(", {OF_STATE}'{state}') AS {state}"));
        }
        query
            .push(" FROM receiver r WHERE r.seen_at >= ")
            .push_bind(column_time(now - 24 * SEEN_EVERY))
            .push(" ORDER BY r.name");
        let rows = query.build().fetch_all(self.pool()).await?;
        let read = |row: &MySqlRow| -> Result<_, sqlx::Error> {
            let count = |state| row.try_get::<i64, _>(state).map(i64::unsigned_abs);
            Ok(DeliveryCounts {
                receiver: row.try_get("name")?,
                is_disabled: row
                    .try_get::<Option<NaiveDateTime>, _>("disabled_at")?
                    .is_some(),
                waiting: count("waiting")?,
                delivered: count("delivered")?,
                dead: count("dead")?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// The receivers that are disabled, by name, of those that were configured on the day before `now`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn disabled_receivers(
        &self,
        now: Timestamp,
    ) -> Result<Vec<ReceiverState>, StoreError> {
        let rows: Vec<(String, NaiveDateTime)> = sqlx::query_as(
            "SELECT name, disabled_at FROM receiver WHERE disabled_at IS NOT NULL AND seen_at >= ? ORDER BY name",
        )
        .bind(column_time(now - 24 * SEEN_EVERY))
        .fetch_all(self.pool())
        .await?;
        let states = rows.into_iter().map(|(name, disabled_at)| ReceiverState {
            name,
            disabled_at: Some(read_time(disabled_at)),
        });
        Ok(states.collect())
    }
}
