//! What was published: the topic, read from its beginning by a consumer of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::{BorrowedMessage, Headers},
};
use serde_json::Value;

use super::{
    answers::{Entry, SILENT},
    load::SLA,
};

/// The messages of a topic, as far as they are compared.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) messages: u64,
    /// The messages of each run beside its own record, by the run's id.
    pub(super) of_runs: BTreeMap<String, u64>,
    /// The runs' own records, by id.
    pub(super) runs: BTreeMap<String, Value>,
    /// The facts about series, each once: the route that returns them, the time, and the series with its labels.
    pub(super) facts: BTreeMap<(&'static str, String), BTreeSet<String>>,
    /// The evaluations of the SLA, by objective and time.
    pub(super) evaluations: BTreeMap<(String, String), BTreeSet<Entry>>,
}

const PATIENCE: Duration = Duration::from_secs(30);

impl Record {
    /// Reads what is on the topic now.
    pub(super) fn read(brokers: &str, topic: &str) -> Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("broker.address.family", "v4")
            .set("group.id", "soak-checker")
            .set("enable.auto.commit", "false")
            .create()?;
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
        let partitions = metadata.topics().first().context("there is no topic")?;
        let (mut list, mut left) = (TopicPartitionList::new(), 0);
        for partition in partitions.partitions() {
            let (low, high) = consumer.fetch_watermarks(topic, partition.id(), PATIENCE)?;
            left += high - low;
            list.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
        }
        consumer.assign(&list)?;
        let mut record = Self::default();
        while left > 0 {
            match consumer.poll(PATIENCE) {
                Some(message) => record.add(&message?),
                None => bail!("{left} records of the topic cannot be read"),
            }
            left -= 1;
        }
        Ok(record)
    }

    fn add(&mut self, message: &BorrowedMessage<'_>) {
        let header = |name: &str| {
            let headers = message.headers().into_iter().flat_map(Headers::iter);
            let mut found = headers.filter(|header| header.key == name);
            let value = found.next().and_then(|header| header.value);
            String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
        };
        let document = serde_json::from_slice(message.payload().unwrap_or_default());
        self.add_document(
            &header("ce_type"),
            &header("ce_run"),
            document.unwrap_or_default(),
        );
    }

    fn add_document(&mut self, kind: &str, run: &str, document: Value) {
        self.messages += 1;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let route = match kind {
            "slacast.run.v1" => {
                self.runs.insert(text(&document["run_id"]), document);
                return;
            }
            "slacast.metadata.v1" => Some("metadata"),
            "slacast.prediction.v1" => Some("predict"),
            _ => None,
        };
        *self.of_runs.entry(run.to_owned()).or_default() += 1;
        let as_of = text(&document["as_of"]);
        if let Some(route) = route {
            let facts = self.facts.entry((route, as_of)).or_default();
            facts.insert(named(&document));
        } else if kind == "slacast.violations.v1" && document["sla"] == SLA {
            let objective = text(&document["objective"]["id"]);
            let labels = match &document["series"] {
                Value::Null => "{}".to_owned(),
                series => series["labels"].to_string(),
            };
            let state = match &document["silence"] {
                Value::Null => text(&document["state"]),
                _ => SILENT.to_owned(),
            };
            let evaluation = self.evaluations.entry((objective, as_of)).or_default();
            evaluation.insert(Entry { labels, state });
        }
    }
}

/// A series as documents and answers have it.
pub(super) fn named(document: &Value) -> String {
    format!("{}{}", document["metric"], document["labels"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_counted_for_its_run_and_kept_for_what_it_says() {
        let mut record = Record::default();
        let series = json!({"metric": "m", "labels": {"n": "1"}});
        let mut add = |kind: &str, document| record.add_document(kind, "r", document);
        add(
            "slacast.metadata.v1",
            json!({"as_of": "t", "metric": "m", "labels": {"n": "1"}}),
        );
        let violations = json!({"sla": SLA, "objective": {"id": "o"}, "as_of": "t", "series": series, "state": "ok"});
        add("slacast.violations.v1", violations);
        add("slacast.run.v1", json!({"run_id": "r", "messages": 2}));
        assert_eq!((record.messages, record.of_runs["r"]), (3, 2));
        assert_eq!(record.runs["r"]["messages"], 2);
        assert!(record.facts[&("metadata", "t".to_owned())].contains(r#""m"{"n":"1"}"#));
        assert_eq!(
            record.evaluations[&("o".to_owned(), "t".to_owned())].len(),
            1
        );
    }
}
