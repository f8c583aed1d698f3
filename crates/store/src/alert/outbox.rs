//! Deliveries: who has which, and what came of it.

use std::{str::FromStr, time::Duration};

use domain::{
    Timestamp,
    alert::{Fingerprint, NextAttempt, next_attempt},
};
use sqlx::{Connection, MySql, MySqlConnection, QueryBuilder, Row, mysql::MySqlRow};

use crate::{
    Store, StoreError,
    read::{column_time, parsed, read_time, unexpected},
    sla::filled,
};

/// What a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryKind {
    /// An alert fires.
    Firing,
    /// An alert is resolved.
    Resolved,
    /// Everything works.
    Watchdog,
}

impl DeliveryKind {
    /// The word: `firing`, `resolved` or `watchdog`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
            Self::Watchdog => "watchdog",
        }
    }
}

/// A word that is no kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be firing, resolved or watchdog")]
pub struct UnknownDeliveryKind;

impl FromStr for DeliveryKind {
    type Err = UnknownDeliveryKind;

    fn from_str(word: &str) -> Result<Self, UnknownDeliveryKind> {
        let mut all = [Self::Firing, Self::Resolved, Self::Watchdog].into_iter();
        all.find(|kind| kind.word() == word)
            .ok_or(UnknownDeliveryKind)
    }
}

/// A delivery that this instance may attempt now, and no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its number.
    pub id: u64,
    /// Whom it is for.
    pub receiver: String,
    /// The alert.
    pub fingerprint: Fingerprint,
    /// What it is.
    pub kind: DeliveryKind,
    /// What the receiver knows it by.
    pub message: String,
    /// What is sent.
    pub body: String,
    /// How many attempts there were, this one included.
    pub attempts: u32,
    /// When the first was.
    pub first_attempt: Timestamp,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// It has to be tried again.
    Failed {
        /// Why, in a sentence without addresses.
        error: String,
        /// How long the receiver asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The receiver wants nothing more.
    Disabled,
}

/// An attempt that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// What was attempted.
    pub delivery: Delivery,
    /// What came of it.
    pub outcome: Outcome,
}

/// Of one alert and receiver the oldest that waits is first.
pub(super) const IS_FIRST: &str = "NOT EXISTS (SELECT 1 FROM outbox e FORCE INDEX (by_alert) WHERE e.receiver = o.receiver \
     AND e.fingerprint = o.fingerprint AND e.state = 'waiting' AND e.id < o.id)";

