//! Logging in to Kafka.

use std::{error::Error, time::SystemTime};

use aws::KafkaToken;
use config::{AwsCredentials, ExposeSecret, KafkaAuth, KafkaConfig};
use rdkafka::{
    ClientConfig, ClientContext,
    client::OAuthToken,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
};

/// How a client of Kafka shows who it is. A token of a role lasts 15 minutes: librdkafka asks for the next one in time.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// Whose token, and the region of the cluster.
    role: Option<(AwsCredentials, String)>,
}

impl Login {
    /// The login that `auth` says.
    pub(crate) fn new(auth: &KafkaAuth) -> Self {
        Self {
            role: match auth {
                KafkaAuth::Iam {
                    region,
                    credentials,
                } => Some((credentials.clone(), region.clone())),
                KafkaAuth::None | KafkaAuth::Scram { .. } => None,
            },
        }
    }

    /// What every client needs, to be created with this login as its context.
    pub(crate) fn client(&self, config: &KafkaConfig, brokers: &str) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", brokers)
            .set("client.id", "slacast-etl")
            .set("security.protocol", config.security_protocol());
        match &config.auth {
            KafkaAuth::None => {}
            KafkaAuth::Scram { username, password } => {
                client
                    .set("sasl.mechanism", "SCRAM-SHA-512")
                    .set("sasl.username", username)
                    .set("sasl.password", password.expose_secret());
            }
            KafkaAuth::Iam { .. } => {
                client.set("sasl.mechanism", "OAUTHBEARER");
            }
        }
        client
    }
}

impl ClientContext for Login {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let Some((credentials, region)) = &self.role else {
            return Err("this login has no token".into());
        };
        let token = KafkaToken::sign(credentials, region, SystemTime::now())?;
        Ok(OAuthToken {
            token: token.value,
            principal_name: String::new(),
            lifetime_ms: token.expires_ms,
        })
    }

    /// A broker that is away is told by the message that is not acknowledged; a login that is refused by nobody else.
    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Authentication) => {
                tracing::error!(reason, "Kafka refuses the login: see KAFKA_AUTH");
            }
            _ => tracing::warn!(%error, reason, "Kafka"),
        }
    }

    /// Errors come by [`ClientContext::error`] too.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, message, "librdkafka");
    }
}
