//! A record into a document.

use domain::{
    Timestamp,
    message::{Attributes, Encoding, InvalidAttributes, Kind, LARGEST_MESSAGE, Unreadable},
};
use store::pipeline::Document;

use crate::{
    check::{Inconsistency, check},
    event::{Fault, Headers, Record},
    newer::{NEWER, is_newer},
};

/// Why a record is no message of ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undecodable {
    #[error("{NEWER}")]
    Newer,
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("the record has no value")]
    Empty,
    #[error("the value has {0} bytes, more than {LARGEST_MESSAGE}")]
    TooLarge(usize),
    #[error(transparent)]
    Attributes(#[from] InvalidAttributes),
    #[error("the record's key is missing or not UTF-8")]
    Key,
    #[error("the value is not UTF-8: {0}")]
    Text(#[from] std::str::Utf8Error),
    #[error("the value is no {kind} document: {source}")]
    Document {
        kind: Kind,
        source: serde_json::Error,
    },
    #[error("the value is no {ce_type} document: {source}")]
    Packed {
        ce_type: &'static str,
        source: Unreadable,
    },
    #[error(transparent)]
    Inconsistent(#[from] Inconsistency),
}

pub(crate) fn document(record: &Record, now: Timestamp) -> Result<Document, Undecodable> {
    if let Some(fault) = &record.fault {
        return Err(fault.clone().into());
    }
    if is_newer(record) {
        return Err(Undecodable::Newer);
    }
    let value = record.value.as_deref().unwrap_or_default();
    if value.is_empty() {
        return Err(Undecodable::Empty);
    }
    if value.len() > LARGEST_MESSAGE {
        return Err(Undecodable::TooLarge(value.len()));
    }
    let Headers::Decoded(headers) = &record.headers else {
        return Err(InvalidAttributes::Missing("ce_type").into());
    };
    let headers = headers.iter();
    let attributes =
        Attributes::from_headers(headers.map(|(name, value)| (name.as_str(), value.as_slice())))?;
    let key = record.key.as_deref().unwrap_or_default();
    let key = std::str::from_utf8(key)
        .ok()
        .filter(|key| !key.is_empty())
        .ok_or(Undecodable::Key)?;
    let kind = attributes.kind;
    let document = match attributes.encoding {
        Encoding::Json => {
            // serde_json alone would call this an invalid code point somewhere.
            std::str::from_utf8(value)?;
            Document::parse(kind, value).map_err(|source| Undecodable::Document { kind, source })?
        }
        Encoding::Packed => {
            let ce_type = attributes.ce_type();
            Document::unpack(kind, value)
                .map_err(|source| Undecodable::Packed { ce_type, source })?
        }
    };
    check(&document, &attributes, key, now)?;
    Ok(document)
}

#[cfg(test)]
mod tests;
