//! What the storage function writes: a batch of documents in one transaction, by multi-row upserts on natural keys.
//!
//! Of several documents of one key the one that comes last counts. Rows that exist once per series or objective never
//! move back in time. So a batch may come again, split otherwise, or late: the tables end up the same.

mod dead_letter;
mod document;
mod episodes;
mod evaluations;
pub(crate) mod history;
mod metrics;
mod parts;
mod recent;
mod redrive;
mod replay;
mod run;
mod score;
mod series;
mod slices;
mod statistics;
pub(crate) mod upsert;
mod violations;

pub use dead_letter::DeadLetter;
pub use document::Document;
pub use parts::Refused;
pub use redrive::LetterPosition;
pub(crate) use violations::REFUSED;
pub use violations::{MOST_EPISODES, StoredEvaluation};

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::{Duration, Instant},
};

use sqlx::{Connection, MySqlConnection};

use crate::{Store, StoreError};
use document::Entry;

/// How often a batch is tried when other transactions are in its way. Each waits for 3 s at most, and the function has
/// 60 s.
const ATTEMPTS: usize = 3;
/// The longest pause before the second attempt; before the third it is twice that.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

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
        for attempt in 0..ATTEMPTS {
            pause(attempt).await;
            stored = whole(&mut connection, &entries, dead_letters).await;
            if !matches!(stored, Err(StoreError::Conflict(_))) {
                break;
            }
        }
        self.pool().note_outcome(&mut connection, &stored);
        stored
    }

    /// Stores what the database takes of documents that it did not take as a whole, and for each that it refuses what
    /// `letter` makes of it, besides `dead_letters`: in one transaction, until `end`. Returns the letters of what it refuses.
    ///
    /// # Errors
    /// When the database is away or stays busy, when tables or rights are not as they should be, and once `too_many` are
    /// refused, or so many that at `end` not all are found ([`StoreError::TooManyRefused`]). Then nothing is stored.
    pub async fn store_what_fits(
        &self,
        documents: &[Document],
        dead_letters: &[DeadLetter],
        too_many: &(impl Fn(&[Refused]) -> bool + Sync),
        letter: &(impl Fn(&Refused) -> DeadLetter + Sync),
        end: Option<Instant>,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let entries: Vec<_> = documents.iter().map(Entry::new).collect();
        let mut connection = self.pool().acquire().await?;
        let mut stored = Ok(Vec::new());
        for attempt in 0..ATTEMPTS {
            pause(attempt).await;
            let fitting = fitting(
                &mut connection,
                &entries,
                dead_letters,
                too_many,
                letter,
                end,
            );
            stored = fitting.await;
            if !matches!(stored, Err(StoreError::Conflict(_))) {
                break;
            }
        }
        self.pool().note_outcome(&mut connection, &stored);
        stored
    }
}

/// Waits before all attempts but the first, not as long as others who were in the same way.
async fn pause(attempt: usize) {
    if attempt > 0 {
        let longest = LONGEST_PAUSE.as_millis() as u64 * attempt as u64;
        let random = RandomState::new().build_hasher().finish();
        tokio::time::sleep(Duration::from_millis(random % longest)).await;
    }
}

async fn whole(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
    dead_letters: &[DeadLetter],
) -> Result<(), StoreError> {
    read_committed(connection).await?;
    let mut transaction = connection.begin().await?;
    write(&mut transaction, entries).await?;
    violations::write_refused(&mut transaction, dead_letters).await?;
    dead_letter::write(&mut transaction, dead_letters).await?;
    // Last, because it locks what batches about other series wait for.
    evaluations::settle(&mut transaction, entries, dead_letters).await?;
    transaction.commit().await?;
    Ok(())
}

async fn fitting(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
    dead_letters: &[DeadLetter],
    too_many: &(impl Fn(&[Refused]) -> bool + Sync),
    letter: &(impl Fn(&Refused) -> DeadLetter + Sync),
    end: Option<Instant>,
) -> Result<Vec<DeadLetter>, StoreError> {
    read_committed(connection).await?;
    let mut transaction = connection.begin().await?;
    let refused = parts::write_what_fits(&mut transaction, entries, too_many, end).await?;
    let letters: Vec<_> = refused.iter().map(letter).collect();
    for letters in [dead_letters, &letters] {
        violations::write_refused(&mut transaction, letters).await?;
        dead_letter::write(&mut transaction, letters).await?;
    }
    let stored = parts::stored(entries, &refused);
    evaluations::settle(&mut transaction, &stored, dead_letters).await?;
    evaluations::settle(&mut transaction, &[], &letters).await?;
    transaction.commit().await?;
    Ok(letters)
}

/// Without locks on the gaps between rows, batches of other series never wait for this one.
async fn read_committed(connection: &mut MySqlConnection) -> Result<(), StoreError> {
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        .execute(connection)
        .await?;
    Ok(())
}

async fn write(connection: &mut MySqlConnection, entries: &[Entry<'_>]) -> Result<(), StoreError> {
    // First, because it locks the rows of the batch's series: who else writes about one of them waits.
    series::write(connection, entries).await?;
    metrics::write(connection, entries).await?;
    statistics::write(connection, entries).await?;
    violations::write(connection, entries).await?;
    episodes::write(connection, entries).await?;
    slices::write(connection, entries).await?;
    history::write(connection, entries).await?;
    replay::write(connection, entries).await?;
    score::write(connection, entries).await?;
    recent::write(connection, entries).await?;
    run::write(connection, entries).await
}
