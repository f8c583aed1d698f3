use secrecy::SecretString;
use url::Url;

use crate::{AwsCredentials, ConfigError, Environment};

/// Where Kafka is and how to log in.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// The brokers.
    pub brokers: Brokers,
    /// `KAFKA_TOPIC`, default `prometheusdata`.
    pub topic: String,
    /// `KAFKA_AUTH`.
    pub auth: KafkaAuth,
    /// `KAFKA_TLS`: `true` or `false`. Default: true, unless every broker is on loopback.
    pub tls: bool,
    /// `KAFKA_CA_FILE` or `KAFKA_CA_PEM`: certificates in PEM to trust besides the public roots.
    pub ca: Option<String>,
    /// `KAFKA_COMPRESSION`.
    pub compression: KafkaCompression,
}

/// How the brokers are found.
#[derive(Clone, Debug)]
pub enum Brokers {
    /// `KAFKA_BROKERS`: `host:port,host:port`.
    Addresses(String),
    /// `KAFKA_CLUSTER_ARN`: asked of MSK.
    Cluster(MskCluster),
}

/// A cluster of Amazon MSK, and what it takes to ask for its brokers.
#[derive(Clone, Debug)]
pub struct MskCluster {
    /// `KAFKA_CLUSTER_ARN`.
    pub arn: String,
    /// The region in the ARN.
    pub region: String,
    /// Where the API of MSK is, if it is not where AWS has it: `AWS_ENDPOINT_URL_KAFKA` or `AWS_ENDPOINT_URL`.
    pub endpoint: Option<Url>,
    /// Who asks.
    pub credentials: AwsCredentials,
}

/// `KAFKA_AUTH`.
#[derive(Clone, Debug)]
pub enum KafkaAuth {
    /// `none`, the default.
    None,
    /// `plain`, `scram-sha-256`, `scram` or `scram-sha-512`.
    Password {
        /// How the password is proved.
        mechanism: SaslMechanism,
        /// `KAFKA_USERNAME`.
        username: String,
        /// `KAFKA_PASSWORD`.
        password: SecretString,
    },
    /// `iam`: the function's role, as MSK has it (SASL/OAUTHBEARER).
    Iam {
        /// The cluster's region, or `AWS_REGION`.
        region: String,
        /// The role's.
        credentials: AwsCredentials,
    },
}

/// How a client proves that it knows its password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslMechanism {
    /// `plain`: by sending it. Needs TLS off loopback.
    Plain,
    /// `scram-sha-256`.
    ScramSha256,
    /// `scram` or `scram-sha-512`.
    ScramSha512,
}

/// `KAFKA_COMPRESSION`: how messages are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaCompression {
    /// `zstd`, the default.
    Zstd,
    /// `gzip`, for brokers that do not take zstd.
    Gzip,
    /// `none`.
    None,
}

impl SaslMechanism {
    /// As the protocol names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl KafkaConfig {
    /// Reads the `KAFKA_…` variables.
    ///
    /// # Errors
    /// When neither brokers nor a cluster are given, or a variable is malformed.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let brokers = match (
            environment.get("KAFKA_BROKERS"),
            environment.get("KAFKA_CLUSTER_ARN"),
        ) {
            (Some(addresses), _) => Brokers::Addresses(checked_addresses(addresses)?),
            (None, Some(arn)) => Brokers::Cluster(MskCluster::read(arn, environment)?),
            (None, None) => {
                return Err(ConfigError::new(
                    "KAFKA_BROKERS",
                    "is not set, nor is KAFKA_CLUSTER_ARN",
                ));
            }
        };
        let auth = KafkaAuth::read(environment, &brokers)?;
        let on_loopback = brokers.are_on_loopback();
        let tls = environment.parsed("KAFKA_TLS")?.unwrap_or(!on_loopback);
        if auth.sends_password() && !tls && !on_loopback {
            return Err(ConfigError::new(
                "KAFKA_TLS",
                "must not be false with KAFKA_AUTH=plain: the password would be readable on its way",
            ));
        }
        Ok(Self {
            topic: checked_topic(environment.get("KAFKA_TOPIC").unwrap_or("prometheusdata"))?,
            brokers,
            auth,
            tls,
            ca: environment.certificates("KAFKA")?,
            compression: KafkaCompression::read(environment)?,
        })
    }

    /// Brokers at `addresses` (`host:port,host:port`) that let everybody in, without TLS.
    pub fn open(addresses: &str, topic: &str) -> Self {
        Self {
            brokers: Brokers::Addresses(addresses.to_owned()),
            topic: topic.to_owned(),
            auth: KafkaAuth::None,
            tls: false,
            ca: None,
            compression: KafkaCompression::Zstd,
        }
    }
}

