use domain::{
    SeriesId, Timestamp,
    message::{
        About, MetadataArrays, MetadataDocument, Packed, PredictionArrays, PredictionDocument,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sqlx::{Row, mysql::MySqlRow};

use super::{
    Page, Selection,
    paging::{Position, Positioned, Table},
};
use crate::{Store, StoreError};

/// A document about a series, as one run published it.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentRow<D> {
    /// The document; without its long arrays unless they were asked for and are still kept.
    pub document: D,
    key: DocumentKey,
}

/// The key of a [`DocumentRow`].
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

    /// The run that it is of.
    pub fn as_of(&self) -> Timestamp {
        self.key.as_of
    }
}

/// A document of which each run stores one about each series, and its long arrays apart for a while.
pub trait SeriesDocument: DeserializeOwned + Packed<Key = About> {
    /// The long arrays.
    type Arrays: DeserializeOwned + Packed<Key = ()>;
    /// The table.
    const TABLE: &'static str;
    /// How the long arrays are found.
    const ARRAYS: &'static str;

    /// Puts the long arrays back.
    fn put_arrays(&mut self, arrays: Self::Arrays);
}

impl SeriesDocument for MetadataDocument {
    type Arrays = MetadataArrays;
    const TABLE: &'static str = "metadata";
    const ARRAYS: &'static str = " LEFT JOIN long_arrays a \
                                  ON a.as_of = t.as_of AND a.series_id = t.series_id AND a.kind = 'metadata'";

    fn put_arrays(&mut self, arrays: MetadataArrays) {
        self.put_arrays(arrays);
    }
}

impl SeriesDocument for PredictionDocument {
    type Arrays = PredictionArrays;
    const TABLE: &'static str = "prediction";
    const ARRAYS: &'static str = " LEFT JOIN long_arrays a \
                                  ON a.as_of = t.as_of AND a.series_id = t.series_id AND a.kind = 'prediction'";

    fn put_arrays(&mut self, arrays: PredictionArrays) {
        self.put_arrays(arrays);
    }
}

impl Store {
    /// The documents of `selection` after the row with key `after`; `full`: with the long arrays.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn documents<D: SeriesDocument>(
        &self,
        selection: &Selection,
        full: bool,
        after: Option<DocumentKey>,
    ) -> Result<Page<DocumentRow<D>>, StoreError> {
        let table = Table {
            name: D::TABLE,
            columns: if full {
                "t.document, t.packed, a.document AS long_document, a.packed AS long_packed"
            } else {
                "t.document, t.packed"
            },
            joins: if full { D::ARRAYS } else { "" },
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
            if full && let Some(arrays) = document(row, "long_document", "long_packed", || Ok(()))?
            {
                read.document.put_arrays(arrays);
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

fn read<D: SeriesDocument>(row: &MySqlRow) -> Result<DocumentRow<D>, StoreError> {
    let key = DocumentKey {
        metric: row.try_get("metric")?,
        series: super::series_id(row)?,
        as_of: super::read_time(row.try_get("as_of")?),
    };
    let about = || about(row, key.as_of);
    let document = document(row, "document", "packed", about)?;
    Ok(DocumentRow {
        document: document.ok_or_else(|| super::unexpected(sqlx::error::UnexpectedNullError))?,
        key,
    })
}

/// What the document of a row of a run is about.
pub(crate) fn about(row: &MySqlRow, as_of: Timestamp) -> Result<About, StoreError> {
    Ok(About {
        series: super::series_id(row)?,
        metric: super::parsed(row, "metric")?,
        labels: super::labels(row)?,
        as_of,
    })
}

/// A document of a row: packed or, in rows of before schema version 13, as JSON. `None` where another table has no row.
pub(crate) fn document<D: DeserializeOwned + Packed>(
    row: &MySqlRow,
    json: &str,
    packed: &str,
    key: impl FnOnce() -> Result<D::Key, StoreError>,
) -> Result<Option<D>, StoreError> {
    if let Some(packed) = row.try_get_unchecked::<Option<&[u8]>, _>(packed)? {
        return Ok(Some(D::unpack(packed, key()?).map_err(super::unexpected)?));
    }
    // MySQL's JSON and MariaDB's, which is a text, both arrive as bytes.
    let json: Option<&[u8]> = row.try_get_unchecked(json)?;
    Ok(json.map(serde_json::from_slice).transpose()?)
}
