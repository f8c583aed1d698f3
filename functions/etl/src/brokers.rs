//! Finding the brokers of an MSK cluster.

use anyhow::Context as _;
use config::{Brokers, KafkaAuth, KafkaConfig};

/// The bootstrap addresses: as configured, or asked of MSK.
///
/// # Errors
/// When MSK cannot be asked, or the cluster has no listener for the configured login.
pub async fn bootstrap(config: &KafkaConfig) -> anyhow::Result<String> {
    let arn = match &config.brokers {
        Brokers::Addresses(addresses) => return Ok(addresses.clone()),
        Brokers::Cluster(arn) => arn,
    };
    let aws = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let answer = aws_sdk_kafka::Client::new(&aws)
        .get_bootstrap_brokers()
        .cluster_arn(arn)
        .send()
        .await
        .with_context(|| format!("KAFKA_CLUSTER_ARN: MSK does not tell the brokers of {arn}"))?;
    let addresses = match (&config.auth, config.tls) {
        (KafkaAuth::None, false) => answer.bootstrap_broker_string(),
        (KafkaAuth::None, true) => answer.bootstrap_broker_string_tls(),
        (KafkaAuth::Scram { .. }, _) => answer.bootstrap_broker_string_sasl_scram(),
        (KafkaAuth::Iam { .. }, _) => answer.bootstrap_broker_string_sasl_iam(),
    };
    addresses.map(str::to_owned).with_context(|| {
        format!("KAFKA_CLUSTER_ARN: {arn} has no listener for this KAFKA_AUTH and KAFKA_TLS")
    })
}
