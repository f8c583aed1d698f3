//! What is asked of the API of MSK: the brokers of a cluster, and a topic.

mod transport;

use anyhow::Context as _;
use aws_sdk_kafka::config::{BehaviorVersion, Config, Credentials, Region};
use base64::{Engine, engine::general_purpose::STANDARD};
use config::{AwsCredentials, Brokers, ExposeSecret, KafkaAuth, KafkaConfig, MskCluster};
use transport::Transport;

/// The bootstrap addresses: as configured, or asked of MSK.
///
/// # Errors
/// When MSK cannot be asked, or the cluster has no listener for the configured login.
pub async fn bootstrap(config: &KafkaConfig) -> anyhow::Result<String> {
    let cluster = match &config.brokers {
        Brokers::Addresses(addresses) => return Ok(addresses.clone()),
        Brokers::Cluster(cluster) => cluster,
    };
    let arn = &cluster.arn;
    let answer = client(cluster)?
        .get_bootstrap_brokers()
        .cluster_arn(arn)
        .send()
        .await
        .with_context(|| format!("KAFKA_CLUSTER_ARN: MSK does not name the brokers of {arn}"))?;
    let addresses = match (&config.auth, config.tls) {
        (KafkaAuth::None, false) => answer.bootstrap_broker_string(),
        (KafkaAuth::None, true) => answer.bootstrap_broker_string_tls(),
        (KafkaAuth::Password { .. }, _) => answer.bootstrap_broker_string_sasl_scram(),
        (KafkaAuth::Iam { .. }, _) => answer.bootstrap_broker_string_sasl_iam(),
    };
    addresses.map(str::to_owned).with_context(|| {
        format!("KAFKA_CLUSTER_ARN: {arn} has no listener for this KAFKA_AUTH and KAFKA_TLS")
    })
}

/// Creates a topic by the API of MSK; false if it is there already.
///
/// # Errors
/// When MSK cannot be asked or refuses.
pub(crate) async fn create_topic(
    cluster: &MskCluster,
    topic: &str,
    partitions: i32,
    replication: i32,
    properties: &[(&str, String)],
) -> anyhow::Result<bool> {
    let arn = &cluster.arn;
    // As Kafka's own files of properties have them, a line each.
    let lines: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let answer = client(cluster)?
        .create_topic()
        .configs(STANDARD.encode(lines.join("\n")))
        .cluster_arn(arn)
        .topic_name(topic)
        .partition_count(partitions)
        .replication_factor(replication)
        .send()
        .await;
    match answer {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_topic_exists_exception()) =>
        {
            Ok(false)
        }
        Err(error) => {
            Err(error).with_context(|| format!("MSK does not create the topic {topic} at {arn}"))
        }
    }
}

fn client(cluster: &MskCluster) -> anyhow::Result<aws_sdk_kafka::Client> {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(cluster.region.clone()))
        .credentials_provider(credentials(&cluster.credentials))
        .http_client(Transport::new()?);
    if let Some(endpoint) = &cluster.endpoint {
        config = config.endpoint_url(endpoint.as_str());
    }
    Ok(aws_sdk_kafka::Client::from_conf(config.build()))
}

fn credentials(of: &AwsCredentials) -> Credentials {
    let token = of.session_token.as_ref();
    Credentials::new(
        &of.access_key_id,
        of.secret_access_key.expose_secret(),
        token.map(|token| token.expose_secret().to_owned()),
        None,
        "environment",
    )
}
