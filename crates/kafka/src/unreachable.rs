//! Why nothing was published.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Kafka cannot be reached, does not let the topic be written, or did not acknowledge in time.
#[derive(Debug, thiserror::Error)]
pub enum KafkaUnreachable {
    /// Nobody answers, or not in time.
    #[error("Kafka cannot be reached: {0}")]
    Away(KafkaError),
    /// The topic is not there, or not for this login.
    #[error("the topic {0} cannot be written: {1}")]
    Topic(String, RDKafkaErrorCode),
    /// One producer after the other failed for good.
    #[error("Kafka fails every producer for good: {0}")]
    Fatal(String),
}

impl KafkaUnreachable {
    /// What `error` says of a record for `topic`.
    pub(crate) fn of(error: KafkaError, topic: &str) -> Self {
        use RDKafkaErrorCode::{
            TopicAuthorizationFailed, UnknownPartition, UnknownTopic, UnknownTopicOrPartition,
        };
        match error.rdkafka_error_code() {
            Some(
                code @ (TopicAuthorizationFailed
                | UnknownPartition
                | UnknownTopic
                | UnknownTopicOrPartition),
            ) => Self::Topic(topic.to_owned(), code),
            _ => Self::Away(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_cannot_be_written_is_no_kafka_that_is_away() {
        use RDKafkaErrorCode::{
            MessageTimedOut, TopicAuthorizationFailed, UnknownTopic, UnknownTopicOrPartition,
        };
        let said = |code| {
            let error = KafkaError::MessageProduction(code);
            KafkaUnreachable::of(error, "records").to_string()
        };
        for code in [
            TopicAuthorizationFailed,
            UnknownTopic,
            UnknownTopicOrPartition,
        ] {
            let expected = format!("the topic records cannot be written: {code}");
            assert_eq!(said(code), expected);
        }
        let away = said(MessageTimedOut);
        assert!(away.starts_with("Kafka cannot be reached: "), "{away}");
    }
}
