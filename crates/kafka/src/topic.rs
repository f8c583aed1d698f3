//! The topic and what it keeps.

use std::time::Duration;

#[cfg(feature = "msk")]
use config::Brokers;
use config::{KafkaAuth, KafkaConfig};
use domain::message::LARGEST_MESSAGE;
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    error::{KafkaError, RDKafkaErrorCode},
};

use crate::{client::client, login::Login};

/// The topic of a configuration.
#[derive(Clone, Debug)]
pub struct Topic {
    config: KafkaConfig,
    brokers: String,
}

/// A topic that is not there and cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// With the role alone a topic is created by the API of MSK, which wants to know the cluster.
    #[error(
        "KAFKA_CLUSTER_ARN: is not set; with KAFKA_AUTH=iam a topic is created by the API of MSK alone"
    )]
    NoCluster,
    /// MSK is away, or refuses.
    #[cfg(feature = "msk")]
    #[error("{0:#}")]
    Msk(anyhow::Error),
    /// Kafka is away, or refuses the login.
    #[error("the topic cannot be created: {0}")]
    Kafka(#[from] KafkaError),
    /// Kafka refuses.
    #[error("Kafka does not create the topic {0}: {1}")]
    Refused(String, RDKafkaErrorCode),
}

/// How long records are kept: as long as storage or the database may be away before something is lost.
const RETENTION: Duration = Duration::from_secs(3 * 24 * 3600);
/// From so many replicas on, a record is acknowledged only once it is in two of them.
const REPLICAS_FOR_TWO_IN_SYNC: i32 = 3;
/// What MSK has by default where it spreads its brokers over three zones.
#[cfg(feature = "msk")]
const REPLICATION_OF_MSK: i32 = 3;
const PATIENCE: Duration = Duration::from_secs(20);

impl Topic {
    /// The topic of `config` at `brokers`.
    pub fn new(config: KafkaConfig, brokers: String) -> Self {
        Self { config, brokers }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.topic
    }

    /// Creates the topic unless it exists; false if it does, and then it stays as it is. It takes messages of 4 MiB and
    /// keeps them for 3 d. Without `replication` it has as many replicas as the brokers make by default; in an MSK cluster
    /// that is logged in to by role, 3.
    ///
    /// # Errors
    /// When Kafka or MSK is away or refuses.
    pub async fn create(
        &self,
        partitions: i32,
        replication: Option<i32>,
    ) -> Result<bool, TopicError> {
        match (&self.config.auth, &self.config.brokers) {
            // librdkafka's admin client never asks for the token of a role.
            #[cfg(feature = "msk")]
            (KafkaAuth::Iam { .. }, Brokers::Cluster(cluster)) => {
                let replication = replication.unwrap_or(REPLICATION_OF_MSK);
                let properties = properties(Some(replication));
                crate::msk::create_topic(cluster, self.name(), partitions, replication, &properties)
                    .await
                    .map_err(TopicError::Msk)
            }
            (KafkaAuth::Iam { .. }, _) => Err(TopicError::NoCluster),
            _ => self.ask_brokers(partitions, replication).await,
        }
    }

    async fn ask_brokers(
        &self,
        partitions: i32,
        replication: Option<i32>,
    ) -> Result<bool, TopicError> {
        let client = client(&self.config, &self.brokers);
        let admin: AdminClient<Login> =
            client.create_with_context(Login::new(&self.config.auth))?;
        let options = AdminOptions::new()
            .request_timeout(Some(PATIENCE))
            .operation_timeout(Some(PATIENCE));
        let replicas = match replication {
            Some(replication) => Some(replication),
            None => default_replication(&admin, &options).await,
        };
        let properties = properties(replicas);
        let replication = TopicReplication::Fixed(replication.unwrap_or(-1));
        let new = NewTopic::new(self.name(), partitions, replication);
        let new = properties
            .iter()
            .fold(new, |new, (name, value)| new.set(name, value));
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

/// How many replicas the brokers make where nobody says; `None` if they do not say either.
async fn default_replication(admin: &AdminClient<Login>, options: &AdminOptions) -> Option<i32> {
    let metadata = admin.inner().fetch_metadata(None, PATIENCE).ok()?;
    let broker = ResourceSpecifier::Broker(metadata.brokers().first()?.id());
    let described = admin.describe_configs([&broker], options).await.ok()?;
    let broker = described.into_iter().next()?.ok()?;
    let replication = broker.get("default.replication.factor")?;
    replication.value.as_deref()?.parse().ok()
}

/// What a topic with so many replicas is created with.
fn properties(replicas: Option<i32>) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        ("max.message.bytes", LARGEST_MESSAGE.to_string()),
        ("retention.ms", RETENTION.as_millis().to_string()),
    ];
    if replicas.is_some_and(|replicas| replicas >= REPLICAS_FOR_TWO_IN_SYNC) {
        properties.push(("min.insync.replicas", "2".to_owned()));
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_replicas_acknowledge_where_there_are_three() {
        let minimum = |replicas| {
            let properties = properties(replicas);
            properties
                .into_iter()
                .find(|(name, _)| *name == "min.insync.replicas")
                .map(|(_, value)| value)
        };
        assert_eq!(minimum(None), None);
        assert_eq!(minimum(Some(1)), None);
        assert_eq!(minimum(Some(2)), None);
        assert_eq!(minimum(Some(3)).as_deref(), Some("2"));
    }
}
