//! What was published: the topic, read from its beginning by a consumer of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
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
    load::{SLA, UNREADABLE},
};

/// The partition and the offset of a record.
pub(super) type Place = (i32, i64);

/// The messages of a topic, as far as they are compared.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) messages: u64,
    /// Records that can never be stored.
    pub(super) unreadable: BTreeSet<Place>,
    /// The messages of each run beside its own record, by the run's id.
    pub(super) of_runs: BTreeMap<String, u64>,
    /// The runs' own records, by id.
    pub(super) runs: BTreeMap<String, Value>,
    /// The facts about series, each once: the route that returns them, the time, and the series with its labels.
    pub(super) facts: BTreeMap<(&'static str, String), BTreeSet<String>>,
    /// The evaluations of the SLA by objective and time, each as what its runs said.
    pub(super) evaluations: BTreeMap<(String, String), BTreeMap<String, BTreeSet<Entry>>>,
}

const PATIENCE: Duration = Duration::from_secs(30);

impl Record {
    /// Reads what is on the topic now.
    ///
    /// # Errors
    /// When the topic cannot be read.
    pub(super) fn read(brokers: &str, topic: &str) -> Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("broker.address.family", "v4")
            .set("group.id", "soak-checker")
            .set("enable.auto.commit", "false")
            .create()?;
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
        let partitions = metadata.topics().first().context("there is no topic")?;
        let (mut list, mut ends) = (TopicPartitionList::new(), BTreeMap::new());
        for partition in partitions.partitions() {
            let (low, high) = consumer.fetch_watermarks(topic, partition.id(), PATIENCE)?;
            if low < high {
                ends.insert(partition.id(), high);
                list.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
            }
        }
        consumer.assign(&list)?;
        let mut record = Self::default();
        let mut read = Instant::now();
        while !ends.is_empty() {
            let message = match consumer.poll(PATIENCE) {
                Some(Ok(message)) => message,
                // The client connects again by itself.
                Some(Err(_)) if read.elapsed() < PATIENCE => continue,
                Some(Err(error)) => return Err(error).context("reading the topic"),
                None => bail!("the topic cannot be read to its end: {ends:?} are left"),
            };
            read = Instant::now();
            record.add(&message);
            if ends.get(&message.partition()) == Some(&(message.offset() + 1)) {
                ends.remove(&message.partition());
            }
        }
        Ok(record)
    }

    fn add(&mut self, message: &BorrowedMessage<'_>) {
        let header = |name: &str| {
            let headers = message.headers().into_iter().flat_map(Headers::iter);
            let mut found = headers.filter(|header| header.key == name);
            let value = found.next().and_then(|header| header.value)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        if header(UNREADABLE).is_some() {
            let place = (message.partition(), message.offset());
            self.unreadable.insert(place);
            return;
        }
        let document = serde_json::from_slice(message.payload().unwrap_or_default());
        self.add_document(
            &header("ce_type").unwrap_or_default(),
            &header("ce_run").unwrap_or_default(),
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
            "slacast.metrics.v1" => Some("metrics"),
            "slacast.metadata.v1" => Some("metadata"),
            "slacast.prediction.v1" => Some("predict"),
            _ => None,
        };
        *self.of_runs.entry(run.to_owned()).or_default() += 1;
        let as_of = text(&document["as_of"]);
        if let Some(route) = route {
            let facts = self.facts.entry((route, as_of)).or_default();
            match document["windows"].as_array() {
                Some(windows) => facts.extend(windows.iter().map(|window| {
                    let mut row = document.clone();
                    row["window"] = window["window"].clone();
                    named(&row)
                })),
                None => {
                    facts.insert(named(&document));
                }
            }
        } else if kind == "slacast.violations.v1"
            && document["sla"] == SLA
            && document["objective"]["events"].is_null()
        {
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
            let of_run = evaluation.entry(run.to_owned()).or_default();
            of_run.insert(Entry { labels, state });
        }
    }

    /// What was published of an objective at a time, by the runs whose own records were published too.
    pub(super) fn whole<'a>(
        &'a self,
        objective: &str,
        as_of: &str,
    ) -> impl Iterator<Item = &'a BTreeSet<Entry>> {
        let key = (objective.to_owned(), as_of.to_owned());
        let of_runs = self.evaluations.get(&key).into_iter().flatten();
        of_runs
            .filter(|(run, _)| self.runs.contains_key(*run))
            .map(|(_, entries)| entries)
    }

    /// The newest time that a run had.
    pub(super) fn newest(&self) -> Option<&str> {
        let times = self.runs.values().filter_map(|run| run["as_of"].as_str());
        times.max()
    }
}

/// A series as documents and answers have it.
pub(super) fn named(document: &Value) -> String {
    let window = document["window"].as_str().unwrap_or_default();
    format!("{}{}{window}", document["metric"], document["labels"])
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
        let whole = |record: &Record| record.whole("o", "t").count();
        assert_eq!(whole(&record), 0);
        let run = json!({"run_id": "r", "messages": 2, "as_of": "t"});
        record.add_document("slacast.run.v1", "r", run);
        assert_eq!((record.messages, record.of_runs["r"]), (3, 2));
        assert_eq!(record.runs["r"]["messages"], 2);
        assert!(record.facts[&("metadata", "t".to_owned())].contains(r#""m"{"n":"1"}"#));
        assert_eq!(whole(&record), 1);
        assert_eq!(record.newest(), Some("t"));
    }
}
