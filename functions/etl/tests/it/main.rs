//! Runs against a real Prometheus, a real Kafka and a real database, found in `PROMETHEUS_URL`, `KAFKA_BROKERS` and
//! `DATABASE_URL`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod cloud;
mod deadline;
mod evaluated;
mod events;
mod pushed;
mod queries;
mod replay;
mod schema;
mod scoring;
mod servers;
mod sharding;
mod together;
mod trial;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::Utc;
use config::{Bounds, DatabaseConfig, Environment, ExposeSecret, KafkaConfig, PrometheusConfig};
use domain::{
    Timestamp,
    message::{Encoding, RunDocument},
};
use etl::{
    deadline::Deadline,
    message::Message as EtlMessage,
    metrics_file::{self, Metric},
    objectives::Objectives,
    order::Order,
    prometheus::Prometheus,
    request::RunRequest,
    run::{Etl, RunError},
    scoring::Scoring,
    subject::Trigger,
};
use kafka::Publisher;
use rdkafka::{
    ClientConfig, Message as _,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer},
    message::Headers,
};
use store::testing::TestDatabase;
use uuid::Uuid;

use pushed::Fleet;

/// The environment the tests run in, with some variables set to something else.
fn environment(instead: &[(&str, &str)]) -> Environment {
    for variable in ["PROMETHEUS_URL", "KAFKA_BROKERS", "DATABASE_URL"] {
        assert!(
            std::env::var(variable).is_ok(),
            "{variable} is not set: run the tests with `cargo local test`"
        );
    }
    let own = std::env::vars().filter(|(name, _)| !instead.iter().any(|(other, _)| name == other));
    let instead = instead
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    own.chain(instead).collect()
}

fn metrics(text: &str) -> Vec<Arc<Metric>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    metrics_file::load(file.path())
        .unwrap()
        .into_iter()
        .map(Arc::new)
        .collect()
}

/// An etl that writes a topic of its own.
async fn etl(text: &str, instead: &[(&str, &str)]) -> (Etl, String) {
    etl_with_topic(text, instead, &[]).await
}

/// The same, with settings of that topic.
async fn etl_with_topic(
    text: &str,
    instead: &[(&str, &str)],
    settings: &[(&str, &str)],
) -> (Etl, String) {
    let environment = environment(instead);
    let kafka = KafkaConfig::read(&environment).unwrap();
    let brokers = environment.required("KAFKA_BROKERS").unwrap();
    let topic = format!("etl-test-{}", Uuid::new_v4());
    let kafka = KafkaConfig {
        topic: topic.clone(),
        ..kafka
    };
    if !instead.iter().any(|(name, _)| *name == "KAFKA_BROKERS") {
        let admin: AdminClient<_> = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .create()
            .unwrap();
        let new = NewTopic::new(&topic, 3, TopicReplication::Fixed(1));
        let new = settings
            .iter()
            .fold(new, |new, (key, value)| new.set(key, value));
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
        for created in admin.create_topics(&[new], &options).await.unwrap() {
            created.unwrap();
        }
    }
    let database = DatabaseConfig::read(&environment).unwrap();
    let store = store::connect(database.url.expose_secret()).unwrap();
    let etl = Etl {
        keeps_history: true,
        encoding: Encoding::Json,
        metrics: metrics(text),
        prometheus: Prometheus::new(&PrometheusConfig::read(&environment).unwrap()).unwrap(),
        objectives: Objectives::new(store.clone()),
        scoring: Scoring::new(store.clone()),
        order: Order::new(store),
        publisher: Publisher::new(&kafka, brokers).unwrap(),
        settle: Duration::from_secs(5),
        interval: Duration::from_secs(30),
        bounds: Bounds::default(),
        queries_allowed: true,
        measured: aws::Metrics::default(),
    };
    (etl, topic)
}

/// Some message.
fn message() -> EtlMessage {
    EtlMessage::of_run(&RunDocument {
        run_id: Uuid::new_v4().to_string(),
        as_of: moment_ago(),
        started_at: Utc::now().into(),
        trigger: Trigger::Invoke,
        series: 0,
        samples: 0,
        bytes: 0,
        messages: 0,
        failures: Vec::new(),
        stages: Vec::new(),
        warnings: Vec::new(),
        partial: false,
        evaluated: Vec::new(),
    })
}

/// A record without what differs from run to run.
#[derive(Debug, PartialEq)]
struct Record {
    key: String,
    headers: BTreeMap<String, String>,
    value: String,
}

/// Reads the topic from its beginning.
fn consumer(topic: &str) -> BaseConsumer {
    let brokers = std::env::var("KAFKA_BROKERS").unwrap();
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", topic)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    consumer
}

/// Everything on the topic, by event id; of an id told twice, both.
fn records(topic: &str, wanted: usize) -> BTreeMap<String, Vec<Record>> {
    let consumer = consumer(topic);
    let mut records = BTreeMap::<String, Vec<Record>>::new();
    for _ in 0..wanted {
        let record = next(&consumer);
        let headers = record.headers().unwrap().iter();
        let mut headers: BTreeMap<String, String> = headers
            .map(|header| {
                (
                    header.key.to_owned(),
                    String::from_utf8(header.value.unwrap().to_vec()).unwrap(),
                )
            })
            .collect();
        headers.remove("ce_run").unwrap();
        let found = Record {
            key: String::from_utf8(record.key().unwrap().to_vec()).unwrap(),
            value: String::from_utf8(record.payload().unwrap().to_vec()).unwrap(),
            headers,
        };
        records
            .entry(found.headers["ce_id"].clone())
            .or_default()
            .push(found);
    }
    records
}

