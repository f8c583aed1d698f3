//! `evaluation`: whether all rows of an objective's evaluation are stored.
//!
//! The rows of one evaluation and the record of its run come in any order over several partitions, so in transactions that
//! may run at the same time. Each transaction locks the evaluation's row here after it wrote its own rows and before it
//! counts them all, and holds the lock until it commits. Of two transactions the one that comes second to the lock counts
//! what the first one committed, because a statement of a READ COMMITTED transaction sees all that was committed before
//! it. So whichever transaction brings the last row, or the record, finds the evaluation complete.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use domain::message::EvaluationOutcome;
use sqlx::{
    Arguments, MySqlConnection, QueryBuilder, Row as _, error::BoxDynError, mysql::MySqlArguments,
};

use super::{
    DeadLetter,
    document::{Document, Entry},
    upsert::{Row, upsert},
};
use crate::{StoreError, read::column_time, sla::filled};

/// How many evaluations are counted by one statement.
const AT_ONCE: usize = 128;

/// Which evaluation of which objective.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    sla: &'a str,
    version: u32,
    objective: &'a str,
    as_of: NaiveDateTime,
}

/// Notes what the batch says of evaluations, and which of them are now complete. The batch's rows must be written.
pub(super) async fn settle(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
    letters: &[DeadLetter],
) -> Result<(), StoreError> {
    let touched = touched(entries, letters);
    let keys: Vec<Key<'_>> = touched.keys().cloned().collect();
    let rows = touched
        .into_iter()
        .map(|(key, expected)| ExpectedRow { key, expected });
    upsert(connection, rows.collect()).await?;
    let mut changed = Vec::new();
    for keys in keys.chunks(AT_ONCE) {
        changed.extend(changes(connection, keys).await?);
    }
    upsert(connection, changed).await
}

/// What a record says of an evaluation.
#[derive(Clone, Copy, Debug, Default)]
struct Expected {
    /// How many rows it should have, if a record is there.
    rows: Option<u32>,
    /// What the record with the most rows says of ended series.
    ended_until: Option<NaiveDateTime>,
}

/// The evaluations that the batch has rows of, or a record about, and what they should be as far as the batch says so.
fn touched<'a>(entries: &[Entry<'a>], letters: &'a [DeadLetter]) -> BTreeMap<Key<'a>, Expected> {
    let mut touched = BTreeMap::<Key<'a>, Expected>::new();
    for entry in entries {
        match entry.document {
            Document::Violations(document) => {
                let key = Key {
                    sla: &document.sla,
                    version: document.version,
                    objective: &document.objective.id,
                    as_of: entry.as_of,
                };
                touched.entry(key).or_default();
            }
            Document::Run(document) => {
                for evaluated in &document.evaluated {
                    // A reason alone does not make an evaluation.
                    let EvaluationOutcome::Rows(rows @ 1..) = evaluated.outcome else {
                        continue;
                    };
                    let key = Key {
                        sla: &evaluated.sla,
                        version: evaluated.version,
                        objective: &evaluated.objective,
                        as_of: entry.as_of,
                    };
                    let rows = Some(u32::try_from(rows).unwrap_or(u32::MAX));
                    let expected = touched.entry(key).or_default();
                    if rows >= expected.rows {
                        let ended_until = evaluated.ended_until.map(column_time);
                        *expected = Expected { rows, ended_until };
                    }
                }
            }
            _ => {}
        }
    }
    for row in letters.iter().filter_map(|letter| letter.row.as_ref()) {
        let key = Key {
            sla: &row.sla,
            version: row.version,
            objective: &row.objective,
            as_of: column_time(row.as_of),
        };
        touched.entry(key).or_default();
    }
    touched
}

/// Counts the rows of those of the evaluations whose number is known, and returns what is not as it is stored.
async fn changes<'a>(
    connection: &mut MySqlConnection,
    keys: &[Key<'a>],
) -> Result<Vec<CompleteRow<'a>>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT e.sla, e.version, e.objective, e.as_of, e.complete, e.expected <= \
         (SELECT COUNT(*) FROM violation v FORCE INDEX (by_version) WHERE v.sla = e.sla AND v.version = e.version \
         AND v.objective = e.objective AND v.as_of = e.as_of) AS all_stored \
         FROM evaluation e WHERE e.expected IS NOT NULL AND (FALSE",
    );
    for key in filled(keys) {
        query.push(" OR (e.sla = ").push_bind(key.sla);
        query.push(" AND e.version = ").push_bind(key.version);
        query.push(" AND e.objective = ").push_bind(key.objective);
        query.push(" AND e.as_of = ").push_bind(key.as_of).push(")");
    }
    query.push(")");
    let mut changes = Vec::new();
    for row in query.build().fetch_all(connection).await? {
        let (before, complete): (bool, bool) =
            (row.try_get("complete")?, row.try_get("all_stored")?);
        let found = Key {
            sla: row.try_get("sla")?,
            version: row.try_get("version")?,
            objective: row.try_get("objective")?,
            as_of: row.try_get("as_of")?,
        };
        let key = keys.iter().find(|key| **key == found);
        changes.extend(key.filter(|_| before != complete).map(|key| CompleteRow {
            key: key.clone(),
            complete,
        }));
    }
    Ok(changes)
}

fn bind_key(key: &Key<'_>, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
    arguments.add(key.sla)?;
    arguments.add(key.version)?;
    arguments.add(key.objective)?;
    arguments.add(key.as_of)
}

/// How many rows an evaluation should have, and which of its series have ended. Writing it locks the evaluation's row, changed or not.
#[derive(Debug)]
struct ExpectedRow<'a> {
    key: Key<'a>,
    expected: Expected,
}

impl<'a> Row for ExpectedRow<'a> {
    const INTO: &'static str = "INSERT INTO evaluation (sla, version, objective, as_of, expected, ended_until, complete) VALUES";
    const COLUMNS: usize = 7;
    // One after the other: the first assignment sees `expected` as it was.
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE \
        ended_until = IF(VALUES(expected) >= COALESCE(expected, 0), VALUES(ended_until), ended_until), \
        expected = COALESCE(GREATEST(expected, VALUES(expected)), expected, VALUES(expected))";
    type Key = Key<'a>;

    fn key(&self) -> Key<'a> {
        self.key.clone()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        bind_key(&self.key, arguments)?;
        arguments.add(self.expected.rows)?;
        arguments.add(self.expected.ended_until)?;
        arguments.add(false)
    }
}

/// Whether an evaluation is complete.
#[derive(Debug)]
struct CompleteRow<'a> {
    key: Key<'a>,
    complete: bool,
}

impl<'a> Row for CompleteRow<'a> {
    const INTO: &'static str =
        "INSERT INTO evaluation (sla, version, objective, as_of, complete) VALUES";
    const COLUMNS: usize = 5;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE complete = VALUES(complete)";
    type Key = Key<'a>;

    fn key(&self) -> Key<'a> {
        self.key.clone()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        bind_key(&self.key, arguments)?;
        arguments.add(self.complete)
    }
}
