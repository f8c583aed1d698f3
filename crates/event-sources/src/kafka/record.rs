//! A Kafka record as Lambda writes it down.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rdkafka::{
    Message, Timestamp,
    message::{Header, Headers},
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tracing::warn;

/// A record, in JSON already: its size counts, and it may be sent more than once.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) offset: i64,
    pub(super) json: Box<RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: i64,
    timestamp_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    headers: Vec<BTreeMap<String, Vec<i8>>>,
}

impl Record {
    pub(super) fn new(message: &impl Message) -> Self {
        let (timestamp, timestamp_type) = match message.timestamp() {
            Timestamp::CreateTime(milliseconds) => (milliseconds, "CREATE_TIME"),
            Timestamp::LogAppendTime(milliseconds) => (milliseconds, "LOG_APPEND_TIME"),
            Timestamp::NotAvailable => (-1, "NO_TIMESTAMP_TYPE"),
        };
        let headers = message.headers().map_or(Some(Vec::new()), written);
        if headers.is_none() {
            let (topic, partition, offset) =
                (message.topic(), message.partition(), message.offset());
            warn!(
                topic,
                partition, offset, "a header's name is not UTF-8: the record goes without headers"
            );
        }
        let encoded = |bytes: &[u8]| STANDARD.encode(bytes);
        let document = Document {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp,
            timestamp_type,
            key: message.key().map(encoded),
            value: message.payload().map(encoded),
            headers: headers.unwrap_or_default(),
        };
        // Strings and numbers always become JSON; were it not so, the function has to see that a record is missing.
        let json = to_raw_value(&document).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self {
            offset: message.offset(),
            json,
        }
    }

    /// Bytes of its JSON.
    pub(super) fn len(&self) -> usize {
        self.json.get().len()
    }
}

/// One object a header, its bytes signed, as in Java. `None` if a name is not UTF-8.
fn written(headers: &impl Headers) -> Option<Vec<BTreeMap<String, Vec<i8>>>> {
    let signed = |value: &[u8]| value.iter().map(|byte| byte.cast_signed()).collect();
    let object = |header: Header<'_, &[u8]>| {
        let value = header.value.map(signed).unwrap_or_default();
        BTreeMap::from([(header.key.to_owned(), value)])
    };
    // rdkafka panics at such a name, and a record must not stop its partition.
    catch_unwind(AssertUnwindSafe(|| headers.iter().map(object).collect())).ok()
}

#[cfg(test)]
mod tests {
    use rdkafka::message::{OwnedHeaders, OwnedMessage};

    use super::*;

    fn json(
        value: Option<&[u8]>,
        key: Option<&[u8]>,
        timestamp: Timestamp,
        headers: Option<OwnedHeaders>,
    ) -> String {
        let owned = |bytes: &[u8]| bytes.to_vec();
        let message = OwnedMessage::new(
            value.map(owned),
            key.map(owned),
            "things".to_owned(),
            timestamp,
            3,
            42,
            headers,
        );
        Record::new(&message).json.get().to_owned()
    }

    #[test]
    fn a_record_is_written_as_lambda_writes_it() {
        let headers = OwnedHeaders::new()
            .insert(Header {
                key: "kind",
                value: Some("a"),
            })
            .insert(Header {
                key: "kind",
                value: Some(&[0x00, 0x7f, 0x80, 0xff][..]),
            })
            .insert(Header {
                key: "none",
                value: None::<&str>,
            });
        assert_eq!(
            json(
                Some(b"{}"),
                Some(&[0xff, 0x00]),
                Timestamp::CreateTime(1_545_084_650_987),
                Some(headers)
            ),
            concat!(
                r#"{"topic":"things","partition":3,"offset":42,"timestamp":1545084650987,"timestampType":"CREATE_TIME","#,
                r#""key":"/wA=","value":"e30=","headers":[{"kind":[97]},{"kind":[0,127,-128,-1]},{"none":[]}]}"#
            )
        );
    }

    #[test]
    fn a_missing_key_or_value_is_absent_and_an_empty_one_is_there() {
        assert_eq!(
            json(None, None, Timestamp::NotAvailable, None),
            r#"{"topic":"things","partition":3,"offset":42,"timestamp":-1,"timestampType":"NO_TIMESTAMP_TYPE","headers":[]}"#
        );
        assert_eq!(
            json(Some(b""), Some(b""), Timestamp::LogAppendTime(5), None),
            r#"{"topic":"things","partition":3,"offset":42,"timestamp":5,"timestampType":"LOG_APPEND_TIME","key":"","value":"","headers":[]}"#
        );
    }

    /// Headers that cannot be read, as rdkafka's are with a name that is not UTF-8.
    struct Unreadable;

    impl Headers for Unreadable {
        fn count(&self) -> usize {
            1
        }

        fn try_get(&self, _: usize) -> Option<Header<'_, &[u8]>> {
            panic!("this name is not UTF-8")
        }
    }

    #[test]
    fn headers_that_cannot_be_read_are_none_and_no_panic() {
        assert_eq!(written(&Unreadable), None);
    }
}
