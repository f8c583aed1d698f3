//! `metadata`, `prediction` and, apart from both, `long_arrays`.

use chrono::NaiveDateTime;
use domain::message::{MetadataDocument, PredictionDocument};
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
    let (mut metadata, mut predictions, mut arrays) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        match entry.document {
            Document::Metadata(document) => {
                let mut document = MetadataDocument::clone(document);
                if let Some(long) = document.take_arrays() {
                    arrays.push(ArraysRow::new(
                        entry,
                        "metadata",
                        serde_json::to_string(&long)?,
                    ));
                }
                metadata.push(MetadataRow {
                    series_id: &entry.series_id,
                    as_of: entry.as_of,
                    document: serde_json::to_string(&document)?,
                });
            }
            Document::Prediction(document) => {
                let mut document = PredictionDocument::clone(document);
                if let Some(long) = document.take_arrays() {
                    arrays.push(ArraysRow::new(
                        entry,
                        "prediction",
                        serde_json::to_string(&long)?,
                    ));
                }
                predictions.push(PredictionRow::new(entry, &document)?);
            }
            _ => {}
        }
    }
    upsert(connection, metadata).await?;
    upsert(connection, predictions).await?;
    upsert(connection, arrays).await
}

#[derive(Debug)]
struct MetadataRow<'a> {
    series_id: &'a str,
    as_of: NaiveDateTime,
    document: String,
}

impl<'a> Row for MetadataRow<'a> {
    const INTO: &'static str = "INSERT INTO metadata (series_id, as_of, document) VALUES";
    const COLUMNS: usize = 3;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE document = VALUES(document)";
    type Key = (&'a str, NaiveDateTime);

    fn key(&self) -> Self::Key {
        (self.series_id, self.as_of)
    }

    fn bytes(&self) -> usize {
        self.document.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.series_id)?;
        arguments.add(self.as_of)?;
        arguments.add(self.document.as_str())
    }
}

#[derive(Debug)]
struct PredictionRow<'a> {
    series_id: &'a str,
    as_of: NaiveDateTime,
    min: Option<f64>,
    max: Option<f64>,
    average: Option<f64>,
    document: String,
}

impl<'a> PredictionRow<'a> {
    fn new(entry: &'a Entry<'_>, document: &PredictionDocument) -> Result<Self, StoreError> {
        let forecast = document.forecast.known();
        Ok(Self {
            series_id: &entry.series_id,
            as_of: entry.as_of,
            min: forecast.map(|forecast| forecast.min),
            max: forecast.map(|forecast| forecast.max),
            average: forecast.map(|forecast| forecast.average),
            document: serde_json::to_string(document)?,
        })
    }
}

impl<'a> Row for PredictionRow<'a> {
    const INTO: &'static str =
        "INSERT INTO prediction (series_id, as_of, `min`, `max`, average, document) VALUES";
    const COLUMNS: usize = 6;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE `min` = VALUES(`min`), \
        `max` = VALUES(`max`), average = VALUES(average), document = VALUES(document)";
    type Key = (&'a str, NaiveDateTime);

    fn key(&self) -> Self::Key {
        (self.series_id, self.as_of)
    }

    fn bytes(&self) -> usize {
        self.document.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.series_id)?;
        arguments.add(self.as_of)?;
        arguments.add(self.min)?;
        arguments.add(self.max)?;
        arguments.add(self.average)?;
        arguments.add(self.document.as_str())
    }
}

#[derive(Debug)]
struct ArraysRow<'a> {
    as_of: NaiveDateTime,
    series_id: &'a str,
    kind: &'static str,
    document: String,
}

impl<'a> ArraysRow<'a> {
    fn new(entry: &'a Entry<'_>, kind: &'static str, document: String) -> Self {
        Self {
            as_of: entry.as_of,
            series_id: &entry.series_id,
            kind,
            document,
        }
    }
}

impl<'a> Row for ArraysRow<'a> {
    const INTO: &'static str = "INSERT INTO long_arrays (as_of, series_id, kind, document) VALUES";
    const COLUMNS: usize = 4;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE document = VALUES(document)";
    type Key = (NaiveDateTime, &'a str, &'static str);

    fn key(&self) -> Self::Key {
        (self.as_of, self.series_id, self.kind)
    }

    fn bytes(&self) -> usize {
        self.document.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.as_of)?;
        arguments.add(self.series_id)?;
        arguments.add(self.kind)?;
        arguments.add(self.document.as_str())
    }
}