/// The next record. A poll may come back empty for what is not a record, such as partitions being assigned.
fn next(consumer: &BaseConsumer) -> rdkafka::message::BorrowedMessage<'_> {
    let started = std::time::Instant::now();
    loop {
        match consumer.poll(Duration::from_secs(1)) {
            Some(record) => return record.unwrap(),
            None => assert!(
                started.elapsed() < Duration::from_secs(60),
                "a record is missing"
            ),
        }
    }
}

fn moment_ago() -> Timestamp {
    (Timestamp::from(Utc::now()) - Duration::from_secs(5)).floor_to_second()
}

#[tokio::test]
async fn the_same_instant_gives_the_same_bytes() {
    assert_the_same_bytes(&Fleet::push().await.metrics(), &[]).await;
}

/// Two runs at one instant publish the same, their own records aside.
async fn assert_the_same_bytes(text: &str, instead: &[(&str, &str)]) {
    let (etl, topic) = etl(text, instead).await;
    let request = RunRequest::everything(moment_ago());
    let mut published = 0;
    for _ in 0..2 {
        let document = etl
            .run(&request, Trigger::Invoke, Deadline::default())
            .await
            .unwrap();
        assert!(document.series > 0, "{document:?}");
        assert!(document.messages >= 3 * document.series);
        assert!(document.bytes > 0);
        published += document.messages as usize + 1;
    }
    let records = records(&topic, published);
    let (runs, facts): (Vec<_>, Vec<_>) = records
        .into_values()
        .partition(|told| told[0].headers["ce_type"].contains(".run."));
    assert_eq!(runs.len(), 2);
    for told in facts {
        let [once, again] = &told[..] else {
            panic!("told {} times: {}", told.len(), told[0].key)
        };
        assert_eq!(once, again);
    }
}

#[tokio::test]
async fn a_query_that_prometheus_refuses_is_a_failure_and_the_rest_goes_on() {
    let text = format!(
        "{}[[metric]]\nname = \"broken\"\nquery = 'label_replace(up, \"a\", \"b\", \"c\", \"(\")'\n",
        Fleet::push().await.metrics()
    );
    let (etl, _) = etl(&text, &[]).await;
    let document = etl
        .run(
            &RunRequest::everything(moment_ago()),
            Trigger::Invoke,
            Deadline::default(),
        )
        .await
        .unwrap();
    let failure = document
        .failures
        .iter()
        .find(|failure| failure.metric.as_deref() == Some("broken"))
        .unwrap();
    assert!(failure.reason.contains("refuses"), "{failure:?}");
    assert!(document.series > 0);
}

#[tokio::test]
async fn a_run_without_prometheus_is_published_with_its_failure() {
    // Of its own, where no forecast waits for a score.
    let database = TestDatabase::create().await;
    let instead = [
        ("PROMETHEUS_URL", "http://127.0.0.1:1"),
        ("DATABASE_URL", database.url()),
    ];
    let (etl, topic) = etl(&Fleet::push().await.metrics(), &instead).await;
    let outcome = etl
        .run(
            &RunRequest::everything(moment_ago()),
            Trigger::Invoke,
            Deadline::default(),
        )
        .await;
    assert!(
        matches!(outcome, Err(RunError::PrometheusAway(_))),
        "{outcome:?}"
    );
    let records = records(&topic, 1);
    let (_, told) = records.first_key_value().unwrap();
    assert!(
        told[0].value.contains("Prometheus cannot be reached"),
        "{}",
        told[0].value
    );
}

#[tokio::test]
async fn a_run_without_kafka_is_an_error_that_says_so() {
    let (etl, _) = etl(
        &Fleet::push().await.metrics(),
        &[("KAFKA_BROKERS", "127.0.0.1:1")],
    )
    .await;
    let outcome = etl
        .run(
            &RunRequest::everything(moment_ago()),
            Trigger::Invoke,
            Deadline::default(),
        )
        .await;
    assert!(
        matches!(outcome, Err(RunError::KafkaAway(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_run_without_the_database_judges_nothing_and_says_so() {
    let (etl, _) = etl(
        &Fleet::push().await.metrics(),
        &[("DATABASE_URL", "mysql://nobody@127.0.0.1:1/nothing")],
    )
    .await;
    let document = etl
        .run(
            &RunRequest::everything(moment_ago()),
            Trigger::Invoke,
            Deadline::default(),
        )
        .await
        .unwrap();
    assert!(document.series > 0);
    let failure = document
        .failures
        .iter()
        .find(|failure| failure.stage == "objectives")
        .unwrap();
    assert!(
        failure.reason.contains("judges no objective"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_record_that_is_too_large_is_published_with_fewer_failures() {
    // Of its own, where no forecast waits for a score.
    let database = TestDatabase::create().await;
    let broken = || {
        let name = format!("a{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        format!(
            "[[metric]]\nname = \"{name}\"\nquery = 'label_replace(up, \"a\", \"b\", \"c\", \"(\")'\n"
        )
    };
    let text: String = (0..300).map(|_| broken()).collect();
    let instead = [("DATABASE_URL", database.url())];
    let small = [("max.message.bytes", "4096")];
    let (etl, topic) = etl_with_topic(&text, &instead, &small).await;
    let request = RunRequest::everything(moment_ago());
    let run = etl.run(&request, Trigger::Invoke, Deadline::default());
    let document = run.await.unwrap();
    assert_eq!(document.failures.len(), 10);
    let records = records(&topic, 1);
    let (_, published) = records.first_key_value().unwrap();
    let published: RunDocument = serde_json::from_str(&published[0].value).unwrap();
    assert_eq!(published, document);
}
