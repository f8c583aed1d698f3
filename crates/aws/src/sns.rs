//! SNS: one call, `Publish`.

use std::time::Duration;

use config::{AwsCredentials, ConfigError, Environment};
use http::StatusCode;
use url::{Url, form_urlencoded::Serializer};

use crate::{
    Signer,
    endpoint::endpoint,
    request::{RequestError, SHORT, post},
};

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    arn: String,
    signer: Signer,
    url: Url,
}

/// A message to a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicMessage<'a> {
    /// What subscribers get.
    pub body: &'a str,
    /// Of a FIFO topic: messages of one group keep their order.
    pub group: Option<&'a str>,
    /// Of a FIFO topic: of messages with one of these the first counts, for 5 minutes.
    pub deduplication: Option<&'a str>,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Topic {
    /// The topic of that ARN in a region, reached where AWS has SNS or where `AWS_ENDPOINT_URL_SNS` or `AWS_ENDPOINT_URL`
    /// say.
    ///
    /// # Errors
    /// When a variable is malformed.
    pub fn read(
        arn: &str,
        region: &str,
        credentials: &AwsCredentials,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            arn: arn.to_owned(),
            signer: Signer::new(credentials, region, "sns"),
            url: endpoint("sns", region, environment)?,
        })
    }

    /// Publishes a message, and returns the status of the answer.
    ///
    /// # Errors
    /// When SNS cannot be asked.
    pub async fn publish(&self, message: &TopicMessage<'_>) -> Result<StatusCode, RequestError> {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let body = self.form(message).into_bytes();
        let answer = post(&self.signer, &self.url, &headers, body, PATIENCE, SHORT).await?;
        Ok(answer.status())
    }

    /// The request's parameters.
    fn form(&self, message: &TopicMessage<'_>) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", "Publish")
            .append_pair("Version", "2010-03-31")
            .append_pair("TopicArn", &self.arn)
            .append_pair("Message", message.body);
        for (name, value) in [
            ("MessageGroupId", message.group),
            ("MessageDeduplicationId", message.deduplication),
        ] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        form.finish()
    }
}
