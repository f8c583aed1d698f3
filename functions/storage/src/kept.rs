//! A record as `dead_letter` keeps it, and back.

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{Timestamp, message::EvaluationRow};
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
    let row: EvaluationRow = newest("ce_id")?.parse().ok()?;
    if newest("ce_type")? != row.kind.ce_type() {
        return None;
    }
    (row.as_of.millis() >= 0 && row.as_of <= now + LARGEST_LEAD).then_some(row)
}

/// The record of a dead letter; `None` if it did not come as a record should, or was cut.
pub(crate) fn record(letter: &DeadLetter) -> Option<Record> {
    Some(Record {
        topic: letter.topic.clone(),
        partition: letter.partition,
        offset: letter.offset,
        timestamp: letter.timestamp,
        key: letter.key.clone(),
        value: letter.value.clone(),
        headers: Headers::Decoded(headers(&letter.headers)?),
        fault: None,
    })
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

fn headers(readable: &Value) -> Option<Vec<(String, Vec<u8>)>> {
    let headers = readable.as_array()?.iter().map(|header| {
        let name = header["name"].as_str()?.to_owned();
        let bytes = match (&header["text"], &header["base64"]) {
            (Value::String(text), _) => text.clone().into_bytes(),
            (_, Value::String(text)) => STANDARD.decode(text).ok()?,
            _ => return None,
        };
        Some((name, bytes))
    });
    headers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_as_it_came() {
        let came = Record {
            topic: "t".to_owned(),
            partition: 1,
            offset: 2,
            timestamp: 3,
            key: Some(vec![0xff]),
            value: None,
            headers: Headers::Decoded(vec![
                ("ce_type".to_owned(), b"slacast.run.v1".to_vec()),
                ("extra".to_owned(), vec![0xff, 0]),
            ]),
            fault: None,
        };
        let kept = letter(&came, Timestamp::EPOCH, "newer");
        assert_eq!(record(&kept), Some(came));
    }

    #[test]
    fn headers_that_came_in_another_form_have_no_way_back() {
        let mut kept = letter(
            &Record {
                topic: "t".to_owned(),
                partition: 0,
                offset: 0,
                timestamp: 0,
                key: None,
                value: None,
                headers: Headers::Undecoded("{}".to_owned()),
                fault: None,
            },
            Timestamp::EPOCH,
            "newer",
        );
        assert_eq!(record(&kept), None);
        kept.headers = Value::Null;
        assert_eq!(record(&kept), None);
    }
}
