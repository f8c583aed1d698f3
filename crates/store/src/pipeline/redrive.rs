//! Dead letters once more: read in the order in which they were set aside, and removed when they are stored.

use chrono::NaiveDateTime;
use domain::Timestamp;
use futures::TryStreamExt;
use sqlx::{Connection, MySqlConnection, Row, types::Json};

use super::{
    ATTEMPTS, DeadLetter, Document, Refused, document::Entry, evaluations, parts, pause,
    read_committed,
};
use crate::{
    Store, StoreError,
    read::{column_time, read_time},
};

/// Where a dead letter is among all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterPosition {
    stored_at: Timestamp,
    topic: String,
    partition: i32,
    offset: i64,
    timestamp: i64,
}

impl DeadLetter {
    /// Where it is among all.
    pub fn position(&self) -> LetterPosition {
        LetterPosition {
            stored_at: self.stored_at,
            topic: self.topic.clone(),
            partition: self.partition,
            offset: self.offset,
            timestamp: self.timestamp,
        }
    }
}

/// The most letters, and about how many bytes of them, that are read at once.
const MOST_LETTERS: u32 = 500;
const MOST_BYTES: usize = 8 * 1024 * 1024;

impl Store {
    /// The next dead letters after one, of those that were set aside in `[since, until)`, for `reason` alone if there is
    /// one. At most 500, and no more once they have 8 MiB; none at the end.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn dead_letters(
        &self,
        since: Timestamp,
        until: Timestamp,
        after: Option<&LetterPosition>,
        reason: Option<&str>,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let first = LetterPosition {
            stored_at: since,
            topic: String::new(),
            partition: 0,
            offset: 0,
            timestamp: 0,
        };
        let after = after.unwrap_or(&first);
        let from = column_time(after.stored_at);
        let mut rows = sqlx::query(
            "SELECT topic, `partition`, `offset`, `timestamp`, stored_at, `key`, headers, value, reason \
             FROM dead_letter WHERE stored_at >= ? AND stored_at < ? AND (? IS NULL OR reason = ?) \
             AND (stored_at > ? OR (topic, `partition`, `offset`, `timestamp`) > (?, ?, ?, ?)) \
             ORDER BY stored_at, topic, `partition`, `offset`, `timestamp` LIMIT ?",
        )
        .bind(from)
        .bind(column_time(until))
        .bind(reason)
        .bind(reason)
        .bind(from)
        .bind(after.topic.as_str())
        .bind(after.partition)
        .bind(after.offset)
        .bind(after.timestamp)
        .bind(MOST_LETTERS)
        .fetch(self.pool());
        let (mut letters, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.try_next().await? {
            let stored_at: NaiveDateTime = row.try_get("stored_at")?;
            let Json(headers) = row.try_get("headers")?;
            let letter = DeadLetter {
                topic: row.try_get("topic")?,
                partition: row.try_get("partition")?,
                offset: row.try_get("offset")?,
                timestamp: row.try_get("timestamp")?,
                stored_at: read_time(stored_at),
                key: row.try_get("key")?,
                headers,
                value: row.try_get("value")?,
                reason: row.try_get("reason")?,
                row: None,
            };
            bytes += letter.value.as_ref().map_or(0, Vec::len);
            letters.push(letter);
            if bytes > MOST_BYTES {
                break;
            }
        }
        Ok(letters)
    }

    /// Stores the documents of dead letters, each at the position of its letter, and removes the letters of those that the
    /// database takes. Returns how many.
    ///
    /// # Errors
    /// When the database is away or stays busy: then nothing changed.
    pub async fn redrive(
        &self,
        documents: &[Document],
        letters: &[DeadLetter],
    ) -> Result<u64, StoreError> {
        if documents.is_empty() {
            return Ok(0);
        }
        let entries: Vec<_> = documents.iter().map(Entry::new).collect();
        let mut connection = self.pool().acquire().await?;
        let mut outcome = Ok(0);
        for attempt in 0..ATTEMPTS {
            pause(attempt).await;
            outcome = transaction(&mut connection, &entries, letters).await;
            if !matches!(outcome, Err(StoreError::Conflict(_))) {
                break;
            }
        }
        self.pool().note_outcome(&mut connection, &outcome);
        outcome
    }
}

async fn transaction(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
    letters: &[DeadLetter],
) -> Result<u64, StoreError> {
    read_committed(connection).await?;
    let mut transaction = connection.begin().await?;
    let refused =
        parts::write_what_fits(&mut transaction, entries, &|_: &[Refused]| false, None).await?;
    let mut stored = 0;
    for (position, letter) in letters.iter().enumerate() {
        if refused.iter().any(|refused| refused.position == position) {
            continue;
        }
        sqlx::query(
            "DELETE FROM dead_letter \
             WHERE topic = ? AND `partition` = ? AND `offset` = ? AND `timestamp` = ?",
        )
        .bind(letter.topic.as_str())
        .bind(letter.partition)
        .bind(letter.offset)
        .bind(letter.timestamp)
        .execute(&mut *transaction)
        .await?;
        stored += 1;
    }
    evaluations::settle(&mut transaction, &parts::stored(entries, &refused), &[]).await?;
    transaction.commit().await?;
    Ok(stored)
}
