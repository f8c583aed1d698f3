use domain::{
    SeriesId, Timestamp,
    message::{MetadataArrays, MetadataDocument, PredictionArrays, PredictionDocument},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sqlx::{Row, mysql::MySqlRow};

use super::{
    Page, Selection,
    paging::{Position, Positioned, Table},
};
use crate::{Store, StoreError};

/// A document about a series, as one run told it.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentRow<D> {
    /// The document; without its long arrays unless they were asked for and are still kept.
    pub document: D,
    /// How long it is as JSON, bytes.
    pub bytes: usize,
    key: DocumentKey,
}

/// What tells a [`DocumentRow`] from all others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentKey {
    metric: String,
    series: SeriesId,
    as_of: Timestamp,
}

impl<D> DocumentRow<D> {
    /// Its key.
    pub fn key(&self) -> DocumentKey {
        self.key.clone()
    }
}

impl Store {
    /// The metadata of `selection` after the row with key `after`; `full`: with the long arrays.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn metadata(
        &self,
        selection: &Selection,
        full: bool,
        after: Option<DocumentKey>,
    ) -> Result<Page<DocumentRow<MetadataDocument>>, StoreError> {
        let arrays = " LEFT JOIN long_arrays a \
                       ON a.as_of = t.as_of AND a.series_id = t.series_id AND a.kind = 'metadata'";
        let put =
            |document: &mut MetadataDocument, arrays: MetadataArrays| document.put_arrays(arrays);
        self.documents("metadata", full.then_some(arrays), selection, after, put)
            .await
    }

    /// The forecasts of `selection` after the row with key `after`; `full`: with the long arrays.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn predictions(
        &self,
        selection: &Selection,
        full: bool,
        after: Option<DocumentKey>,
    ) -> Result<Page<DocumentRow<PredictionDocument>>, StoreError> {
        let arrays = " LEFT JOIN long_arrays a \
                       ON a.as_of = t.as_of AND a.series_id = t.series_id AND a.kind = 'prediction'";
        let put = |document: &mut PredictionDocument, arrays: PredictionArrays| {
            document.put_arrays(arrays)
        };
        self.documents("prediction", full.then_some(arrays), selection, after, put)
            .await
    }

    async fn documents<D: DeserializeOwned, A: DeserializeOwned>(
        &self,
        name: &'static str,
        arrays: Option<&'static str>,
        selection: &Selection,
        after: Option<DocumentKey>,
        put: impl Fn(&mut D, A),
    ) -> Result<Page<DocumentRow<D>>, StoreError> {
        let table = Table {
            name,
            columns: match arrays {
                Some(_) => "t.document, a.document AS long_arrays",
                None => "t.document",
            },
            joins: arrays.unwrap_or_default(),
            ordinal: None,
            rows_per_run: 1,
        };
        let after = after.map(|key| Position {
            metric: key.metric,
            series: key.series,
            as_of: key.as_of,
            ordinal: 1,
        });
        let read = |row: &MySqlRow| {
            let mut read = read::<D>(row)?;
            if arrays.is_some()
                && let Some(text) = row.try_get_unchecked::<Option<&[u8]>, _>("long_arrays")?
            {
                put(&mut read.document, serde_json::from_slice(text)?);
                read.bytes += text.len();
            }
            Ok(read)
        };
        self.page(&table, selection, None, after, read).await
    }
}

impl<D> Positioned for DocumentRow<D> {
    fn position(&self) -> Position {
        let DocumentKey {
            metric,
            series,
            as_of,
        } = self.key();
        Position {
            metric,
            series,
            as_of,
            ordinal: 1,
        }
    }
}

fn read<D: DeserializeOwned>(row: &MySqlRow) -> Result<DocumentRow<D>, StoreError> {
    // MySQL's JSON and MariaDB's, which is a text, both arrive as bytes.
    let text: &[u8] = row.try_get_unchecked("document")?;
    Ok(DocumentRow {
        document: serde_json::from_slice(text)?,
        bytes: text.len(),
        key: DocumentKey {
            metric: row.try_get("metric")?,
            series: super::series_id(row)?,
            as_of: super::read_time(row.try_get("as_of")?),
        },
    })
}
