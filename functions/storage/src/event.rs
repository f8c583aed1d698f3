//! The event of AWS's Kafka trigger. What is wrong with one record stays with that record.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The records of an event, by topic and partition, undecoded.
#[derive(Debug, Deserialize)]
pub(crate) struct KafkaEvent<'a> {
    #[serde(borrow)]
    records: BTreeMap<String, Vec<Envelope<'a>>>,
}

impl<'a> KafkaEvent<'a> {
    pub(crate) fn parse(event: &'a RawValue) -> Result<Self, serde_json::Error> {
        serde_json::from_str(event.get())
    }

    /// The records, those of one partition in their order.
    pub(crate) fn records(self) -> impl Iterator<Item = Record> {
        self.records.into_values().flatten().map(Record::from)
    }
}

/// Where a record was, which the trigger always says, and what it holds, which may be anything.
#[derive(Debug, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, deserialize_with = "topic")]
    topic: Cow<'a, str>,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
}

/// A topic name by Kafka's own rule: no other can be in an event, and no other fits the key of `dead_letter`.
fn topic<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 249 || !name.chars().all(legal) {
        return Err(serde::de::Error::custom(
            "a topic name that Kafka does not allow",
        ));
    }
    Ok(Cow::Owned(name))
}

/// A Kafka record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// Milliseconds since the Unix epoch; -1 for none.
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Headers,
    /// What is wrong with the way it came. Key and value are then as they came.
    pub(crate) fault: Option<Fault>,
}

impl Record {
    /// The last header of a name.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        let Headers::Decoded(headers) = &self.headers else {
            return None;
        };
        let mut headers = headers.iter().rev();
        let (_, value) = headers.find(|(header, _)| header == name)?;
        Some(value)
    }

    /// The run that it is of, as its headers say.
    pub(crate) fn run(&self) -> Option<&str> {
        std::str::from_utf8(self.header("ce_run")?).ok()
    }
}

/// A record's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Headers {
    /// In their order.
    Decoded(Vec<(String, Vec<u8>)>),
    /// The JSON that should have been lists of bytes.
    Undecoded(String),
}

/// What is wrong with the way a record came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the record's {0} is not a base64 text")]
    NotBase64(&'static str),
    #[error("the record's headers are not lists of bytes: {0}")]
    Headers(String),
    #[error("header `{name}` has {byte} for a byte")]
    HeaderByte { name: String, byte: i64 },
}

impl From<Envelope<'_>> for Record {
    fn from(envelope: Envelope<'_>) -> Self {
        let mut fault = None;
        let mut bytes = |name, raw: Option<&RawValue>| {
            let raw = raw?;
            Some(from_base64(raw).unwrap_or_else(|| {
                fault = Some(Fault::NotBase64(name));
                raw.get().as_bytes().to_vec()
            }))
        };
        let key = bytes("key", envelope.key);
        let value = bytes("value", envelope.value);
        let headers = match envelope.headers.map(headers).transpose() {
            Ok(headers) => Headers::Decoded(headers.unwrap_or_default()),
            Err(found) => {
                fault = Some(found);
                Headers::Undecoded(envelope.headers.map_or("", RawValue::get).to_owned())
            }
        };
        Self {
            topic: envelope.topic.into_owned(),
            partition: envelope.partition,
            offset: envelope.offset,
            timestamp: envelope.timestamp.unwrap_or(-1),
            key,
            value,
            headers,
            fault,
        }
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn from_base64(raw: &RawValue) -> Option<Vec<u8>> {
    let text: String = serde_json::from_str(raw.get()).ok()?;
    BASE64.decode(text).ok()
}

/// Headers come as `[{"name": [bytes]}, …]`, bytes above 127 signed or unsigned.
fn headers(raw: &RawValue) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let listed: Vec<BTreeMap<String, Vec<i64>>> =
        serde_json::from_str(raw.get()).map_err(|error| Fault::Headers(error.to_string()))?;
    let mut headers = Vec::with_capacity(listed.len());
    for (name, numbers) in listed.into_iter().flatten() {
        let bytes: Result<Vec<u8>, i64> = numbers.into_iter().map(byte).collect();
        match bytes {
            Ok(bytes) => headers.push((name, bytes)),
            Err(byte) => return Err(Fault::HeaderByte { name, byte }),
        }
    }
    Ok(headers)
}

fn byte(number: i64) -> Result<u8, i64> {
    let signed = i8::try_from(number).map(|byte| byte as u8);
    u8::try_from(number).or(signed).map_err(|_| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &str) -> Record {
        let event = format!(
            r#"{{"eventSource":"SelfManagedKafka","records":{{"t-0":[
                {{"topic":"t","partition":0,"offset":7,"timestamp":1,{fields}}}]}}}}"#
        );
        let raw = RawValue::from_string(event).unwrap();
        let mut records = KafkaEvent::parse(&raw).unwrap().records();
        records.next().unwrap()
    }

    #[test]
    fn bytes_above_127_may_come_signed_or_unsigned() {
        for numbers in ["[97, 255, 128]", "[97, -1, -128]"] {
            let record = record(&format!(r#""headers":[{{"h":{numbers}}}]"#));
            let headers = vec![("h".to_owned(), vec![97, 255, 128])];
            assert_eq!(record.headers, Headers::Decoded(headers));
            assert_eq!(record.fault, None);
        }
    }

    #[test]
    fn key_value_and_headers_may_be_missing() {
        for fields in [r#""key":null,"value":null,"headers":null"#, r#""other":1"#] {
            let record = record(fields);
            assert_eq!((record.key, record.value), (None, None));
            assert_eq!(
                (record.headers, record.fault),
                (Headers::Decoded(vec![]), None)
            );
        }
    }

    #[test]
    fn base64_is_read_with_and_without_padding_and_escapes() {
        for text in [r#""YQ==""#, r#""YQ""#, r#""YQ\u003d\u003d""#] {
            assert_eq!(record(&format!(r#""key":{text}"#)).key, Some(b"a".to_vec()));
        }
    }

    #[test]
    fn what_is_wrong_with_a_record_is_said_and_the_record_kept_as_it_came() {
        for (fields, fault, value) in [
            (r#""value":"%%""#, "value is not a base64 text", r#""%%""#),
            (
                r#""value":{"a":1}"#,
                "value is not a base64 text",
                r#"{"a":1}"#,
            ),
            (
                r#""value":"YQ","headers":[{"h":[256]}]"#,
                "`h` has 256 for a byte",
                "a",
            ),
            (
                r#""value":"YQ","headers":[{"h":"x"}]"#,
                "not lists of bytes",
                "a",
            ),
            (
                r#""value":"YQ","headers":{"h":[1]}"#,
                "not lists of bytes",
                "a",
            ),
        ] {
            let record = record(fields);
            let said = record.fault.unwrap().to_string();
            assert!(said.contains(fault), "{said}");
            assert_eq!(record.value.as_deref(), Some(value.as_bytes()));
        }
    }

    #[test]
    fn an_event_of_something_else_is_an_error() {
        for event in [
            "{}",
            r#"{"records":[]}"#,
            r#"{"detail-type":"Scheduled Event","time":"2026-11-23T08:45:00Z"}"#,
            r#"{"records":{"t-0":[{"topic":"t","partition":0}]}}"#,
            r#"{"records":{"t-0":[{"topic":"t\n","partition":0,"offset":1}]}}"#,
            "null",
            "7",
        ] {
            let raw = RawValue::from_string(event.to_owned()).unwrap();
            assert!(KafkaEvent::parse(&raw).is_err(), "{event}");
        }
    }
}
