//! `run`.

use chrono::NaiveDateTime;
use domain::message::RunDocument;
use sqlx::{Arguments, MySqlConnection, error::BoxDynError, mysql::MySqlArguments};

use super::{
    document::{Document, Entry},
    upsert::{Row, upsert},
};
use crate::{StoreError, read::column_time};

pub(super) async fn write(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    for entry in entries {
        if let Document::Run(run) = entry.document {
            rows.push(RunRow {
                run,
                as_of: entry.as_of,
                // What became of each objective is in `evaluation`.
                document: serde_json::to_string(&RunDocument {
                    evaluated: Vec::new(),
                    ..run.clone()
                })?,
            });
        }
    }
    upsert(connection, rows).await
}

#[derive(Debug)]
struct RunRow<'a> {
    run: &'a RunDocument,
    as_of: NaiveDateTime,
    document: String,
}

impl<'a> Row for RunRow<'a> {
    const INTO: &'static str = "INSERT INTO run (run_id, as_of, started_at, `trigger`, series, \
        samples, bytes, messages, document) VALUES";
    const COLUMNS: usize = 9;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE as_of = VALUES(as_of), \
        started_at = VALUES(started_at), `trigger` = VALUES(`trigger`), series = VALUES(series), \
        samples = VALUES(samples), bytes = VALUES(bytes), messages = VALUES(messages), \
        document = VALUES(document)";
    type Key = &'a str;

    fn key(&self) -> &'a str {
        &self.run.run_id
    }

    fn bytes(&self) -> usize {
        self.document.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.run.run_id.as_str())?;
        arguments.add(self.as_of)?;
        arguments.add(column_time(self.run.started_at))?;
        arguments.add(self.run.trigger.word())?;
        arguments.add(self.run.series)?;
        arguments.add(self.run.samples)?;
        arguments.add(self.run.bytes)?;
        arguments.add(self.run.messages)?;
        arguments.add(self.document.as_str())
    }
}
