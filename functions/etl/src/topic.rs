//! Creating the topic: what a deployment asks for once, by a direct invocation with `{"prepare": "topic"}`.

use kafka::{Topic, TopicError};
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

/// Why the topic is not prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The request is invalid.
    #[error("{0}: must be a number from 1 to {1}")]
    Number(&'static str, i32),
    /// The topic does not exist and cannot be created.
    #[error(transparent)]
    Topic(#[from] TopicError),
}

impl From<PrepareError> for Diagnostic {
    fn from(error: PrepareError) -> Self {
        let kind = match &error {
            PrepareError::Number(..) | PrepareError::Topic(TopicError::NoCluster) => {
                "InvalidRequest"
            }
            PrepareError::Topic(TopicError::Kafka(_)) => "KafkaAway",
            PrepareError::Topic(_) => "KafkaRefused",
        };
        Self {
            error_type: kind.to_owned(),
            error_message: error.to_string(),
        }
    }
}

const PARTITIONS: i32 = 4;
const MOST_PARTITIONS: i32 = 1000;
const MOST_REPLICATION: i32 = 15;

/// Whether an event asks for the topic.
pub fn is_asked_for(event: &Value) -> bool {
    event["prepare"] == "topic"
}

/// Creates the topic with the `partitions` of the event, 4 by default, and its `replication`, by default what
/// [`Topic::create`] says, unless it exists; one that exists stays as it is.
///
/// # Errors
/// When a number is out of range, Kafka is away or refuses.
pub async fn prepare(topic: &Topic, event: &Value) -> Result<Value, PrepareError> {
    let partitions = number(event, "partitions", MOST_PARTITIONS)?.unwrap_or(PARTITIONS);
    let replication = number(event, "replication", MOST_REPLICATION)?;
    let created = topic.create(partitions, replication).await?;
    Ok(json!({"topic": topic.name(), "created": created}))
}

fn number(event: &Value, name: &'static str, most: i32) -> Result<Option<i32>, PrepareError> {
    match &event[name] {
        Value::Null => Ok(None),
        given => given
            .as_i64()
            .and_then(|number| i32::try_from(number).ok())
            .filter(|number| (1..=most).contains(number))
            .map(Some)
            .ok_or(PrepareError::Number(name, most)),
    }
}