impl KafkaAuth {
    fn read(environment: &Environment, brokers: &Brokers) -> Result<Self, ConfigError> {
        let mechanism = match environment.get("KAFKA_AUTH").unwrap_or("none") {
            "none" => return Ok(Self::None),
            "iam" => {
                return Ok(Self::Iam {
                    region: match brokers {
                        Brokers::Cluster(cluster) => cluster.region.clone(),
                        Brokers::Addresses(_) => environment.required("AWS_REGION")?.to_owned(),
                    },
                    credentials: AwsCredentials::read(environment)?,
                });
            }
            "plain" => SaslMechanism::Plain,
            "scram-sha-256" => SaslMechanism::ScramSha256,
            "scram" | "scram-sha-512" => SaslMechanism::ScramSha512,
            _ => {
                return Err(ConfigError::new(
                    "KAFKA_AUTH",
                    "must be none, plain, scram-sha-256, scram (which is scram-sha-512) or iam",
                ));
            }
        };
        Ok(Self::Password {
            mechanism,
            username: environment.required("KAFKA_USERNAME")?.to_owned(),
            password: environment.secret("KAFKA_PASSWORD")?,
        })
    }

    fn sends_password(&self) -> bool {
        matches!(
            self,
            Self::Password {
                mechanism: SaslMechanism::Plain,
                ..
            }
        )
    }
}

impl KafkaCompression {
    fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let Some(name) = environment.get("KAFKA_COMPRESSION") else {
            return Ok(Self::Zstd);
        };
        [Self::Zstd, Self::Gzip, Self::None]
            .into_iter()
            .find(|compression| compression.name() == name)
            .ok_or_else(|| ConfigError::new("KAFKA_COMPRESSION", "must be zstd, gzip or none"))
    }

    /// As it is written, and as librdkafka names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::None => "none",
        }
    }
}

impl MskCluster {
    fn read(arn: &str, environment: &Environment) -> Result<Self, ConfigError> {
        let region = region_of_cluster(arn).ok_or_else(|| {
            ConfigError::new(
                "KAFKA_CLUSTER_ARN",
                "is not of the form arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/ID",
            )
        })?;
        let own = environment.http_url("AWS_ENDPOINT_URL_KAFKA")?;
        Ok(Self {
            arn: arn.to_owned(),
            region: region.to_owned(),
            endpoint: own.or(environment.http_url("AWS_ENDPOINT_URL")?),
            credentials: AwsCredentials::read(environment)?,
        })
    }
}

impl Brokers {
    fn are_on_loopback(&self) -> bool {
        let Self::Addresses(addresses) = self else {
            return false;
        };
        addresses.split(',').all(|address| {
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
            host == "localhost" || host == "[::1]" || host.starts_with("127.")
        })
    }
}

/// The region in the ARN of an MSK cluster.
fn region_of_cluster(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "kafka", region, _, cluster]
            if !region.is_empty() && cluster.starts_with("cluster/") =>
        {
            Some(region)
        }
        _ => None,
    }
}

fn checked_addresses(text: &str) -> Result<String, ConfigError> {
    let well_formed = text.split(',').all(|address| {
        address
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    });
    if !well_formed {
        return Err(ConfigError::new(
            "KAFKA_BROKERS",
            "is not of the form host:port,host:port",
        ));
    }
    Ok(text.to_owned())
}

