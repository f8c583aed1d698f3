//! A batch of records, decoded, and when too much of it is refused.

use std::collections::HashSet;

use domain::Timestamp;
use store::pipeline::{DeadLetter, Document, Refused};

use crate::{decode, event::Record, kept};

/// Every record is either a document or a dead letter.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) documents: Vec<Document>,
    /// The record of each document.
    pub(crate) records: Vec<Record>,
    pub(crate) letters: Vec<DeadLetter>,
}

/// Refused records of more keys than these are not the records' own fault.
const MOST_KEYS: usize = 50;
/// Nor are those of so many keys, if they are more than half of the batch.
const SOME_KEYS: usize = 3;

impl Batch {
    pub(crate) fn of(records: impl Iterator<Item = Record>, now: Timestamp) -> Self {
        let mut batch = Self::default();
        for record in records {
            match decode::document(&record, now) {
                Ok(document) => {
                    batch.documents.push(document);
                    batch.records.push(record);
                }
                Err(reason) => {
                    let letter = kept::letter(&record, now, &reason.to_string());
                    batch.letters.push(letter);
                }
            }
        }
        batch
    }

    /// How many records the batch had.
    pub(crate) fn len(&self) -> usize {
        self.documents.len() + self.letters.len()
    }

    /// Whether the database refuses so much that the fault is not the records': then the batch has to wait until somebody
    /// has mended the database, or nothing of it would be left but dead letters.
    pub(crate) fn is_too_much(&self, refused: &[Refused]) -> bool {
        let keys: HashSet<_> = refused
            .iter()
            .map(|refused| &self.records[refused.position].key)
            .collect();
        keys.len() > MOST_KEYS || (keys.len() >= SOME_KEYS && 2 * refused.len() > self.len())
    }

    /// The dead letter of a document that the database refuses.
    pub(crate) fn letter(&self, refused: &Refused, now: Timestamp) -> DeadLetter {
        kept::letter(&self.records[refused.position], now, &refused.reason)
    }

    /// The runs that the records are of, in their order, each once.
    pub(crate) fn runs(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        self.records
            .iter()
            .filter_map(Record::run)
            .filter(|run| seen.insert(*run))
            .take(MOST_RUNS)
            .collect()
    }
}

/// More are of no use in a line of a log.
const MOST_RUNS: usize = 10;
