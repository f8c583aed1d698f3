//! A topic of Amazon SNS.

use aws::{Topic, TopicMessage};
use config::{AwsCredentials, ConfigError, Environment, SnsTopic};
use domain::alert::Fingerprint;

use super::failure::Attempt;

/// The topic.
#[derive(Debug)]
pub struct Sns {
    topic: Topic,
    fifo: bool,
    arn: String,
}

impl Sns {
    /// The topic, with the credentials of the environment.
    ///
    /// # Errors
    /// When a variable is absent or malformed.
    pub fn read(config: &SnsTopic, environment: &Environment) -> Result<Self, ConfigError> {
        let credentials = AwsCredentials::read(environment)?;
        Ok(Self {
            topic: Topic::read(&config.arn, &config.region, &credentials, environment)?,
            fifo: config.fifo,
            arn: config.arn.clone(),
        })
    }

    pub(super) fn address(&self) -> &str {
        &self.arn
    }

    /// Publishes a message. A topic that keeps an order keeps that of each alert, and takes a message once.
    pub async fn publish(&self, fingerprint: &Fingerprint, id: &str, body: &str) -> Attempt {
        let group = fingerprint.to_string();
        let message = TopicMessage {
            body,
            group: self.fifo.then_some(group.as_str()),
            deduplication: self.fifo.then_some(id),
        };
        match self.topic.publish(&message).await {
            Ok(status) if status.is_success() => Attempt::Taken(status.as_u16()),
            Ok(status) => Attempt::Failed {
                status: Some(status.as_u16()),
                error: format!("SNS answered {}", status.as_u16()),
                retry_after: None,
            },
            Err(error) => Attempt::failed(error.to_string()),
        }
    }
}
