//! Who learns of alerts.

use std::{collections::BTreeSet, fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::Deserialize;
use url::Url;

use crate::{ConfigError, Environment};

/// The receivers of alerts. No form of it shows an address or a secret.
#[derive(Clone, Debug)]
pub struct AlertConfig {
    /// `ALERTMANAGER_URLS`: every replica.
    pub alertmanagers: Vec<AlertmanagerConfig>,
    /// `ALERTMANAGER_AUTH`: how to log in to each of them.
    pub alertmanager_auth: AlertmanagerAuth,
    /// `ALERT_WEBHOOKS`.
    pub webhooks: Vec<WebhookConfig>,
    /// `ALERT_SNS_TOPIC_ARN`.
    pub sns_topic: Option<SnsTopic>,
    /// `ALERT_HOLD`, default 1h: so long an alert stays at Alertmanager when nothing more comes. 1m to 7d.
    pub hold: Duration,
    /// `ALERT_ALLOW_PRIVATE`: whether webhooks may be at addresses that are not public.
    pub allow_private: bool,
    /// `PUBLIC_URL`: where people find the pages, without a `/` at its end.
    pub public_url: String,
}

/// An Alertmanager.
#[derive(Clone)]
pub struct AlertmanagerConfig {
    /// Host and port.
    pub name: String,
    /// What comes before `/api/v2/alerts`.
    pub url: Url,
}

/// How to log in to Alertmanagers.
#[derive(Clone, Debug)]
pub enum AlertmanagerAuth {
    /// Not at all.
    None,
    /// `ALERTMANAGER_USERNAME` and `ALERTMANAGER_PASSWORD`.
    Basic(String, SecretString),
    /// `ALERTMANAGER_TOKEN`.
    Bearer(SecretString),
}

/// A webhook.
#[derive(Clone)]
pub struct WebhookConfig {
    /// Its name, unique among all receivers.
    pub name: String,
    /// Where it is. It may be a secret itself.
    pub url: Url,
    /// What its messages are signed with, each; 24 to 64 bytes.
    pub secrets: Vec<SecretSlice<u8>>,
    /// Whether it gets the watchdog.
    pub watchdog: bool,
}

/// A topic of SNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnsTopic {
    /// The topic.
    pub arn: String,
    /// Where it is.
    pub region: String,
    /// Whether it keeps an order.
    pub fifo: bool,
}

impl fmt::Debug for AlertmanagerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AlertmanagerConfig")
            .field(&self.name)
            .finish()
    }
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebhookConfig").field(&self.name).finish()
    }
}

/// What the topic is called among the receivers.
pub const SNS: &str = "sns";

const MOST_RECEIVERS: usize = 100;
const LONGEST_NAME: usize = 200;
const SHORTEST_HOLD: Duration = Duration::from_secs(60);
const LONGEST_HOLD: Duration = Duration::from_secs(7 * 86_400);

impl AlertConfig {
    /// Reads the variables.
    ///
    /// # Errors
    /// When one is malformed, a webhook has no secret or one of another form, or two receivers have one name. The error names
    /// the receiver, and never shows an address or a secret.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let config = Self {
            alertmanagers: alertmanagers(environment)?,
            alertmanager_auth: auth(environment)?,
            webhooks: webhooks(environment)?,
            sns_topic: sns_topic(environment)?,
            hold: hold(environment)?,
            allow_private: environment.parsed("ALERT_ALLOW_PRIVATE")?.unwrap_or(false),
            public_url: public_url(environment)?,
        };
        config.check_names()?;
        Ok(config)
    }

    /// The names of all receivers.
    pub fn names(&self) -> Vec<&str> {
        let alertmanagers = self.alertmanagers.iter().map(|own| own.name.as_str());
        let webhooks = self.webhooks.iter().map(|own| own.name.as_str());
        let sns = self.sns_topic.iter().map(|_| SNS);
        alertmanagers.chain(webhooks).chain(sns).collect()
    }

    fn check_names(&self) -> Result<(), ConfigError> {
        let mut seen = BTreeSet::new();
        let names = self.names();
        if names.len() > MOST_RECEIVERS {
            let reason = format!("there are more than {MOST_RECEIVERS} receivers");
            return Err(ConfigError::new("ALERT_WEBHOOKS", reason));
        }
        match names.iter().find(|name| !seen.insert(**name)) {
            Some(name) => Err(ConfigError::new(
                "ALERT_WEBHOOKS",
                format!("two receivers have the name `{name}`"),
            )),
            None => Ok(()),
        }
    }
}

fn alertmanagers(environment: &Environment) -> Result<Vec<AlertmanagerConfig>, ConfigError> {
    let variable = "ALERTMANAGER_URLS";
    let urls = environment.get(variable).unwrap_or_default().split(',');
    urls.map(str::trim)
        .filter(|url| !url.is_empty())
        .enumerate()
        .map(|(place, url)| {
            let url = web_address(url).map_err(|reason| {
                ConfigError::new(variable, format!("address {} {reason}", place + 1))
            })?;
            let host = url.host_str().unwrap_or_default();
            let port = url.port_or_known_default().unwrap_or_default();
            Ok(AlertmanagerConfig {
                name: format!("{host}:{port}"),
                url,
            })
        })
        .collect()
}

