//! `metrics`.

use chrono::NaiveDateTime;
use domain::{Window, message::WindowSummary};
use sqlx::{Arguments, MySqlConnection, error::BoxDynError, mysql::MySqlArguments};

use super::{
    document::{Document, Entry},
    upsert::{Row, upsert},
};
use crate::StoreError;

pub(super) async fn write(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(Window::ALL.len() * entries.len());
    for entry in entries {
        if let Document::Metrics(document) = entry.document {
            rows.extend(document.windows.iter().map(|summary| MetricsRow {
                series_id: &entry.series_id,
                as_of: entry.as_of,
                summary,
            }));
        }
    }
    upsert(connection, rows).await
}

#[derive(Debug)]
struct MetricsRow<'a> {
    series_id: &'a str,
    as_of: NaiveDateTime,
    summary: &'a WindowSummary,
}

impl<'a> Row for MetricsRow<'a> {
    const INTO: &'static str = "INSERT INTO metrics \
        (series_id, as_of, `window`, samples, `min`, `max`, average, std, coverage) VALUES";
    const COLUMNS: usize = 9;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE samples = VALUES(samples), \
        `min` = VALUES(`min`), `max` = VALUES(`max`), average = VALUES(average), \
        std = VALUES(std), coverage = VALUES(coverage)";
    type Key = (&'a str, NaiveDateTime, Window);

    fn key(&self) -> Self::Key {
        (self.series_id, self.as_of, self.summary.window)
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.series_id)?;
        arguments.add(self.as_of)?;
        arguments.add(self.summary.window.name())?;
        arguments.add(self.summary.samples)?;
        arguments.add(self.summary.min)?;
        arguments.add(self.summary.max)?;
        arguments.add(self.summary.average)?;
        arguments.add(self.summary.std)?;
        arguments.add(self.summary.coverage)
    }
}
