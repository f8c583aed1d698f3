use std::{collections::BTreeSet, time::Duration};

use config::{KafkaCompression, KafkaConfig};
use kafka::{KafkaUnreachable, Publisher};
use rdkafka::{
    ClientConfig, Message,
    consumer::{BaseConsumer, Consumer},
    mocking::MockCluster,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};

use super::{publish, record};

const TOPIC: &str = "records";

/// The keys of all records on the topic, until `wanted` of them are there.
fn keys(brokers: &str, wanted: usize) -> BTreeSet<String> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "test")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[TOPIC]).unwrap();
    let mut keys = BTreeSet::new();
    while keys.len() < wanted {
        if let Some(record) = consumer.poll(Duration::from_secs(60)) {
            let key = record.unwrap().key().unwrap().to_vec();
            keys.insert(String::from_utf8(key).unwrap());
        }
    }
    keys
}

#[tokio::test]
async fn a_fatal_error_of_the_producer_loses_no_record_and_ends_no_later_run() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    let config = KafkaConfig::open(&brokers, TOPIC);
    let publisher = Publisher::new(&config, &brokers).unwrap();
    assert_eq!(publish(&publisher, 1).await, 1);

    // What a broker answers that has lost its data.
    let lost = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    cluster.request_errors(RDKafkaApiKey::Produce, &[lost]);
    let mut publication = publisher.publication();
    for key in 1..100 {
        publication.send(record(&key.to_string())).await;
    }
    assert_eq!(publication.finish().await.unwrap().messages, 99);

    assert_eq!(publish(&publisher, 1).await, 1);
    assert_eq!(keys(&brokers, 100).len(), 100);
}

#[tokio::test]
async fn a_broker_on_which_every_producer_fails_is_away_and_says_why() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    let config = KafkaConfig::open(&brokers, TOPIC);
    let publisher = Publisher::new(&config, &brokers).unwrap();
    let lost = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    cluster.request_errors(RDKafkaApiKey::Produce, &[lost; 20]);
    let mut publication = publisher.publication();
    publication.send(record("a")).await;
    let error = publication.finish().await.unwrap_err();
    // Not "Fatal", which is the error of every record that is sent to such a producer.
    let why = "ProduceRequest for records";
    assert!(
        matches!(&error, KafkaUnreachable::Fatal(reason) if reason.contains(why)),
        "{error}"
    );

    cluster.clear_request_errors(RDKafkaApiKey::Produce);
    assert_eq!(publish(&publisher, 1).await, 1);
}

#[tokio::test]
async fn a_broker_that_does_not_take_zstd_says_so_and_takes_gzip_or_nothing() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    let config = KafkaConfig::open(&brokers, TOPIC);
    for refused in [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE,
    ] {
        let publisher = Publisher::new(&config, &brokers).unwrap();
        cluster.request_errors(RDKafkaApiKey::Produce, &[refused]);
        let mut publication = publisher.publication();
        publication.send(record("a")).await;
        let error = publication.finish().await.unwrap_err().to_string();
        assert_eq!(
            error,
            "the broker does not take zstd: set KAFKA_COMPRESSION"
        );
    }
    for compression in [KafkaCompression::Gzip, KafkaCompression::None] {
        let config = KafkaConfig {
            compression,
            ..config.clone()
        };
        let publisher = Publisher::new(&config, &brokers).unwrap();
        assert_eq!(publish(&publisher, 3).await, 3);
    }
}

#[tokio::test]
async fn a_topic_that_a_login_may_not_write_is_named() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    let config = KafkaConfig::open(&brokers, TOPIC);
    let publisher = Publisher::new(&config, &brokers).unwrap();
    let forbidden = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.request_errors(RDKafkaApiKey::Produce, &[forbidden]);
    let mut publication = publisher.publication();
    publication.send(record("a")).await;
    let error = publication.finish().await.unwrap_err().to_string();
    assert!(
        error.starts_with("the topic records cannot be written: TopicAuthorizationFailed"),
        "{error}"
    );
}
