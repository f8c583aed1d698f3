//! Who learns of alerts, and how.

pub mod address;
mod alertmanager;
mod failure;
pub mod resolver;
mod sns;
mod webhook;

use std::{fmt::Write, sync::Arc, time::Duration};

use config::{AlertConfig, ConfigError, Environment, SNS};
use domain::{Timestamp, alert::Fingerprint};
use reqwest::{Client, Url, redirect::Policy};
use sha2::{Digest, Sha256};
use store::alert::KnownReceiver;

pub use alertmanager::{Alertmanager, PostedAlert};
pub use failure::Attempt;
pub use sns::Sns;
pub use webhook::Webhook;

use address::Allowed;
use resolver::{Judging, Lookup};

/// The receivers of an instance.
#[derive(Debug)]
pub struct Receivers {
    /// Every replica.
    pub alertmanagers: Vec<Alertmanager>,
    /// The webhooks.
    pub webhooks: Vec<Webhook>,
    /// The topic.
    pub sns: Option<Sns>,
}

/// Receivers that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum InvalidReceivers {
    /// A variable is absent or malformed.
    #[error(transparent)]
    Variable(#[from] ConfigError),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[from] reqwest::Error),
}

/// Somebody who gets each change by itself.
#[derive(Clone, Copy, Debug)]
pub enum Messaged<'a> {
    /// A webhook.
    Webhook(&'a Webhook),
    /// The topic.
    Sns(&'a Sns),
}

const TIME_OUT: Duration = Duration::from_secs(10);

impl Receivers {
    /// Those of the configuration; names are looked up by `lookup`.
    ///
    /// # Errors
    /// When the topic's credentials are absent.
    pub fn new(
        config: &AlertConfig,
        environment: &Environment,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, InvalidReceivers> {
        let allowed = match config.allow_private {
            true => Allowed::Private,
            false => Allowed::Public,
        };
        let of_webhooks = config.webhooks.iter().map(|own| &own.url);
        let of_webhooks = client(of_webhooks, lookup.clone(), allowed)?;
        let of_alertmanagers = config.alertmanagers.iter().map(|own| &own.url);
        let of_alertmanagers = client(of_alertmanagers, lookup, Allowed::Private)?;
        let webhooks = config.webhooks.iter().cloned();
        let alertmanagers = config.alertmanagers.iter().cloned();
        let sns = config.sns_topic.as_ref();
        Ok(Self {
            alertmanagers: alertmanagers
                .map(|own| {
                    let auth = config.alertmanager_auth.clone();
                    Alertmanager::new(own, auth, of_alertmanagers.clone())
                })
                .collect(),
            webhooks: webhooks
                .map(|own| Webhook::new(own, of_webhooks.clone(), allowed))
                .collect(),
            sns: sns.map(|topic| Sns::read(topic, environment)).transpose()?,
        })
    }

    /// Those that get each change by itself.
    pub fn messaged(&self) -> Vec<Messaged<'_>> {
        let webhooks = self.webhooks.iter().map(Messaged::Webhook);
        webhooks.chain(self.sns.iter().map(Messaged::Sns)).collect()
    }

    /// All of them, as the database knows them.
    pub fn known(&self) -> Vec<KnownReceiver> {
        let alertmanagers = self.alertmanagers.iter();
        let alertmanagers = alertmanagers.map(|own| (own.name(), own.address()));
        let messaged = self.messaged().into_iter();
        let messaged = messaged.map(|own| (own.name(), own.address()));
        alertmanagers
            .chain(messaged)
            .map(|(name, address)| KnownReceiver {
                name: name.to_owned(),
                address: digest(address),
            })
            .collect()
    }
}

impl<'a> Messaged<'a> {
    /// Its name.
    pub fn name(self) -> &'a str {
        match self {
            Self::Webhook(webhook) => webhook.name(),
            Self::Sns(_) => SNS,
        }
    }

    fn address(self) -> &'a str {
        match self {
            Self::Webhook(webhook) => webhook.address(),
            Self::Sns(sns) => sns.address(),
        }
    }

    /// Whether it gets the watchdog.
    pub fn has_watchdog(self) -> bool {
        matches!(self, Self::Webhook(webhook) if webhook.has_watchdog())
    }

    /// Sends one message.
    pub async fn send(
        self,
        fingerprint: &Fingerprint,
        id: &str,
        body: &str,
        now: Timestamp,
    ) -> Attempt {
        match self {
            Self::Webhook(webhook) => webhook.send(id, body, now).await,
            Self::Sns(sns) => sns.publish(fingerprint, id, body).await,
        }
    }
}

/// A client for these addresses that follows nobody, asks no proxy, and connects to addresses alone that are allowed.
fn client<'a>(
    addresses: impl Iterator<Item = &'a Url>,
    lookup: Arc<dyn Lookup>,
    allowed: Allowed,
) -> Result<Client, reqwest::Error> {
    http_client::direct_to(addresses)
        .redirect(Policy::none())
        .timeout(TIME_OUT)
        .dns_resolver(Arc::new(Judging { lookup, allowed }))
        .user_agent(concat!("slacast/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// SHA-256 of an address, which may be a secret.
fn digest(address: &str) -> String {
    let mut digits = String::new();
    for byte in Sha256::digest(address) {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
