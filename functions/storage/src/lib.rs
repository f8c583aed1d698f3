//! The storage function: Kafka's records into MySQL.
//!
//! Each record is decoded once, into a domain document or the reason why it is none. The documents of a batch are
//! stored in one transaction, what can never be stored goes to `dead_letter`, and whatever may succeed later fails the
//! invocation, so that Kafka delivers the batch again: storing is idempotent.

mod alerting;
mod answer;
mod batch;
mod check;
mod decode;
mod event;
mod housekeeping;
mod kept;
mod newer;
mod redrive;
pub mod schema;

use std::time::{Duration, Instant};

use aws::Metrics;
use chrono::Utc;
use config::Retention;
use domain::Timestamp;
use lambda_runtime::Diagnostic;
use serde_json::value::RawValue;
use store::{Store, StoreError, pipeline::Document};

pub use alerting::AlertingFunction;
pub use answer::Answer;
use batch::Batch;
use event::KafkaEvent;
use housekeeping::Housekeeping;
pub use redrive::{InvalidRedrive, Redrive, Redriven};

/// The function, built once and borrowed by every invocation.
#[derive(Debug)]
pub struct Storage {
    store: Store,
    housekeeping: Housekeeping,
    metrics: Option<Metrics>,
    alerting: Option<AlertingFunction>,
}

/// Why an invocation failed. Kafka delivers its batch again.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The event is not what the Kafka trigger sends.
    #[error("this is no Kafka event: {0}")]
    NotKafka(#[source] serde_json::Error),
    /// The database did not take the batch.
    #[error("the batch is not stored: {0}")]
    Store(#[from] StoreError),
}

impl From<StorageError> for Diagnostic {
    fn from(error: StorageError) -> Self {
        let kind = match &error {
            StorageError::NotKafka(_) => "NotKafka",
            StorageError::Store(StoreError::Schema(_)) => "SchemaVersion",
            StorageError::Store(cause) if cause.is_transient() => "DatabaseAway",
            StorageError::Store(_) => "DatabaseRefused",
        };
        Self {
            error_type: kind.to_owned(),
            error_message: error.to_string(),
        }
    }
}

/// A statement takes less, and the answer has to be there before the function is killed.
const MARGIN: Duration = Duration::from_secs(5);

impl Storage {
    /// A function that writes to `store` and keeps rows for as long as `retention` says.
    pub fn new(store: Store, retention: Retention) -> Self {
        Self {
            store,
            housekeeping: Housekeeping::new(retention),
            metrics: None,
            alerting: None,
        }
    }

    /// The same, which writes a line of metrics for each batch.
    #[must_use]
    pub fn measured(self, metrics: Metrics) -> Self {
        Self {
            metrics: Some(metrics),
            ..self
        }
    }

    /// The same, which asks alerting to compare once there is something new.
    #[must_use]
    pub fn asking(self, alerting: Option<AlertingFunction>) -> Self {
        Self { alerting, ..self }
    }

    /// Stores the batch of one event of the Kafka trigger.
    ///
    /// # Errors
    /// As [`Storage::handle_until`].
    pub async fn handle(&self, event: &RawValue) -> Result<Answer, StorageError> {
        self.handle_until(event, None).await
    }

    /// The same in a function that is killed at `deadline`: what can wait for the next batch is not begun shortly before.
    ///
    /// # Errors
    /// When it is no such event, the database is away, or it refuses so much that it has to be mended first. Nothing of
    /// the batch is lost then.
    pub async fn handle_until(
        &self,
        event: &RawValue,
        deadline: Option<Instant>,
    ) -> Result<Answer, StorageError> {
        let event = KafkaEvent::parse(event).map_err(StorageError::NotKafka)?;
        let now = Timestamp::from(Utc::now());
        let batch = Batch::of(event.records(), now);
        // A replay is about time that is over: it says nothing of how far storage lags behind.
        let of_runs = batch.documents.iter();
        let of_runs = of_runs.filter(|document| !matches!(document, Document::Replay(_)));
        let newest = of_runs.map(Document::as_of).max();
        let answer = self.store(&batch, now, deadline).await?;
        if let Some(alerting) = &self.alerting {
            alerting.ask_after(&batch, &self.store).await;
        }
        let lag = newest.map(|newest| {
            let stored_at = Timestamp::from(Utc::now());
            (stored_at.millis() - newest.millis()) as f64 / 1000.0
        });
        // An alarm counts these lines.
        tracing::info!(
            event = "batch_stored",
            records = answer.records,
            stored = answer.stored,
            dead_lettered = answer.dead_lettered,
            runs = ?batch.runs(),
            newest_as_of = newest.map(tracing::field::display),
            lag_seconds = lag,
            "a batch is stored"
        );
        if let Some(metrics) = &self.metrics {
            metrics.write(&answer.measurements(lag));
        }
        let newest = newest.map(|newest| newest.min(now));
        self.housekeeping.run(&self.store, newest, deadline).await;
        Ok(answer)
    }

    async fn store(
        &self,
        batch: &Batch,
        now: Timestamp,
        deadline: Option<Instant>,
    ) -> Result<Answer, StoreError> {
        let stored = self
            .store
            .store_batch(&batch.documents, &batch.letters)
            .await;
        let refused = match stored {
            Ok(()) => Vec::new(),
            Err(error) if error.may_be_a_refusal() => {
                // Another schema may refuse what the right one takes.
                self.store.check_schema().await?;
                self.store
                    .store_what_fits(
                        &batch.documents,
                        &batch.letters,
                        &|refused| batch.is_too_much(refused),
                        &|refused| batch.letter(refused, now),
                        deadline.map(|at| at.checked_sub(MARGIN).unwrap_or(at)),
                    )
                    .await?
            }
            Err(error) => return Err(error),
        };
        if let Some(letter) = batch.letters.iter().chain(&refused).next() {
            tracing::warn!(
                event = "records_set_aside",
                topic = letter.topic,
                partition = letter.partition,
                offset = letter.offset,
                reason = letter.reason,
                letters = batch.letters.len() + refused.len(),
                "records are set aside, the first of them here: see dead_letter"
            );
        }
        Ok(Answer {
            records: batch.len(),
            stored: batch.documents.len() - refused.len(),
            dead_lettered: batch.letters.len() + refused.len(),
        })
    }
}
