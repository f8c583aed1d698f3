use secrecy::SecretString;
use url::{Host, Url};

use crate::{AwsCredentials, ConfigError, Environment};

/// Where Prometheus is and how to log in.
#[derive(Clone, Debug)]
pub struct PrometheusConfig {
    /// `PROMETHEUS_URL`, to which `/api/v1/…` is appended.
    pub url: Url,
    /// `PROMETHEUS_AUTH`.
    pub auth: PrometheusAuth,
}

/// `PROMETHEUS_AUTH`.
#[derive(Clone, Debug)]
pub enum PrometheusAuth {
    /// `none`, the default.
    None,
    /// `basic`.
    Basic {
        /// `PROMETHEUS_USERNAME`.
        username: String,
        /// `PROMETHEUS_PASSWORD`.
        password: SecretString,
    },
    /// `bearer`: `PROMETHEUS_TOKEN`.
    Bearer(SecretString),
    /// `sigv4`: Amazon Managed Service for Prometheus.
    SigV4 {
        /// The region that `PROMETHEUS_URL` names, else `AWS_REGION`.
        region: String,
        /// The function's own.
        credentials: AwsCredentials,
    },
}

impl PrometheusConfig {
    /// Reads the `PROMETHEUS_…` variables.
    ///
    /// # Errors
    /// When the URL is absent or malformed, what the login needs is absent, or a password or token would go off loopback
    /// without TLS.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let url = environment
            .http_url("PROMETHEUS_URL")?
            .ok_or_else(|| ConfigError::new("PROMETHEUS_URL", "is not set"))?;
        let auth = match environment.get("PROMETHEUS_AUTH").unwrap_or("none") {
            "none" => PrometheusAuth::None,
            "basic" => PrometheusAuth::Basic {
                username: environment.required("PROMETHEUS_USERNAME")?.to_owned(),
                password: environment.secret("PROMETHEUS_PASSWORD")?,
            },
            "bearer" => PrometheusAuth::Bearer(environment.secret("PROMETHEUS_TOKEN")?),
            "sigv4" => PrometheusAuth::SigV4 {
                region: region_of_workspace(&url)
                    .map_or_else(|| environment.required("AWS_REGION"), Ok)?
                    .to_owned(),
                credentials: AwsCredentials::read(environment)?,
            },
            _ => {
                return Err(ConfigError::new(
                    "PROMETHEUS_AUTH",
                    "is none of none, basic, bearer, sigv4",
                ));
            }
        };
        let has_secret = matches!(
            auth,
            PrometheusAuth::Basic { .. } | PrometheusAuth::Bearer(_)
        );
        if has_secret && url.scheme() == "http" && !is_on_loopback(&url) {
            return Err(ConfigError::new(
                "PROMETHEUS_URL",
                "is http, so that everybody on the way could read the login: it has to be https",
            ));
        }
        Ok(Self { url, auth })
    }
}

fn is_on_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `eu-west-1` of `https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/…`.
fn region_of_workspace(url: &Url) -> Option<&str> {
    let (region, domain) = url
        .host_str()?
        .strip_prefix("aps-workspaces.")?
        .split_once('.')?;
    domain.starts_with("amazonaws.").then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_of_a_managed_prometheus_is_in_its_address() {
        for (url, region) in [
            (
                "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1",
                Some("eu-west-1"),
            ),
            ("https://aps-workspaces.example", None),
            ("https://prometheus.example/", None),
        ] {
            assert_eq!(region_of_workspace(&url.parse().unwrap()), region, "{url}");
        }
    }

    #[test]
    fn a_login_goes_off_loopback_through_tls_alone() {
        for (url, auth, is_read) in [
            ("http://prometheus:9090", "none", true),
            ("http://prometheus:9090", "bearer", false),
            ("http://prometheus:9090", "basic", false),
            ("https://prometheus:9090", "bearer", true),
            ("http://127.0.0.1:9090", "bearer", true),
            ("http://[::1]:9090", "basic", true),
            ("http://localhost:9090", "basic", true),
        ] {
            let variables = [
                ("PROMETHEUS_URL", url),
                ("PROMETHEUS_AUTH", auth),
                ("PROMETHEUS_TOKEN", "t"),
                ("PROMETHEUS_USERNAME", "u"),
                ("PROMETHEUS_PASSWORD", "p"),
            ];
            let read = PrometheusConfig::read(&Environment::from_iter(variables));
            assert_eq!(read.is_ok(), is_read, "{url} {auth}");
        }
    }

    #[test]
    fn what_a_login_needs_is_named() {
        for (auth, named) in [
            ("basic", "PROMETHEUS_USERNAME"),
            ("bearer", "PROMETHEUS_TOKEN"),
            ("sigv4", "AWS_REGION"),
            ("magic", "PROMETHEUS_AUTH"),
        ] {
            let variables = [
                ("PROMETHEUS_URL", "http://127.0.0.1:9090"),
                ("PROMETHEUS_AUTH", auth),
            ];
            let error = PrometheusConfig::read(&Environment::from_iter(variables)).unwrap_err();
            assert_eq!(error.variable, named);
        }
    }
}
