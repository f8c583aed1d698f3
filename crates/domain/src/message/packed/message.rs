//! A document as the value of a message of version 2: what it is about as JSON, then the document and its long arrays in the
//! form in which they are stored.

use serde::{Deserialize, Serialize};

use super::{About, Packed, Unreadable, read_count, write_count};
use crate::{
    message::{MetadataDocument, PredictionDocument, SeriesReference},
    series::{Labels, MetricName, Series},
    time::Timestamp,
};

/// The first byte. What would change the form of a value is a new one.
const VERSION: u8 = 1;

/// A document that messages carry packed: with its long arrays, and with what it is about.
pub trait PackedMessage: Sized {
    /// The value of a message.
    fn pack_message(&self) -> Vec<u8>;

    /// What [`Self::pack_message`] made this value of.
    ///
    /// # Errors
    /// When `pack_message` has not made it.
    fn unpack_message(value: &[u8]) -> Result<Self, Unreadable>;
}

impl PackedMessage for MetadataDocument {
    fn pack_message(&self) -> Vec<u8> {
        let arrays = self.arrays().map(|arrays| arrays.pack());
        write(&self.series, self.as_of, &self.pack(), arrays)
    }

    fn unpack_message(value: &[u8]) -> Result<Self, Unreadable> {
        read(value, Self::put_arrays)
    }
}

impl PackedMessage for PredictionDocument {
    fn pack_message(&self) -> Vec<u8> {
        let arrays = self.arrays().map(|arrays| arrays.pack());
        write(&self.series, self.as_of, &self.pack(), arrays)
    }

    fn unpack_message(value: &[u8]) -> Result<Self, Unreadable> {
        read(value, Self::put_arrays)
    }
}

/// What a document is about. The series' id follows from it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    metric: MetricName,
    labels: Labels,
    as_of: Timestamp,
}

fn write(
    series: &SeriesReference,
    as_of: Timestamp,
    document: &[u8],
    arrays: Option<Vec<u8>>,
) -> Vec<u8> {
    let subject = Subject {
        metric: series.metric.clone(),
        labels: series.labels.clone(),
        as_of,
    };
    let subject = serde_json::to_vec(&subject).expect("labels have text keys");
    let mut value = vec![VERSION];
    for part in [&subject, document] {
        write_count(part.len(), &mut value);
        value.extend(part);
    }
    value.extend(arrays.unwrap_or_default());
    value
}

fn read<Document: Packed<Key = About>, Arrays: Packed<Key = ()>>(
    value: &[u8],
    put_arrays: impl FnOnce(&mut Document, Arrays),
) -> Result<Document, Unreadable> {
    let Some((&VERSION, mut bytes)) = value.split_first() else {
        return Err(Unreadable::Version);
    };
    let mut part = || {
        let length = read_count(&mut bytes)?;
        let (part, after) = bytes.split_at_checked(length).ok_or(Unreadable::Damaged)?;
        bytes = after;
        Ok::<&[u8], Unreadable>(part)
    };
    let (subject, document) = (part()?, part()?);
    let Subject {
        metric,
        labels,
        as_of,
    } = serde_json::from_slice(subject)?;
    let series = Series { metric, labels };
    let about = About {
        series: series.id(),
        metric: series.metric,
        labels: series.labels,
        as_of,
    };
    let mut document = Document::unpack(document, about)?;
    if !bytes.is_empty() {
        put_arrays(&mut document, Arrays::unpack(bytes, ())?);
    }
    Ok(document)
}
