//! Why nothing was published.

use config::{KafkaCompression, KafkaConfig};
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
    /// The broker knows another compression alone.
    #[error("the broker does not take {0}: set KAFKA_COMPRESSION")]
    Compression(&'static str),
    /// One producer after the other failed for good.
    #[error("Kafka fails every producer for good: {0}")]
    Fatal(String),
}

impl KafkaUnreachable {
    /// What `error` says of a record that was sent by `config`.
    pub(crate) fn of(error: KafkaError, config: &KafkaConfig) -> Self {
        use RDKafkaErrorCode::{
            TopicAuthorizationFailed, UnknownPartition, UnknownTopic, UnknownTopicOrPartition,
            UnsupportedCompressionType, UnsupportedForMessageFormat,
        };
        match error.rdkafka_error_code() {
            Some(
                code @ (TopicAuthorizationFailed
                | UnknownPartition
                | UnknownTopic
                | UnknownTopicOrPartition),
            ) => Self::Topic(config.topic.clone(), code),
            Some(UnsupportedCompressionType | UnsupportedForMessageFormat)
                if config.compression != KafkaCompression::None =>
            {
                Self::Compression(config.compression.name())
            }
            _ => Self::Away(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: RDKafkaErrorCode, compression: KafkaCompression) -> String {
        let config = KafkaConfig {
            compression,
            ..KafkaConfig::open("b:1", "records")
        };
        KafkaUnreachable::of(KafkaError::MessageProduction(code), &config).to_string()
    }

    #[test]
    fn a_topic_that_cannot_be_written_is_no_kafka_that_is_away() {
        use RDKafkaErrorCode::{
            MessageTimedOut, TopicAuthorizationFailed, UnknownTopic, UnknownTopicOrPartition,
        };
        for code in [
            TopicAuthorizationFailed,
            UnknownTopic,
            UnknownTopicOrPartition,
        ] {
            let expected = format!("the topic records cannot be written: {code}");
            assert_eq!(said(code, KafkaCompression::Zstd), expected);
        }
        let away = said(MessageTimedOut, KafkaCompression::Zstd);
        assert!(away.starts_with("Kafka cannot be reached: "), "{away}");
    }

    #[test]
    fn a_compression_that_a_broker_does_not_take_comes_with_what_to_set() {
        use RDKafkaErrorCode::{UnsupportedCompressionType, UnsupportedForMessageFormat};
        for code in [UnsupportedCompressionType, UnsupportedForMessageFormat] {
            assert_eq!(
                said(code, KafkaCompression::Zstd),
                "the broker does not take zstd: set KAFKA_COMPRESSION"
            );
            // What is not compressed is refused for something else.
            let plain = said(code, KafkaCompression::None);
            assert!(plain.starts_with("Kafka cannot be reached: "), "{plain}");
        }
    }
}
