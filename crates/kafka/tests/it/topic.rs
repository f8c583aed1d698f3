use std::time::{Duration, SystemTime, UNIX_EPOCH};

use config::KafkaConfig;
use kafka::{Publisher, Topic};
use rdkafka::{
    ClientConfig, Message,
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
};

use super::{config, publish, record, variable};

fn open() -> (KafkaConfig, String) {
    let brokers = variable("KAFKA_BROKERS");
    (config(&[("KAFKA_BROKERS", &brokers)]), brokers)
}

fn admin(brokers: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .unwrap()
}

fn patient() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)))
}

/// Creates a topic that takes records no older than that.
async fn checking(brokers: &str, topic: &str, oldest: Duration) {
    let oldest = oldest.as_millis().to_string();
    let new = NewTopic::new(topic, 1, TopicReplication::Fixed(1))
        .set("message.timestamp.before.max.ms", &oldest);
    let created = admin(brokers).create_topics([&new], &patient()).await;
    for topic in created.unwrap() {
        topic.unwrap();
    }
}

#[tokio::test]
async fn a_topic_is_created_once_with_what_it_keeps() {
    let (config, brokers) = open();
    let topic = Topic::new(config.clone(), brokers.clone());
    assert!(topic.create(2, None).await.unwrap());
    assert!(!topic.create(2, None).await.unwrap());
    let described = admin(&brokers)
        .describe_configs([&ResourceSpecifier::Topic(&config.topic)], &patient())
        .await;
    let described = described.unwrap().remove(0).unwrap();
    for (name, value) in [
        ("max.message.bytes", "4194304"),
        ("retention.ms", "259200000"),
        // One broker has one replica.
        ("min.insync.replicas", "1"),
    ] {
        let entry = described.get(name).unwrap();
        assert_eq!(entry.value.as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_record_carries_the_time_of_sending() {
    let (config, brokers) = open();
    checking(&brokers, &config.topic, Duration::from_secs(3600)).await;
    let since_epoch = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let before = since_epoch();
    assert_eq!(
        publish(&Publisher::new(&config, &brokers).unwrap(), 1).await,
        1
    );
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("group.id", &config.topic)
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[&config.topic]).unwrap();
    // A poll may come back empty for what is not a record, such as partitions being assigned.
    let record = std::iter::repeat_with(|| consumer.poll(Duration::from_secs(10)))
        .take(12)
        .flatten()
        .next()
        .unwrap()
        .unwrap();
    let sent = record.timestamp().to_millis().unwrap();
    let sent = Duration::from_millis(sent.try_into().unwrap());
    assert!(sent + Duration::from_millis(1) >= before && sent <= since_epoch());
}

#[tokio::test]
async fn a_timestamp_that_is_refused_is_a_refusal_and_kafka_is_not_away() {
    let (config, brokers) = open();
    checking(&brokers, &config.topic, Duration::ZERO).await;
    let publisher = Publisher::new(&config, &brokers).unwrap();
    let mut publication = publisher.publication();
    publication.send(record("a")).await;
    let published = publication.finish().await.unwrap();
    let [refusal] = &published.refused[..] else {
        panic!("{published:?}")
    };
    assert_eq!(refusal.key, "a");
}
