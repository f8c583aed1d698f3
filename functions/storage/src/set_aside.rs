//! A record that cannot be stored, as `dead_letter` keeps it.

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{
    Timestamp,
    message::{EvaluationRow, Kind},
};
use serde_json::{Value, json};
use store::pipeline::DeadLetter;

use crate::{
    check::LARGEST_LEAD,
    event::{Headers, Record},
};

pub(crate) fn letter(record: &Record, stored_at: Timestamp, reason: &str) -> DeadLetter {
    DeadLetter {
        topic: record.topic.clone(),
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        stored_at,
        key: record.key.clone(),
        headers: readable(&record.headers),
        value: record.value.clone(),
        reason: reason.to_owned(),
        row: evaluation_row(record, stored_at),
    }
}

/// The row of an evaluation that a record is by its headers. One from the future is none: no evaluation waits for it.
fn evaluation_row(record: &Record, now: Timestamp) -> Option<EvaluationRow> {
    let Headers::Decoded(headers) = &record.headers else {
        return None;
    };
    let newest = |wanted: &str| {
        let mut named = headers.iter().rev().filter(|(name, _)| name == wanted);
        named.find_map(|(_, value)| std::str::from_utf8(value).ok())
    };
    if newest("ce_type")? != Kind::Violations.ce_type() {
        return None;
    }
    let row: EvaluationRow = newest("ce_id")?.parse().ok()?;
    (row.as_of.millis() >= 0 && row.as_of <= now + LARGEST_LEAD).then_some(row)
}

/// Header by header `{"name": …, "text": …}`, or `base64` where it is no text; what could not be decoded as `json`.
fn readable(headers: &Headers) -> Value {
    match headers {
        Headers::Decoded(headers) => headers
            .iter()
            .map(|(name, bytes)| match std::str::from_utf8(bytes) {
                Ok(text) => json!({"name": name, "text": text}),
                Err(_) => json!({"name": name, "base64": STANDARD.encode(bytes)}),
            })
            .collect(),
        // As a text: it may be nested deeper than a JSON column takes.
        Headers::Undecoded(json) => json!({ "json": json }),
    }
}
