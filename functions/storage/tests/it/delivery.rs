//! Events as the Kafka trigger sends them.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use config::Retention;
use domain::{
    Series, Timestamp,
    message::{Attributes, Encoding, Kind, PackedMessage},
};
use serde_json::{Value, json, value::RawValue};
use storage::{Answer, Storage};
use store::{
    Store,
    pipeline::Document,
    testing::{Documents, TestDatabase},
};

pub(crate) const TOPIC: &str = "events-example";

/// A record that is yet to get its offset.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) key: Value,
    pub(crate) value: Value,
    pub(crate) headers: Value,
}

impl Parcel {
    /// The record of a document, as etl sends it.
    pub(crate) fn of(document: &Document) -> Self {
        let (kind, key, json) = match document {
            Document::Metrics(told) => (Kind::Metrics, None, serde_json::to_vec(told)),
            Document::Metadata(told) => (Kind::Metadata, None, serde_json::to_vec(told)),
            Document::Prediction(told) => (Kind::Prediction, None, serde_json::to_vec(told)),
            Document::Violations(told) => {
                let selector = Series {
                    metric: told.objective.metric.clone(),
                    labels: told.objective.labels.clone(),
                };
                let key = selector.id().to_string();
                (Kind::Violations, Some(key), serde_json::to_vec(told))
            }
            Document::Slices(document) => (
                Kind::Slices,
                Some(document.group_id().to_string()),
                serde_json::to_vec(document),
            ),
            Document::History(document) => (
                Kind::History,
                Some(document.series.to_string()),
                serde_json::to_vec(document),
            ),
            Document::Replay(document) => (
                Kind::Replay,
                Some("replay/1".to_owned()),
                serde_json::to_vec(document),
            ),
            Document::Score(told) => (Kind::Score, None, serde_json::to_vec(told)),
            Document::Run(told) => (
                Kind::Run,
                Some(told.run_id.clone()),
                serde_json::to_vec(told),
            ),
        };
        let series = document.series().map(|series| series.series.to_string());
        let key = series.or(key).unwrap();
        Self {
            value: base64(&json.unwrap()),
            headers: headers(kind, Encoding::Json, document.as_of(), &key),
            key: base64(key.as_bytes()),
        }
    }

    /// The record of a document of which there are packed messages, as etl sends it where that is asked for.
    pub(crate) fn packed(document: &Document) -> Self {
        let (kind, value) = match document {
            Document::Metadata(told) => (Kind::Metadata, told.pack_message()),
            Document::Prediction(told) => (Kind::Prediction, told.pack_message()),
            _ => return Self::of(document),
        };
        let key = document.series().unwrap().series.to_string();
        Self {
            value: base64(&value),
            headers: headers(kind, Encoding::Packed, document.as_of(), &key),
            key: base64(key.as_bytes()),
        }
    }

    /// The same with another value.
    pub(crate) fn with_value(self, value: &[u8]) -> Self {
        Self {
            value: base64(value),
            ..self
        }
    }

    /// The same with one more header.
    pub(crate) fn with_header(mut self, name: &str, value: Value) -> Self {
        let headers = self.headers.as_array_mut().unwrap();
        headers.push(json!({ name: value }));
        self
    }
}

pub(crate) fn base64(bytes: &[u8]) -> Value {
    STANDARD.encode(bytes).into()
}

fn headers(kind: Kind, encoding: Encoding, as_of: Timestamp, key: &str) -> Value {
    let attributes = Attributes {
        kind,
        encoding,
        id: format!("{kind}/{key}/{as_of}"),
        time: as_of,
        run: "example".to_owned(),
    };
    let headers = attributes.headers();
    headers
        .iter()
        .map(|(name, value)| json!({*name: value.as_bytes()}))
        .collect()
}

/// The event of a batch, one record a line.
pub(crate) fn event(parcels: &[Parcel], first_offset: usize) -> String {
    let records: Vec<_> = parcels
        .iter()
        .enumerate()
        .map(|(position, parcel)| {
            json!({
                "topic": TOPIC,
                "partition": 0,
                "offset": first_offset + position,
                "timestamp": 1_736_930_705_000_i64,
                "timestampType": "CREATE_TIME",
                "key": parcel.key,
                "value": parcel.value,
                "headers": parcel.headers,
            })
            .to_string()
        })
        .collect();
    format!(
        "{{\"eventSource\":\"SelfManagedKafka\",\"bootstrapServers\":\"127.0.0.1:9092\",\
         \"records\":{{\"{TOPIC}-0\":[\n{}\n]}}}}\n",
        records.join(",\n")
    )
}

pub(crate) fn raw(event: &str) -> Box<RawValue> {
    RawValue::from_string(event.trim().to_owned()).unwrap()
}

pub(crate) fn storage(store: Store) -> Storage {
    let retention = Retention {
        history: config::HistoryTerms::default(),
        every_run: Duration::from_secs(48 * 3600),
        everything: Duration::from_secs(30 * 86_400),
    };
    Storage::new(store, retention)
}

/// Hands a batch to a function that was just started.
pub(crate) async fn deliver(database: &TestDatabase, parcels: &[Parcel]) -> Answer {
    let event = raw(&event(parcels, 0));
    let storage = storage(database.store().clone());
    storage.handle(&event).await.unwrap()
}

/// 2025-01-15T08:45:00Z and `minutes`.
pub(crate) fn at(minutes: u64) -> Timestamp {
    "2025-01-15T08:45:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(60 * minutes)
}

/// One record of every kind about a series.
pub(crate) fn every_kind(metric: &str, as_of: Timestamp) -> Vec<Parcel> {
    let documents = Documents::about(metric, TOPIC).under(TOPIC);
    Kind::ALL
        .map(|kind| Parcel::of(&documents.of(kind, as_of)))
        .to_vec()
}
