//! Storing what the database takes of a batch: what it refuses is found by halving, within one transaction.

use std::{collections::HashSet, error::Error, ops::Range, time::Instant};

use sqlx::MySqlConnection;

use super::{document::Entry, write};
use crate::StoreError;

/// A document that the database refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its position among the documents.
    pub position: usize,
    /// Why, in a sentence.
    pub reason: String,
}

/// How often a part is tried, so that a batch of 10,000 that is refused as a whole ends in time. After that a part is not
/// halved any more: all of it is refused together.
const MOST_TRIES: usize = 4_000;

/// Writes what the database takes within the transaction of `connection` and returns what it refuses, in the order of
/// positions. Ends with an error once `too_many` are refused, and when at `end` it is not known yet which.
pub(super) async fn write_what_fits(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
    too_many: &(impl Fn(&[Refused]) -> bool + Sync),
    end: Option<Instant>,
) -> Result<Vec<Refused>, StoreError> {
    let mut refused = Vec::new();
    let (mut parts, mut tries) = (
        Vec::from_iter((!entries.is_empty()).then_some(0..entries.len())),
        0,
    );
    while let Some(part) = parts.pop() {
        sqlx::raw_sql("SAVEPOINT part")
            .execute(&mut *connection)
            .await?;
        tries += 1;
        let Err(error) = write(connection, &entries[part.clone()]).await else {
            continue;
        };
        if !error.may_be_a_refusal() {
            return Err(error);
        }
        sqlx::raw_sql("ROLLBACK TO SAVEPOINT part")
            .execute(&mut *connection)
            .await?;
        let is_late = end.is_some_and(|end| Instant::now() >= end);
        match halves(&part) {
            Some(_) if is_late => {
                return Err(StoreError::TooManyRefused {
                    refused: refused.len() + part.len(),
                    records: entries.len(),
                    first: with_causes(&error),
                });
            }
            Some([earlier, later]) if tries < MOST_TRIES => {
                // The earlier half first: of two records of one key the later one counts.
                parts.push(later);
                parts.push(earlier);
            }
            _ => {
                let reason = with_causes(&error);
                refused.extend(part.map(|position| Refused {
                    position,
                    reason: reason.clone(),
                }));
                if too_many(&refused) {
                    return Err(StoreError::TooManyRefused {
                        refused: refused.len(),
                        records: entries.len(),
                        first: refused.swap_remove(0).reason,
                    });
                }
            }
        }
    }
    Ok(refused)
}

/// Those of the entries that are not refused.
pub(super) fn stored<'a>(entries: &[Entry<'a>], refused: &[Refused]) -> Vec<Entry<'a>> {
    let refused: HashSet<usize> = refused.iter().map(|refused| refused.position).collect();
    let positions = entries.iter().enumerate();
    positions
        .filter(|(position, _)| !refused.contains(position))
        .map(|(_, entry)| Entry::new(entry.document))
        .collect()
}

fn halves(part: &Range<usize>) -> Option<[Range<usize>; 2]> {
    let middle = part.start + part.len() / 2;
    (part.len() > 1).then_some([part.start..middle, middle..part.end])
}

fn with_causes(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