fn auth(environment: &Environment) -> Result<AlertmanagerAuth, ConfigError> {
    match environment.get("ALERTMANAGER_AUTH") {
        None | Some("none") => Ok(AlertmanagerAuth::None),
        Some("basic") => Ok(AlertmanagerAuth::Basic(
            environment.required("ALERTMANAGER_USERNAME")?.to_owned(),
            environment.secret("ALERTMANAGER_PASSWORD")?,
        )),
        Some("bearer") => Ok(AlertmanagerAuth::Bearer(
            environment.secret("ALERTMANAGER_TOKEN")?,
        )),
        Some(_) => Err(ConfigError::new(
            "ALERTMANAGER_AUTH",
            "must be none, basic or bearer",
        )),
    }
}

/// An entry of `ALERT_WEBHOOKS` in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    url: String,
    #[serde(default)]
    secrets: Vec<String>,
    #[serde(default)]
    watchdog: bool,
}

const WEBHOOKS: &str = "ALERT_WEBHOOKS";

fn webhooks(environment: &Environment) -> Result<Vec<WebhookConfig>, ConfigError> {
    let Some(text) = environment.get(WEBHOOKS) else {
        return Ok(Vec::new());
    };
    if text.trim_start().starts_with('[') {
        // What serde says of a value shows it.
        let written: Vec<Written> = serde_json::from_str(text).map_err(|error| {
            let reason = format!(
                "must be a JSON list of {{name, url, secrets, watchdog}}; see line {} column {}",
                error.line(),
                error.column()
            );
            ConfigError::new(WEBHOOKS, reason)
        })?;
        return written.into_iter().map(webhook).collect();
    }
    let urls = text.split(',').map(str::trim).filter(|url| !url.is_empty());
    let secret = || {
        let variable = "ALERT_WEBHOOK_SECRET";
        let secret = environment.secret(variable)?;
        key(secret.expose_secret()).ok_or_else(|| ConfigError::new(variable, FORM))
    };
    urls.enumerate()
        .map(|(place, url)| {
            let url = web_address(url).map_err(|reason| {
                ConfigError::new(WEBHOOKS, format!("address {} {reason}", place + 1))
            })?;
            Ok(WebhookConfig {
                name: url.host_str().unwrap_or_default().to_owned(),
                url,
                secrets: vec![secret()?],
                watchdog: false,
            })
        })
        .collect()
}

fn webhook(written: Written) -> Result<WebhookConfig, ConfigError> {
    let Written {
        name,
        url,
        secrets,
        watchdog,
    } = written;
    let is_plain = |c: char| !c.is_control();
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
        let reason = format!("a name must have 1 to {LONGEST_NAME} bytes and no control character");
        return Err(ConfigError::new(WEBHOOKS, reason));
    }
    let about = |reason: &str| ConfigError::new(WEBHOOKS, format!("`{name}`: {reason}"));
    let url = web_address(&url).map_err(|reason| about(&format!("its url {reason}")))?;
    if secrets.is_empty() {
        return Err(about("it has no secret"));
    }
    let keys = secrets.iter().enumerate().map(|(place, secret)| {
        let wrong = || about(&format!("secret {} {FORM}", place + 1));
        key(secret).ok_or_else(wrong)
    });
    Ok(WebhookConfig {
        secrets: keys.collect::<Result<_, _>>()?,
        name: name.clone(),
        url,
        watchdog,
    })
}

const FORM: &str = "is not whsec_ and 24 to 64 bytes in base64";

/// The bytes of a secret as Standard Webhooks writes it.
fn key(secret: &str) -> Option<SecretSlice<u8>> {
    let encoded = secret.strip_prefix("whsec_")?;
    let bytes = STANDARD.decode(encoded).ok()?;
    (24..=64).contains(&bytes.len()).then(|| bytes.into())
}

fn web_address(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is no URL")?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("is not an http or https URL");
    }
    Ok(url)
}

fn sns_topic(environment: &Environment) -> Result<Option<SnsTopic>, ConfigError> {
    let variable = "ALERT_SNS_TOPIC_ARN";
    let Some(arn) = environment.get(variable) else {
        return Ok(None);
    };
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", _, "sns", region, _, name] = parts[..] else {
        return Err(ConfigError::new(
            variable,
            "is not of the form arn:aws:sns:REGION:ACCOUNT:NAME",
        ));
    };
    Ok(Some(SnsTopic {
        arn: arn.to_owned(),
        region: region.to_owned(),
        fifo: name.ends_with(".fifo"),
    }))
}

fn hold(environment: &Environment) -> Result<Duration, ConfigError> {
    let hold = environment.duration("ALERT_HOLD", Duration::from_secs(3600))?;
    if !(SHORTEST_HOLD..=LONGEST_HOLD).contains(&hold) {
        return Err(ConfigError::new("ALERT_HOLD", "is not from 1m to 7d"));
    }
    Ok(hold)
}