impl Store {
    /// Takes up to `limit` deliveries for these receivers that are due at `now`, for as long as `lease`. No other instance gets
    /// them until then; of each alert and receiver one at a time, the oldest.
    ///
    /// # Errors
    /// When the database is away, or other transactions are in the way.
    pub async fn lease_deliveries(
        &self,
        receivers: &[&str],
        limit: u32,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<Delivery>, StoreError> {
        if receivers.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.pool().acquire().await?;
        read_committed(&mut connection).await?;
        let mut transaction = connection.begin().await?;
        // By its receivers alone: what is locked, even for a moment, is passed over, and others have deliveries of their own.
        let mut query = QueryBuilder::<MySql>::new(
            "SELECT o.id, o.receiver, o.fingerprint, CAST(o.kind AS CHAR) AS kind, o.message, o.body, o.attempts, \
             o.first_attempt FROM outbox o FORCE INDEX (by_receiver) WHERE o.state = 'waiting' AND o.next_attempt <= ",
        );
        query
            .push_bind(column_time(now))
            .push(" AND (o.leased_until IS NULL OR o.leased_until <= ")
            .push_bind(column_time(now))
            .push(")");
        push_receivers(&mut query, receivers);
        query
            .push(" AND ")
            .push(IS_FIRST)
            .push(" ORDER BY o.next_attempt, o.id LIMIT ")
            .push_bind(limit)
            .push(" FOR UPDATE SKIP LOCKED");
        let rows = query.build().fetch_all(&mut *transaction).await?;
        let read = rows.iter().map(|row| read(row, now));
        let deliveries: Vec<Delivery> = read.collect::<Result<_, _>>()?;
        if !deliveries.is_empty() {
            let ids: Vec<u64> = deliveries.iter().map(|delivery| delivery.id).collect();
            let mut query = QueryBuilder::<MySql>::new(
                "UPDATE outbox SET attempts = attempts + 1, first_attempt = COALESCE(first_attempt, ",
            );
            query
                .push_bind(column_time(now))
                .push("), leased_until = ")
                .push_bind(column_time(now + lease));
            push_ids(&mut query, &ids);
            query.build().execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(deliveries)
    }

    /// When the next delivery for these receivers is due, if one waits.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn next_delivery(&self, receivers: &[&str]) -> Result<Option<Timestamp>, StoreError> {
        if receivers.is_empty() {
            return Ok(None);
        }
        let mut query = QueryBuilder::<MySql>::new(
            "SELECT MIN(GREATEST(o.next_attempt, COALESCE(o.leased_until, o.next_attempt))) FROM outbox o \
             WHERE o.state = 'waiting'",
        );
        push_receivers(&mut query, receivers);
        query.push(" AND ").push(IS_FIRST);
        let next: Option<chrono::NaiveDateTime> =
            query.build_query_scalar().fetch_one(self.pool()).await?;
        Ok(next.map(read_time))
    }

    /// Writes down what came of attempts at `now`. The first delivery of a receiver makes all that waits for it due at once,
    /// and a receiver that wants nothing more is disabled.
    ///
    /// # Errors
    /// When the database is away. Then the same attempts are made again once their lease is over.
    pub async fn finish_attempts(
        &self,
        attempted: &[Attempted],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut connection = self.pool().acquire().await?;
        read_committed(&mut connection).await?;
        let mut transaction = connection.begin().await?;
        let of =
            |wanted: fn(&Outcome) -> bool| attempted.iter().filter(move |one| wanted(&one.outcome));
        let delivered: Vec<u64> = of(|outcome| *outcome == Outcome::Delivered)
            .map(|one| one.delivery.id)
            .collect();
        finish(&mut transaction, &delivered, 0, now).await?;
        let mut reached: Vec<&str> = of(|outcome| *outcome == Outcome::Delivered)
            .map(|one| one.delivery.receiver.as_str())
            .collect();
        reached.sort_unstable();
        reached.dedup();
        for receiver in reached {
            make_due(&mut transaction, receiver, now).await?;
        }
        for Attempted { delivery, outcome } in attempted {
            match outcome {
                Outcome::Delivered => {}
                Outcome::Failed { error, retry_after } => {
                    fail(&mut transaction, delivery, error, *retry_after, now).await?;
                }
                Outcome::Disabled => disable(&mut transaction, delivery, now).await?,
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    /// What waits for a receiver that is about to be enabled again has three days from then on, as if it had not been tried.
    pub(super) async fn begin_anew(&self, receiver: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE outbox FORCE INDEX (by_receiver) SET first_attempt = NULL, attempts = 0, last_error = NULL \
             WHERE receiver = ? AND state = 'waiting' AND receiver IN \
             (SELECT name FROM receiver WHERE disabled_at IS NOT NULL)",
        )
        .bind(receiver)
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// The deliveries that wait for a receiver whose messages are made at the attempt: number and alert.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn waiting_deliveries(
        &self,
        receiver: &str,
    ) -> Result<Vec<(u64, Fingerprint)>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, fingerprint FROM outbox FORCE INDEX (by_receiver) WHERE receiver = ? AND state = 'waiting'",
        )
        .bind(receiver)
        .fetch_all(self.pool())
        .await?;
        let read = |row: &MySqlRow| -> Result<_, StoreError> {
            Ok((row.try_get("id")?, parsed(row, "fingerprint")?))
        };
        rows.iter().map(read).collect()
    }

    /// Writes down what came of sending these at `now`; those that were tried for three days are given up.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn finish_waiting(
        &self,
        receiver: &str,
        ids: &[u64],
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut connection = self.pool().acquire().await?;
        read_committed(&mut connection).await?;
        let mut transaction = connection.begin().await?;
        for ids in ids.chunks(IDS_AT_ONCE) {
            let Some(error) = error else {
                finish(&mut transaction, ids, 1, now).await?;
                continue;
            };
            let given_up = column_time(now - domain::alert::LONGEST_DELIVERY);
            let mut query = QueryBuilder::<MySql>::new(
                "UPDATE outbox SET attempts = attempts + 1, state = IF(first_attempt < ",
            );
            query
                .push_bind(given_up)
                .push(", 'dead', state), finished_at = IF(first_attempt < ")
                .push_bind(given_up)
                .push(", ")
                .push_bind(column_time(now))
                .push(", NULL), first_attempt = COALESCE(first_attempt, ")
                .push_bind(column_time(now))
                .push("), last_error = ")
                .push_bind(cut(error));
            push_ids(&mut query, ids);
            query.build().execute(&mut *transaction).await?;
        }
        if error.is_none() {
            note_delivery(&mut transaction, receiver, now).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

const IDS_AT_ONCE: usize = 512;

fn read(row: &MySqlRow, now: Timestamp) -> Result<Delivery, StoreError> {
    let kind: &str = row.try_get_unchecked("kind")?;
    let first_attempt: Option<_> = row.try_get("first_attempt")?;
    Ok(Delivery {
        id: row.try_get("id")?,
        receiver: row.try_get("receiver")?,
        fingerprint: parsed(row, "fingerprint")?,
        kind: kind.parse().map_err(unexpected)?,
        message: row.try_get("message")?,
        body: row.try_get("body")?,
        attempts: row.try_get::<u32, _>("attempts")? + 1,
        first_attempt: first_attempt.map_or(now, read_time),
    })
}

async fn read_committed(connection: &mut MySqlConnection) -> Result<(), StoreError> {
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn push_receivers(query: &mut QueryBuilder<MySql>, receivers: &[&str]) {
    query.push(" AND o.receiver IN (");
    let mut list = query.separated(", ");
    for receiver in filled(receivers) {
        list.push_bind((*receiver).to_owned());
    }
    query.push(")");
}

fn push_ids(query: &mut QueryBuilder<MySql>, ids: &[u64]) {
    query.push(" WHERE id IN (");
    let mut list = query.separated(", ");
    for id in filled(ids) {
        list.push_bind(*id);
    }
    query.push(") AND state = 'waiting'");
}

/// These are delivered, after so many attempts more than were counted.
async fn finish(
    connection: &mut MySqlConnection,
    ids: &[u64],
    attempts: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::<MySql>::new(
        "UPDATE outbox SET state = 'delivered', leased_until = NULL, last_error = NULL, attempts = attempts + ",
    );
    query
        .push_bind(attempts)
        .push(", finished_at = ")
        .push_bind(column_time(now));
    push_ids(&mut query, ids);
    query.build().execute(connection).await?;
    Ok(())
}

/// A receiver takes something again: what waits for it need not wait any longer.
async fn make_due(
    connection: &mut MySqlConnection,
    receiver: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE outbox FORCE INDEX (by_receiver) SET next_attempt = ? \
         WHERE receiver = ? AND state = 'waiting' AND next_attempt > ?",
    )
    .bind(column_time(now))
    .bind(receiver)
    .bind(column_time(now))
    .execute(&mut *connection)
    .await?;
    note_delivery(connection, receiver, now).await
}

async fn note_delivery(
    connection: &mut MySqlConnection,
    receiver: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE receiver SET delivered_at = ? WHERE name = ?")
        .bind(column_time(now))
        .bind(receiver)
        .execute(connection)
        .await?;
    Ok(())
}

async fn fail(
    connection: &mut MySqlConnection,
    delivery: &Delivery,
    error: &str,
    retry_after: Option<Duration>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Delivery {
        attempts,
        first_attempt,
        ..
    } = delivery;
    let (next, state) = match next_attempt(*attempts, *first_attempt, now, retry_after) {
        NextAttempt::At(next) => (next, "waiting"),
        NextAttempt::Never => (now, "dead"),
    };
    sqlx::query(
        "UPDATE outbox SET state = ?, next_attempt = ?, leased_until = NULL, last_error = ?, finished_at = IF(? = 'dead', ?, NULL) \
         WHERE id = ? AND state = 'waiting'",
    )
    .bind(state)
    .bind(column_time(next))
    .bind(cut(error))
    .bind(state)
    .bind(column_time(now))
    .bind(delivery.id)
    .execute(connection)
    .await?;
    Ok(())
}

/// What a disabled receiver did not take goes on waiting, as if it had not been tried.
async fn disable(
    connection: &mut MySqlConnection,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE receiver SET disabled_at = COALESCE(disabled_at, ?) WHERE name = ?")
        .bind(column_time(now))
        .bind(&delivery.receiver)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "UPDATE outbox SET leased_until = NULL, last_error = 'the receiver answered 410: it is disabled' \
         WHERE id = ? AND state = 'waiting'",
    )
    .bind(delivery.id)
    .execute(connection)
    .await?;
    Ok(())
}

/// As much of an error as the column takes.
fn cut(error: &str) -> String {
    error.chars().take(500).collect()
}
