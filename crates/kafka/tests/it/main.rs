//! Topics and records on real brokers, found in `KAFKA_BROKERS` and `KAFKA_LOGIN_…`, and on those that librdkafka brings.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fatal;
mod login;
mod topic;

use config::{Environment, KafkaConfig};
use kafka::{Publisher, Record};
use uuid::Uuid;

/// The value of a variable that `cargo local test` sets.
fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run the tests with `cargo local test`"))
}

/// The configuration that these variables give, with a topic of its own.
fn config(variables: &[(&str, &str)]) -> KafkaConfig {
    let topic = format!("kafka-test-{}", Uuid::new_v4());
    let own = [("KAFKA_TOPIC", topic.as_str())];
    let environment: Environment = variables.iter().copied().chain(own).collect();
    KafkaConfig::read(&environment).unwrap()
}

fn record(key: &str) -> Record {
    Record {
        key: key.to_owned(),
        partition: None,
        id: format!("run/{key}"),
        headers: vec![("ce_type", "slacast.run.v1".to_owned())],
        value: b"{}".to_vec(),
    }
}

/// Publishes records with the keys `0`, `1`, … and says how many were acknowledged.
async fn publish(publisher: &Publisher, count: usize) -> u64 {
    let mut publication = publisher.publication();
    for key in 0..count {
        publication.send(record(&key.to_string())).await;
    }
    publication.finish().await.unwrap().messages
}
