//! What the storage function writes: a batch of documents in one transaction, by multi-row upserts on natural keys.
//!
//! Of several documents of one key the one that comes last counts. Rows that exist once per series or objective never
//! move back in time. So a batch may come again, split otherwise, or late: the tables end up the same.

mod dead_letter;
mod document;
mod episodes;
mod evaluations;
mod metrics;
mod recent;
mod run;
mod score;
mod series;
mod statistics;
mod upsert;
mod violations;

pub use dead_letter::DeadLetter;
pub use document::Document;
pub(crate) use violations::REFUSED;
pub use violations::{MOST_EPISODES, StoredEvaluation};

use sqlx::{Connection, MySqlConnection};

use crate::{Store, StoreError};
use document::Entry;

/// How often a batch is tried when other transactions are in its way.
const ATTEMPTS: usize = 5;

impl Store {
    /// Stores documents, in the order they came, and dead letters: all of them or, with an error, none.
    ///
    /// # Errors
    /// When the database is away or stays busy, and when it refuses one of the rows
    /// ([`StoreError::is_refusal`]).
    pub async fn store_batch(
        &self,
        documents: &[Document],
        dead_letters: &[DeadLetter],
    ) -> Result<(), StoreError> {
        if documents.is_empty() && dead_letters.is_empty() {
            return Ok(());
        }
        let entries: Vec<_> = documents.iter().map(Entry::new).collect();
        let mut connection = self.pool().acquire().await?;
        let mut stored = Ok(());
        for _ in 0..ATTEMPTS {
            stored = transaction(&mut connection, &entries, dead_letters).await;
            if !matches!(stored, Err(StoreError::Conflict(_))) {
                break;
            }
        }
        if let Err(StoreError::Unexpected(error)) = &stored {
            self.pool().doubt_after(error);
        }
        stored
    }
}

async fn transaction(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
    dead_letters: &[DeadLetter],
) -> Result<(), StoreError> {
    // Without locks on the gaps between rows, batches of other series never wait for this one.
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        .execute(&mut *connection)
        .await?;
    let mut transaction = connection.begin().await?;
    // First, because it locks the rows of the batch's series: who else writes about one of them waits.
    series::write(&mut transaction, entries).await?;
    metrics::write(&mut transaction, entries).await?;
    statistics::write(&mut transaction, entries).await?;
    violations::write(&mut transaction, entries).await?;
    violations::write_refused(&mut transaction, dead_letters).await?;
    episodes::write(&mut transaction, entries).await?;
    score::write(&mut transaction, entries).await?;
    recent::write(&mut transaction, entries).await?;
    run::write(&mut transaction, entries).await?;
    dead_letter::write(&mut transaction, dead_letters).await?;
    // Last, because it locks what batches about other series wait for.
    evaluations::settle(&mut transaction, entries, dead_letters).await?;
    transaction.commit().await?;
    Ok(())
}
