//! A batch of records as the event that Lambda sends.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    record::Record,
    settings::{KafkaSource, KafkaTriggerSettings},
};

/// The most that Lambda takes as a payload: 6 MiB.
pub(super) const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// What surrounds the records of one partition.
#[derive(Debug)]
pub(super) struct Envelope {
    source: KafkaSource,
    bootstrap_servers: String,
    /// `topic-partition`.
    key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    event_source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_source_arn: Option<&'a str>,
    bootstrap_servers: &'a str,
    records: BTreeMap<&'a str, Vec<&'a RawValue>>,
}

impl Envelope {
    pub(super) fn new(settings: &KafkaTriggerSettings, partition: i32) -> Self {
        Self {
            source: settings.source.clone(),
            bootstrap_servers: settings.bootstrap_servers.clone(),
            key: format!("{}-{partition}", settings.topic),
        }
    }

    /// The event's JSON.
    pub(super) fn event(&self, batch: &[Record]) -> Result<Vec<u8>, serde_json::Error> {
        let (event_source, event_source_arn) = match &self.source {
            KafkaSource::SelfManaged => ("SelfManagedKafka", None),
            KafkaSource::Msk { cluster_arn } => ("aws:kafka", Some(cluster_arn.as_str())),
        };
        let records = batch.iter().map(|record| &*record.json).collect();
        serde_json::to_vec(&Event {
            event_source,
            event_source_arn,
            bootstrap_servers: &self.bootstrap_servers,
            records: BTreeMap::from([(self.key.as_str(), records)]),
        })
    }

    /// The bytes that are left for records and the commas between them.
    pub(super) fn room(&self) -> usize {
        let empty = self.event(&[]).map_or(0, |event| event.len());
        MAX_PAYLOAD_BYTES.saturating_sub(empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> Record {
        let json = RawValue::from_string(json.to_owned()).unwrap();
        Record { offset: 0, json }
    }

    fn event(source: KafkaSource, batch: &[Record]) -> String {
        let mut settings =
            KafkaTriggerSettings::new("function", "a:9092,b:9092", "things", "group");
        settings.source = source;
        String::from_utf8(Envelope::new(&settings, 7).event(batch).unwrap()).unwrap()
    }

    #[test]
    fn the_event_names_its_source_and_maps_the_partition_to_its_records() {
        assert_eq!(
            event(KafkaSource::SelfManaged, &[record("1"), record("2")]),
            r#"{"eventSource":"SelfManagedKafka","bootstrapServers":"a:9092,b:9092","records":{"things-7":[1,2]}}"#
        );
        let cluster_arn = "arn:aws:kafka:x".to_owned();
        assert_eq!(
            event(KafkaSource::Msk { cluster_arn }, &[record("1")]),
            r#"{"eventSource":"aws:kafka","eventSourceArn":"arn:aws:kafka:x","bootstrapServers":"a:9092,b:9092","records":{"things-7":[1]}}"#
        );
    }
}
