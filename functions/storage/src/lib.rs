//! The storage function: Kafka's records into MySQL.
//!
//! Each record is decoded once, into a domain document or the reason why it is none. The documents of a batch are
//! stored in one transaction, what can never be stored goes to `dead_letter`, and whatever may succeed later fails the
//! invocation, so that Kafka delivers the batch again: storing is idempotent.

mod answer;
mod check;
mod decode;
mod event;
mod housekeeping;
pub mod schema;
mod set_aside;

use chrono::Utc;
use config::Retention;
use domain::Timestamp;
use lambda_runtime::Diagnostic;
use serde_json::value::RawValue;
use store::{
    Store, StoreError,
    pipeline::{DeadLetter, Document},
};

pub use answer::Answer;
use event::{KafkaEvent, Record};
use housekeeping::Housekeeping;

/// The function, built once and borrowed by every invocation.
#[derive(Debug)]
pub struct Storage {
    store: Store,
    housekeeping: Housekeeping,
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

impl Storage {
    /// A function that writes to `store` and keeps rows for as long as `retention` says.
    pub fn new(store: Store, retention: Retention) -> Self {
        Self {
            store,
            housekeeping: Housekeeping::new(retention),
        }
    }

    /// Stores the batch of one event of the Kafka trigger.
    ///
    /// # Errors
    /// When it is no such event, or the database is away; nothing of the batch is lost then.
    pub async fn handle(&self, event: &RawValue) -> Result<Answer, StorageError> {
        let event = KafkaEvent::parse(event).map_err(StorageError::NotKafka)?;
        let now = Timestamp::from(Utc::now());
        let batch = Batch::of(event.records(), now);
        let answer = self.store(batch, now).await?;
        // An alarm counts these lines.
        tracing::info!(
            event = "batch_stored",
            records = answer.records,
            stored = answer.stored,
            dead_lettered = answer.dead_lettered,
            "stored a batch"
        );
        Ok(answer)
    }

    async fn store(&self, mut batch: Batch, now: Timestamp) -> Result<Answer, StoreError> {
        let newest = batch.documents.iter().map(Document::as_of).max();
        let refused = match self
            .store
            .store_batch(&batch.documents, &batch.letters)
            .await
        {
            Err(error) if error.is_refusal() => self.store_in_parts(&mut batch, now).await?,
            stored => stored.map(|()| 0)?,
        };
        if let Some(letter) = batch.letters.first() {
            tracing::warn!(
                event = "records_set_aside",
                topic = letter.topic,
                partition = letter.partition,
                offset = letter.offset,
                letters = batch.letters.len(),
                "records are set aside, the first of them here: see dead_letter"
            );
        }
        let answer = Answer {
            records: batch.documents.len() + batch.letters.len() - refused,
            stored: batch.documents.len() - refused,
            dead_lettered: batch.letters.len(),
        };
        if let Some(newest) = newest {
            self.housekeeping.run(&self.store, newest.min(now)).await;
        }
        Ok(answer)
    }

    /// Halves the batch until each record that the database refuses stands alone, and sets those aside. Returns how
    /// many they are.
    async fn store_in_parts(&self, batch: &mut Batch, now: Timestamp) -> Result<usize, StoreError> {
        // Another schema may refuse what the right one takes.
        self.store.check_schema().await?;
        self.store.store_batch(&[], &batch.letters).await?;
        let whole = 0..batch.documents.len();
        let (mut parts, mut refused) = (vec![whole], 0);
        while let Some(part) = parts.pop() {
            match self
                .store
                .store_batch(&batch.documents[part.clone()], &[])
                .await
            {
                Ok(()) => {}
                Err(error) if error.is_refusal() && part.len() > 1 => {
                    let middle = part.start + part.len() / 2;
                    // The earlier half first: of two records of one key the later one counts.
                    parts.push(middle..part.end);
                    parts.push(part.start..middle);
                }
                Err(error) if error.is_refusal() => {
                    let letter =
                        set_aside::letter(&batch.records[part.start], now, &with_causes(&error));
                    self.store
                        .store_batch(&[], std::slice::from_ref(&letter))
                        .await?;
                    batch.letters.push(letter);
                    refused += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    }
}

/// A batch, decoded: every record is either a document or a dead letter.
#[derive(Debug, Default)]
struct Batch {
    documents: Vec<Document>,
    /// The record of each document.
    records: Vec<Record>,
    letters: Vec<DeadLetter>,
}

impl Batch {
    fn of(records: impl Iterator<Item = Record>, now: Timestamp) -> Self {
        let mut batch = Self::default();
        for record in records {
            match decode::document(&record, now) {
                Ok(document) => {
                    batch.documents.push(document);
                    batch.records.push(record);
                }
                Err(reason) => {
                    let letter = set_aside::letter(&record, now, &reason.to_string());
                    batch.letters.push(letter);
                }
            }
        }
        batch
    }
}

fn with_causes(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
