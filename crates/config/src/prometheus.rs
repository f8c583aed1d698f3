use secrecy::SecretString;
use url::Url;

use crate::{ConfigError, Environment};

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
}

impl PrometheusConfig {
    /// Reads the `PROMETHEUS_…` variables.
    ///
    /// # Errors
    /// When the URL is absent or malformed, or what the login needs is absent.
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
            _ => {
                return Err(ConfigError::new(
                    "PROMETHEUS_AUTH",
                    "is none of none, basic, bearer",
                ));
            }
        };
        Ok(Self { url, auth })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_login_needs_is_named() {
        for (auth, named) in [
            ("basic", "PROMETHEUS_USERNAME"),
            ("bearer", "PROMETHEUS_TOKEN"),
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
