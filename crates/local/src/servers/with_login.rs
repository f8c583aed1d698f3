use std::{env, fs, net::Ipv4Addr, path::Path};

use ::kafka::answers;
use anyhow::{Context, Result};
use config::{KafkaAuth, KafkaConfig, SaslMechanism};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, SanType,
};

use super::{
    PATIENCE,
    apache_kafka::{self, Listener},
    maven,
};
use crate::{
    command::on_path, data::DataDirectory, files, process::Supervised, progress::Progress,
};

/// A Kafka that asks who is there, for the tests of the login: Apache Kafka with SASL on loopback, without TLS and with a
/// certificate of a CA of its own.
#[derive(Debug)]
pub(crate) struct KafkaWithLogin {
    /// `host:port,…`, without TLS.
    pub(crate) brokers: String,
    /// Who may come in.
    pub(crate) username: String,
    /// And how to prove it.
    pub(crate) password: String,
    /// `host:port,…`, with TLS.
    tls_brokers: String,
    /// The file of the CA that signed its certificate.
    ca_file: String,
    _process: Option<Supervised>,
}

/// A new name where its users change: they are written down when a broker is formatted.
const NAME: &str = "kafka-with-logins";
const USER: &str = "slacast";
const VARIABLES: [&str; 5] = [
    "KAFKA_LOGIN_BROKERS",
    "KAFKA_LOGIN_USERNAME",
    "KAFKA_LOGIN_PASSWORD",
    "KAFKA_LOGIN_TLS_BROKERS",
    "KAFKA_LOGIN_CA_FILE",
];

impl KafkaWithLogin {
    /// The one that the environment names, else one of our own.
    ///
    /// # Errors
    /// When there is neither Java nor Maven, or it does not start.
    pub(crate) async fn start(
        data: &DataDirectory,
        software: &Path,
        progress: &Progress,
    ) -> Result<Self> {
        if let [
            Ok(brokers),
            Ok(username),
            Ok(password),
            Ok(tls_brokers),
            Ok(ca_file),
        ] = VARIABLES.map(env::var)
        {
            return Ok(Self {
                brokers,
                username,
                password,
                tls_brokers,
                ca_file,
                _process: None,
            });
        }
        let java = maven::java().await;
        let java = java.with_context(|| missing("Java 17 or later is not on PATH"))?;
        let libraries = maven::kafka_directory(software);
        if !libraries.exists() {
            let maven = on_path(&["mvn"]).with_context(|| missing("mvn is not on PATH"))?;
            maven::kafka(&maven, software, &libraries, progress).await?;
        }
        let step = progress.step("Kafka with a login");
        step.at("starting");
        let (port, tls_port) = (data.port(NAME)?, data.port(&format!("{NAME}-tls"))?);
        let password = data.password()?;
        let ca_file = data.path(&format!("{NAME}-ca.pem"));
        let key_store = data.path(&format!("{NAME}-key.pem"));
        if !key_store.exists() {
            certify(&ca_file, &key_store)?;
        }
        let listener = Listener::for_user(port, USER, password.clone(), tls_port, key_store);
        let launch = apache_kafka::launch(NAME, data, &java, &libraries, &listener).await?;
        let (brokers, tls_brokers) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{tls_port}"));
        let config = KafkaConfig {
            auth: KafkaAuth::Password {
                mechanism: SaslMechanism::ScramSha512,
                username: USER.to_owned(),
                password: password.as_str().into(),
            },
            ..KafkaConfig::open(&brokers, "")
        };
        let (process, ()) = launch
            .start()?
            .ready(PATIENCE, async || answers(&config, &brokers).await)
            .await?;
        step.done(&format!("{} on {brokers}", maven::KAFKA_VERSION));
        Ok(Self {
            brokers,
            username: USER.to_owned(),
            password,
            tls_brokers,
            ca_file: ca_file.display().to_string(),
            _process: Some(process),
        })
    }

    /// The variables by which tests find it.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let values = [
            &self.brokers,
            &self.username,
            &self.password,
            &self.tls_brokers,
            &self.ca_file,
        ];
        VARIABLES.into_iter().zip(values.map(String::as_str))
    }
}

/// Makes a CA and writes its certificate to `ca_file`, and a key with a certificate for this machine's loopback to
/// `key_store`.
fn certify(ca_file: &Path, key_store: &Path) -> Result<()> {
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Two certificates of one name would count as one that signed itself.
    ca.distinguished_name = named("slacast test CA");
    let ca_certificate = ca.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate()?;
    let mut own = CertificateParams::new(vec!["localhost".to_owned()])?;
    own.distinguished_name = named(NAME);
    own.subject_alt_names
        .push(SanType::IpAddress(Ipv4Addr::LOCALHOST.into()));
    let certificate = own.signed_by(&key, &issuer)?;
    fs::write(ca_file, ca_certificate.pem())?;
    files::write(key_store, &(key.serialize_pem() + &certificate.pem()))?;
    Ok(())
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn missing(what: &str) -> String {
    format!("{what}, and {} do not name a Kafka", VARIABLES.join(", "))
}
