//! What must hold for any record.

use std::sync::LazyLock;

use domain::message::Kind;
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json, value::RawValue};

use super::*;
use crate::event::KafkaEvent;

/// As many as `PROPTEST_CASES` says, and enough for every day.
fn cases() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig {
        cases: config.cases.max(2_000),
        ..config
    }
}

fn records(event: String) -> Option<Vec<Record>> {
    let raw = RawValue::from_string(event).ok()?;
    let records = KafkaEvent::parse(&raw).ok()?.records().collect();
    Some(records)
}

/// Good records of each kind.
static EXAMPLES: LazyLock<Vec<Record>> = LazyLock::new(|| {
    records(include_str!("../../../../events/kafka-batch.json").to_owned()).unwrap()
});

fn now() -> Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

/// Values that are hard to bear.
fn any_value() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(0.1),
        json!(1e308),
        json!(-1e308),
        json!(5e-324),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(9_007_199_254_740_993_u64),
        json!(""),
        json!("x"),
        json!("é\u{0}"),
        json!("0001-01-01T00:00:00Z"),
        json!("1969-12-31T23:59:59.999Z"),
        json!("9999-12-31T23:59:59.999Z"),
        json!("2026-11-23T08:45:00Z"),
        json!("2026-11-23T08:46:00.001Z"),
        json!("00000000000000000000000000000000"),
        json!("1h"),
        json!("99999999999999999d"),
        json!([]),
        json!([null]),
        json!([[0, 1]]),
        json!({}),
        json!({"a": "b"}),
    ])
}

/// All places of a document below its root, as pointers.
fn places(value: &Value, at: String, found: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(position, value)| (position.to_string(), value))
            .collect(),
        _ => return,
    };
    for (name, value) in below {
        let at = format!("{at}/{name}");
        found.push(at.clone());
        places(value, at, found);
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_change_of_a_document_makes_it_panic(of in any::<Index>(), changes in vec((any::<Index>(), any_value()), 1..4)) {
        let mut record = of.get(&EXAMPLES[..]).clone();
        let mut document: Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        for (at, value) in changes {
            let mut found = Vec::new();
            places(&document, String::new(), &mut found);
            if !found.is_empty() {
                let place = &found[at.index(found.len())];
                *document.pointer_mut(place).unwrap() = value;
            }
        }
        record.value = Some(document.to_string().into_bytes());
        if let Err(fault) = super::document(&record, now()) {
            prop_assert!(!fault.to_string().is_empty());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        kind in select(Kind::ALL.to_vec()),
        key in vec(any::<u8>(), 0..40),
        value in vec(any::<u8>(), 0..60),
        headers in vec((select(vec!["ce_type", "ce_time", "ce_id", "ce_source", "ce_specversion", "x"]), vec(any::<u8>(), 0..30)), 0..8),
        is_typed in any::<bool>(),
        is_packed in any::<bool>(),
    ) {
        let mut headers: Vec<(String, Vec<u8>)> = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if is_typed {
            let version = if is_packed { "v2" } else { "v1" };
            let ce_type = kind.ce_type().replace("v1", version);
            headers.push(("ce_type".to_owned(), ce_type.into_bytes()));
            headers.push(("ce_time".to_owned(), b"2026-11-23T08:45:00Z".to_vec()));
        }
        let record = Record {
            key: Some(key),
            value: Some(value),
            headers: Headers::Decoded(headers),
            ..EXAMPLES[0].clone()
        };
        prop_assert!(super::document(&record, now()).is_err());
    }

    #[test]
    fn no_event_makes_reading_it_panic(changes in vec((any::<Index>(), 0..8_usize, select(PIECES.to_vec())), 1..5)) {
        let record = json!({
            "topic": "t", "partition": 0, "offset": 7, "timestamp": 1, "key": "YQ==", "value": "e30=",
            "headers": [{"ce_type": [115, -1]}],
        });
        let mut event: Vec<char> = json!({"eventSource": "aws:kafka", "records": {"t-0": [record]}}).to_string().chars().collect();
        for (at, length, piece) in changes {
            let start = at.index(event.len() + 1);
            let end = (start + length).min(event.len());
            event.splice(start..end, piece.chars());
        }
        for record in records(event.into_iter().collect()).into_iter().flatten() {
            let _ = super::document(&record, now());
            let _ = record.run();
        }
    }
}

const PIECES: [&str; 16] = [
    "",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "null",
    "-129",
    "256",
    "1e9",
    "99999999999",
    "\\u0000",
    "é",
    "=",
];