fn public_url(environment: &Environment) -> Result<String, ConfigError> {
    let url = environment.http_url("PUBLIC_URL")?;
    Ok(url.map_or_else(String::new, |url| {
        url.as_str().trim_end_matches('/').to_owned()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn read(variables: &[(&str, &str)]) -> Result<AlertConfig, ConfigError> {
        AlertConfig::read(&variables.iter().copied().collect())
    }

    #[test]
    fn nothing_set_means_no_receiver() {
        let config = read(&[]).unwrap();
        assert!(config.names().is_empty() && !config.allow_private);
        assert_eq!(config.hold, Duration::from_secs(3600));
    }

    #[test]
    fn receivers_have_the_names_they_were_given_or_their_hosts() {
        let config = read(&[
            (
                "ALERTMANAGER_URLS",
                "http://am-0:9093, https://am.example.com/prefix",
            ),
            (
                "ALERT_WEBHOOKS",
                "https://hooks.example.com/a?token=hunter2",
            ),
            ("ALERT_WEBHOOK_SECRET", SECRET),
            (
                "ALERT_SNS_TOPIC_ARN",
                "arn:aws:sns:eu-west-1:123456789012:alerts.fifo",
            ),
            ("PUBLIC_URL", "https://slacast.example.com/"),
        ])
        .unwrap();
        let names = [
            "am-0:9093",
            "am.example.com:443",
            "hooks.example.com",
            "sns",
        ];
        assert_eq!(config.names(), names);
        assert!(config.sns_topic.as_ref().unwrap().fifo);
        assert_eq!(config.public_url, "https://slacast.example.com");
        assert!(!format!("{config:?}").contains("hunter2"));
        let json = format!(
            r#"[{{"name":"ops","url":"https://h","secrets":["{SECRET}","{SECRET}"],"watchdog":true}}]"#
        );
        let config = read(&[("ALERT_WEBHOOKS", &json)]).unwrap();
        let [ops] = &config.webhooks[..] else {
            panic!("{config:?}");
        };
        assert_eq!(
            (ops.name.as_str(), ops.secrets.len(), ops.watchdog),
            ("ops", 2, true)
        );
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_is_shown() {
        let of = |secrets: &str| {
            format!(r#"[{{"name":"ops","url":"https://h/hunter2","secrets":{secrets}}}]"#)
        };
        let twice = format!(
            r#"[{{"name":"a","url":"https://h","secrets":["{SECRET}"]}},{{"name":"a","url":"https://i","secrets":["{SECRET}"]}}]"#
        );
        for (variables, variable, said) in [
            (
                vec![("ALERT_WEBHOOKS", "https://h/hunter2")],
                "ALERT_WEBHOOK_SECRET",
                "is not set",
            ),
            (
                vec![
                    ("ALERT_WEBHOOKS", "https://h"),
                    ("ALERT_WEBHOOK_SECRET", "hunter2"),
                ],
                "ALERT_WEBHOOK_SECRET",
                "whsec_",
            ),
            (
                vec![("ALERT_WEBHOOKS", of("[]").leak() as &str)],
                "ALERT_WEBHOOKS",
                "`ops`: it has no secret",
            ),
            (
                vec![(
                    "ALERT_WEBHOOKS",
                    of(r#"["whsec_aHVudGVyMg=="]"#).leak() as &str,
                )],
                "ALERT_WEBHOOKS",
                "`ops`: secret 1",
            ),
            (
                vec![("ALERT_WEBHOOKS", of(r#"["hunter2"]"#).leak() as &str)],
                "ALERT_WEBHOOKS",
                "`ops`: secret 1",
            ),
            (
                vec![("ALERT_WEBHOOKS", of(r#""hunter2""#).leak() as &str)],
                "ALERT_WEBHOOKS",
                "JSON list",
            ),
            (
                vec![("ALERT_WEBHOOKS", &*twice)],
                "ALERT_WEBHOOKS",
                "two receivers have the name `a`",
            ),
            (
                vec![("ALERTMANAGER_URLS", "am:9093")],
                "ALERTMANAGER_URLS",
                "address 1",
            ),
            (
                vec![("ALERTMANAGER_AUTH", "basic")],
                "ALERTMANAGER_USERNAME",
                "is not set",
            ),
            (
                vec![("ALERTMANAGER_AUTH", "hunter2")],
                "ALERTMANAGER_AUTH",
                "must be",
            ),
            (
                vec![("ALERT_SNS_TOPIC_ARN", "arn:aws:sqs:a:b:c")],
                "ALERT_SNS_TOPIC_ARN",
                "form",
            ),
            (vec![("ALERT_HOLD", "59s")], "ALERT_HOLD", "1m"),
            (vec![("PUBLIC_URL", "ftp://x")], "PUBLIC_URL", "http"),
        ] {
            let error = read(&variables).unwrap_err();
            assert_eq!(error.variable, variable, "{error}");
            let text = error.to_string();
            assert!(text.contains(said) && !text.contains("hunter2"), "{text}");
        }
    }
}
