//! `metadata`, `prediction` and, apart from both, `long_arrays`.

use chrono::NaiveDateTime;
use domain::message::{MetadataDocument, Packed, PredictionDocument};
use sqlx::{Arguments, MySqlConnection, error::BoxDynError, mysql::MySqlArguments};

use super::{
    document::{Document, Entry},
    upsert::{Row, upsert},
};
use crate::StoreError;

/// What column `document` holds, which was all there was before documents were packed.
const NO_JSON: &str = "null";

/// What it holds of a prediction: one without a forecast, which programs from before schema version 13 can read. Their runs
/// go on, and find a forecast that cannot be scored.
const NO_FORECAST: &str = r#"{"series":"00000000000000000000000000000000","metric":"packed","labels":{},"as_of":"1970-01-01T00:00:00Z","horizon_seconds":600,"step_seconds":60,"forecast":{"error":"stored by a newer program"}}"#;

pub(super) async fn write(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    let (mut metadata, mut predictions, mut arrays) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        match entry.document {
            Document::Metadata(document) => {
                if let Some(long) = document.arrays() {
                    arrays.push(ArraysRow::new(entry, "metadata", long.pack()));
                }
                metadata.push(MetadataRow::new(entry, document));
            }
            Document::Prediction(document) => {
                if let Some(long) = document.arrays() {
                    arrays.push(ArraysRow::new(entry, "prediction", long.pack()));
                }
                predictions.push(PredictionRow::new(entry, document));
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
    packed: Vec<u8>,
}

impl<'a> MetadataRow<'a> {
    fn new(entry: &'a Entry<'_>, document: &MetadataDocument) -> Self {
        Self {
            series_id: &entry.series_id,
            as_of: entry.as_of,
            packed: document.pack(),
        }
    }
}

impl<'a> Row for MetadataRow<'a> {
    const INTO: &'static str = "INSERT INTO metadata (series_id, as_of, document, packed) VALUES";
    const COLUMNS: usize = 4;
    const OTHERWISE: &'static str =
        "ON DUPLICATE KEY UPDATE document = VALUES(document), packed = VALUES(packed)";
    type Key = (&'a str, NaiveDateTime);

    fn key(&self) -> Self::Key {
        (self.series_id, self.as_of)
    }

    fn bytes(&self) -> usize {
        self.packed.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.series_id)?;
        arguments.add(self.as_of)?;
        arguments.add(NO_JSON)?;
        arguments.add(self.packed.as_slice())
    }
}

#[derive(Debug)]
struct PredictionRow<'a> {
    series_id: &'a str,
    as_of: NaiveDateTime,
    min: Option<f64>,
    max: Option<f64>,
    average: Option<f64>,
    packed: Vec<u8>,
}

impl<'a> PredictionRow<'a> {
    fn new(entry: &'a Entry<'_>, document: &PredictionDocument) -> Self {
        let forecast = document.forecast.known();
        Self {
            series_id: &entry.series_id,
            as_of: entry.as_of,
            min: forecast.map(|forecast| forecast.min),
            max: forecast.map(|forecast| forecast.max),
            average: forecast.map(|forecast| forecast.average),
            packed: document.pack(),
        }
    }
}

impl<'a> Row for PredictionRow<'a> {
    const INTO: &'static str =
        "INSERT INTO prediction (series_id, as_of, `min`, `max`, average, document, packed) VALUES";
    const COLUMNS: usize = 7;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE `min` = VALUES(`min`), \
        `max` = VALUES(`max`), average = VALUES(average), document = VALUES(document), packed = VALUES(packed)";
    type Key = (&'a str, NaiveDateTime);

    fn key(&self) -> Self::Key {
        (self.series_id, self.as_of)
    }

    fn bytes(&self) -> usize {
        self.packed.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.series_id)?;
        arguments.add(self.as_of)?;
        arguments.add(self.min)?;
        arguments.add(self.max)?;
        arguments.add(self.average)?;
        arguments.add(NO_FORECAST)?;
        arguments.add(self.packed.as_slice())
    }
}

#[derive(Debug)]
struct ArraysRow<'a> {
    as_of: NaiveDateTime,
    series_id: &'a str,
    kind: &'static str,
    packed: Vec<u8>,
}

impl<'a> ArraysRow<'a> {
    fn new(entry: &'a Entry<'_>, kind: &'static str, packed: Vec<u8>) -> Self {
        Self {
            as_of: entry.as_of,
            series_id: &entry.series_id,
            kind,
            packed,
        }
    }
}

impl<'a> Row for ArraysRow<'a> {
    const INTO: &'static str =
        "INSERT INTO long_arrays (as_of, series_id, kind, document, packed) VALUES";
    const COLUMNS: usize = 5;
    const OTHERWISE: &'static str =
        "ON DUPLICATE KEY UPDATE document = VALUES(document), packed = VALUES(packed)";
    type Key = (NaiveDateTime, &'a str, &'static str);

    fn key(&self) -> Self::Key {
        (self.as_of, self.series_id, self.kind)
    }

    fn bytes(&self) -> usize {
        self.packed.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.as_of)?;
        arguments.add(self.series_id)?;
        arguments.add(self.kind)?;
        arguments.add(NO_JSON)?;
        arguments.add(self.packed.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_before_find_a_prediction_without_a_forecast() {
        let read: PredictionDocument = serde_json::from_str(NO_FORECAST).unwrap();
        assert_eq!(read.forecast.reason(), Some("stored by a newer program"));
    }
}
