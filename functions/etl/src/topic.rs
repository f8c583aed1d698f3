//! Creating the topic: what a deployment asks for once, by a direct invocation with `{"prepare": "topic"}`.

use std::time::Duration;

use config::{Brokers, KafkaAuth, KafkaConfig};
use domain::message::LARGEST_MESSAGE;
use lambda_runtime::Diagnostic;
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    error::{KafkaError, RDKafkaErrorCode},
};
use serde_json::{Value, json};

use crate::{brokers, login::Login};

/// The topic that this function writes.
#[derive(Clone, Debug)]
pub struct Topic {
    config: KafkaConfig,
    brokers: String,
}

/// A topic that is not there and cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// The request is invalid.
    #[error("{0}: is not a number from 1 to {1}")]
    Number(&'static str, i32),
    /// With the role alone a topic is created by the API of MSK, which wants to know the cluster.
    #[error("KAFKA_CLUSTER_ARN: is not set, so that no topic can be created with KAFKA_AUTH=iam")]
    NoCluster,
    /// MSK is away, or refuses.
    #[error("{0:#}")]
    Msk(anyhow::Error),
    /// Kafka is away, or refuses the login.
    #[error("the topic cannot be created: {0}")]
    Kafka(#[from] KafkaError),
    /// Kafka refuses.
    #[error("Kafka does not create the topic {0}: {1}")]
    Refused(String, RDKafkaErrorCode),
}

impl From<TopicError> for Diagnostic {
    fn from(error: TopicError) -> Self {
        let kind = match &error {
            TopicError::Number(..) | TopicError::NoCluster => "InvalidRequest",
            TopicError::Kafka(_) => "KafkaAway",
            TopicError::Refused(..) | TopicError::Msk(_) => "KafkaRefused",
        };
        Self {
            error_type: kind.to_owned(),
            error_message: error.to_string(),
        }
    }
}

const PARTITIONS: i32 = 4;
const MOST_PARTITIONS: i32 = 1000;
/// What MSK has by default where it spreads its brokers over three zones.
const REPLICATION: i32 = 3;
const MOST_REPLICATION: i32 = 15;
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether an event asks for the topic.
pub fn is_asked_for(event: &Value) -> bool {
    event["prepare"] == "topic"
}

impl Topic {
    /// The topic of `config` at `brokers`.
    pub fn new(config: KafkaConfig, brokers: String) -> Self {
        Self { config, brokers }
    }

    /// Creates the topic with the `partitions` of the event, 4 if it says nothing, unless it is there; one that is there
    /// stays as it is. Its replication is what the brokers do by default; of an MSK cluster that is logged in to by role it
    /// is the event's `replication`, 3 if it says nothing.
    ///
    /// # Errors
    /// When a number is none, Kafka is away or refuses.
    pub async fn prepare(&self, event: &Value) -> Result<Value, TopicError> {
        let partitions = number(event, "partitions", PARTITIONS, MOST_PARTITIONS)?;
        let replication = number(event, "replication", REPLICATION, MOST_REPLICATION)?;
        let topic = &self.config.topic;
        let created = match (&self.config.auth, &self.config.brokers) {
            // librdkafka's admin client never asks for the token of a role.
            (KafkaAuth::Iam { .. }, Brokers::Cluster(cluster)) => {
                brokers::create_topic(cluster, topic, partitions, replication)
                    .await
                    .map_err(TopicError::Msk)?
            }
            (KafkaAuth::Iam { .. }, Brokers::Addresses(_)) => return Err(TopicError::NoCluster),
            _ => self.create(partitions).await?,
        };
        Ok(json!({"topic": topic, "created": created}))
    }

    /// Has the brokers create it; false if it is there already.
    async fn create(&self, partitions: i32) -> Result<bool, TopicError> {
        let login = Login::new(&self.config.auth);
        let client = login.client(&self.config, &self.brokers);
        let admin: AdminClient<Login> = client.create_with_context(login)?;
        let largest = LARGEST_MESSAGE.to_string();
        let new = NewTopic::new(&self.config.topic, partitions, TopicReplication::Fixed(-1))
            .set("max.message.bytes", &largest);
        let options = AdminOptions::new()
            .request_timeout(Some(PATIENCE))
            .operation_timeout(Some(PATIENCE));
        let mut created = true;
        for result in admin.create_topics([&new], &options).await? {
            match result {
                Ok(_) => {}
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => created = false,
                Err((topic, code)) => return Err(TopicError::Refused(topic, code)),
            }
        }
        Ok(created)
    }
}

fn number(event: &Value, name: &'static str, default: i32, most: i32) -> Result<i32, TopicError> {
    match &event[name] {
        Value::Null => Ok(default),
        given => given
            .as_i64()
            .and_then(|number| i32::try_from(number).ok())
            .filter(|number| (1..=most).contains(number))
            .ok_or(TopicError::Number(name, most)),
    }
}
