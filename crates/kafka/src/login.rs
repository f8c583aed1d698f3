//! Logging in to Kafka.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use aws::KafkaToken;
use config::{AwsCredentials, KafkaAuth};
use rdkafka::{
    ClientContext,
    client::OAuthToken,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
};

/// How a client of Kafka shows who it is. A token of a role lasts 15 minutes: librdkafka asks for the next one in time.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// Whose token, and the region of the cluster.
    role: Option<(AwsCredentials, String)>,
    is_refused: Arc<AtomicBool>,
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
                KafkaAuth::None | KafkaAuth::Password { .. } => None,
            },
            is_refused: Arc::default(),
        }
    }

    /// Whether a broker has refused it, now and later.
    pub(crate) fn is_refused(&self) -> Arc<AtomicBool> {
        self.is_refused.clone()
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

    /// That a broker is away is known from the message that is not acknowledged; that a login is refused, from here alone.
    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Authentication) => {
                self.is_refused.store(true, Ordering::Relaxed);
                tracing::error!(reason, "Kafka refuses the login: see KAFKA_AUTH");
            }
            Some(RDKafkaErrorCode::SSL) => tracing::error!(
                reason,
                "no TLS with Kafka: see KAFKA_TLS, and KAFKA_CA_FILE for a certificate that is not trusted"
            ),
            _ => tracing::warn!(%error, reason, "Kafka"),
        }
    }

    /// Errors come by [`ClientContext::error`] too.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, message, "librdkafka");
    }
}
