//! Creating the topic: what a deployment asks for once, by a direct invocation with `{"prepare": "topic"}`.

use std::time::Duration;

use config::KafkaConfig;
use lambda_runtime::Diagnostic;
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    error::{KafkaError, RDKafkaErrorCode},
};
use serde_json::{Value, json};

use crate::login::Login;

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
    #[error("partitions: is not a number from 1 to {MOST_PARTITIONS}")]
    Partitions,
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
            TopicError::Partitions => "InvalidRequest",
            TopicError::Kafka(_) => "KafkaAway",
            TopicError::Refused(..) => "KafkaRefused",
        };
        Self {
            error_type: kind.to_owned(),
            error_message: error.to_string(),
        }
    }
}

const PARTITIONS: i32 = 4;
const MOST_PARTITIONS: i32 = 1000;
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
    /// stays as it is. Its replication is what the brokers do by default.
    ///
    /// # Errors
    /// When the number is none, Kafka is away or refuses.
    pub async fn prepare(&self, event: &Value) -> Result<Value, TopicError> {
        let partitions = match &event["partitions"] {
            Value::Null => PARTITIONS,
            given => given
                .as_i64()
                .and_then(|number| i32::try_from(number).ok())
                .filter(|number| (1..=MOST_PARTITIONS).contains(number))
                .ok_or(TopicError::Partitions)?,
        };
        let login = Login::new(&self.config.auth);
        let client = login.client(&self.config, &self.brokers);
        let admin: AdminClient<Login> = client.create_with_context(login)?;
        let new = NewTopic::new(&self.config.topic, partitions, TopicReplication::Fixed(-1));
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
        Ok(json!({"topic": self.config.topic, "created": created}))
    }
}