/// Kafka's own rule for topic names.
fn checked_topic(text: &str) -> Result<String, ConfigError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.len() > 249 || text == "." || text == ".." || !text.chars().all(legal) {
        return Err(ConfigError::new(
            "KAFKA_TOPIC",
            "is not a topic name: 1 to 249 of A-Z a-z 0-9 . _ -",
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: (&str, &str) = ("KAFKA_CLUSTER_ARN", "arn:aws:kafka:eu-west-1:1:cluster/a/b");
    const KEY: (&str, &str) = ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    const SECRET_KEY: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "hunter2");

    fn read(variables: &[(&str, &str)]) -> Result<KafkaConfig, ConfigError> {
        KafkaConfig::read(&variables.iter().copied().collect())
    }

    #[test]
    fn tls_is_off_on_loopback_alone() {
        assert!(
            !read(&[("KAFKA_BROKERS", "127.0.0.1:9092,localhost:9093")])
                .unwrap()
                .tls
        );
        assert!(
            read(&[("KAFKA_BROKERS", "127.0.0.1:9092,broker:9093")])
                .unwrap()
                .tls
        );
        assert!(read(&[CLUSTER, KEY, SECRET_KEY]).unwrap().tls);
    }

    #[test]
    fn the_region_of_a_login_by_role_is_the_clusters() {
        let kafka = read(&[
            CLUSTER,
            KEY,
            SECRET_KEY,
            ("KAFKA_AUTH", "iam"),
            ("AWS_REGION", "us-east-1"),
        ])
        .unwrap();
        assert!(matches!(kafka.auth, KafkaAuth::Iam { region, .. } if region == "eu-west-1"));
    }

    #[test]
    fn a_login_by_password_has_its_mechanism() {
        for (auth, name) in [
            ("plain", "PLAIN"),
            ("scram-sha-256", "SCRAM-SHA-256"),
            ("scram", "SCRAM-SHA-512"),
            ("scram-sha-512", "SCRAM-SHA-512"),
        ] {
            let kafka = read(&[
                ("KAFKA_BROKERS", "broker:9093"),
                ("KAFKA_AUTH", auth),
                ("KAFKA_USERNAME", "user"),
                ("KAFKA_PASSWORD", "hunter2"),
            ])
            .unwrap();
            assert!(!format!("{kafka:?}").contains("hunter2"));
            let KafkaAuth::Password { mechanism, .. } = kafka.auth else {
                panic!("{auth} has no mechanism");
            };
            assert_eq!(mechanism.name(), name);
        }
    }

    #[test]
    fn a_password_is_sent_without_tls_on_loopback_alone() {
        let with = |brokers| {
            read(&[
                ("KAFKA_BROKERS", brokers),
                ("KAFKA_AUTH", "plain"),
                ("KAFKA_USERNAME", "user"),
                ("KAFKA_PASSWORD", "hunter2"),
                ("KAFKA_TLS", "false"),
            ])
        };
        assert!(with("127.0.0.1:9092").is_ok());
        assert_eq!(with("broker:9092").unwrap_err().variable, "KAFKA_TLS");
    }

    #[test]
    fn messages_are_compressed_by_zstd_unless_another_way_is_named() {
        let compression = |more: &[(&str, &str)]| {
            let variables = [&[("KAFKA_BROKERS", "b:1")], more].concat();
            read(&variables).unwrap().compression
        };
        assert_eq!(compression(&[]), KafkaCompression::Zstd);
        for (name, expected) in [
            ("zstd", KafkaCompression::Zstd),
            ("gzip", KafkaCompression::Gzip),
            ("none", KafkaCompression::None),
        ] {
            assert_eq!(compression(&[("KAFKA_COMPRESSION", name)]), expected);
        }
    }

    #[test]
    fn a_bad_variable_is_named() {
        let brokers = ("KAFKA_BROKERS", "b:1");
        for (variables, named) in [
            (vec![], "KAFKA_BROKERS"),
            (vec![("KAFKA_BROKERS", "b")], "KAFKA_BROKERS"),
            (vec![("KAFKA_CLUSTER_ARN", "b")], "KAFKA_CLUSTER_ARN"),
            (
                vec![("KAFKA_CLUSTER_ARN", "arn:aws:s3:::bucket")],
                "KAFKA_CLUSTER_ARN",
            ),
            (vec![CLUSTER], "AWS_ACCESS_KEY_ID"),
            (vec![CLUSTER, KEY], "AWS_SECRET_ACCESS_KEY"),
            (
                vec![CLUSTER, KEY, SECRET_KEY, ("AWS_ENDPOINT_URL", "moon")],
                "AWS_ENDPOINT_URL",
            ),
            (vec![brokers, ("KAFKA_AUTH", "iam")], "AWS_REGION"),
            (
                vec![brokers, ("KAFKA_AUTH", "iam"), ("AWS_REGION", "eu-west-1")],
                "AWS_ACCESS_KEY_ID",
            ),
            (vec![brokers, ("KAFKA_TOPIC", "a b")], "KAFKA_TOPIC"),
            (vec![brokers, ("KAFKA_TLS", "maybe")], "KAFKA_TLS"),
            (vec![brokers, ("KAFKA_AUTH", "kerberos")], "KAFKA_AUTH"),
            (
                vec![brokers, ("KAFKA_COMPRESSION", "lz4")],
                "KAFKA_COMPRESSION",
            ),
            (
                vec![brokers, ("KAFKA_CA_FILE", "/absent.pem")],
                "KAFKA_CA_FILE",
            ),
            (
                vec![brokers, ("KAFKA_CA_PEM", "no certificate")],
                "KAFKA_CA_PEM",
            ),
            (vec![brokers, ("KAFKA_AUTH", "scram")], "KAFKA_USERNAME"),
            (
                vec![brokers, ("KAFKA_AUTH", "scram"), ("KAFKA_USERNAME", "u")],
                "KAFKA_PASSWORD",
            ),
        ] {
            assert_eq!(read(&variables).unwrap_err().variable, named);
        }
    }
}
