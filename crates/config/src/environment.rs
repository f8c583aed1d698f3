use std::{collections::HashMap, fmt, str::FromStr, time::Duration};

use domain::duration;
use secrecy::SecretString;
use url::Url;

/// The variables a function was started with.
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, String>);

/// A variable that is missing or malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {reason}")]
pub struct ConfigError {
    /// The variable's name.
    pub variable: String,
    /// What is wrong. Never holds the value of a secret.
    pub reason: String,
}

impl ConfigError {
    /// An error about `variable`.
    pub fn new(variable: &str, reason: impl fmt::Display) -> Self {
        Self {
            variable: variable.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// Shows the names alone: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl Environment {
    /// The environment of this process; variables that are not Unicode are left out.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The same with some variables set, whatever they were before.
    #[must_use]
    pub fn with<'v>(mut self, variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Self {
        let set = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.0.extend(set);
        self
    }

    /// The value of a variable, if it is set to something.
    pub fn get(&self, variable: &str) -> Option<&str> {
        self.0
            .get(variable)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// The value of a variable that has to be there.
    ///
    /// # Errors
    /// When it is absent.
    pub fn required(&self, variable: &str) -> Result<&str, ConfigError> {
        self.get(variable)
            .ok_or_else(|| ConfigError::new(variable, "is not set"))
    }

    /// A variable parsed into a type.
    ///
    /// # Errors
    /// When it is set to something that does not parse.
    pub fn parsed<T: FromStr<Err: fmt::Display>>(
        &self,
        variable: &str,
    ) -> Result<Option<T>, ConfigError> {
        self.get(variable)
            .map(|text| {
                text.parse()
                    .map_err(|error| ConfigError::new(variable, error))
            })
            .transpose()
    }

    /// A duration in Prometheus' notation.
    ///
    /// # Errors
    /// When it is set to something that is no duration.
    pub fn duration(&self, variable: &str, default: Duration) -> Result<Duration, ConfigError> {
        self.get(variable).map_or(Ok(default), |text| {
            duration::parse(text).map_err(|error| ConfigError::new(variable, error))
        })
    }

    /// An HTTP address.
    ///
    /// # Errors
    /// When it is set to something that is no `http` or `https` URL.
    pub fn http_url(&self, variable: &str) -> Result<Option<Url>, ConfigError> {
        let Some(text) = self.get(variable) else {
            return Ok(None);
        };
        let url = Url::parse(text).ok();
        url.filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
            .map(Some)
            .ok_or_else(|| {
                ConfigError::new(
                    variable,
                    "is not an http or https URL, such as http://host:9090",
                )
            })
    }

    /// Certificates in PEM to trust besides the public roots: the file that `SERVICE_CA_FILE` names, or the text of
    /// `SERVICE_CA_PEM`.
    ///
    /// # Errors
    /// When both are set, the file cannot be read, or there is no certificate in it.
    pub fn certificates(&self, service: &str) -> Result<Option<String>, ConfigError> {
        let (file, pem) = (format!("{service}_CA_FILE"), format!("{service}_CA_PEM"));
        let (variable, text) = match (self.get(&file), self.get(&pem)) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(ConfigError::new(
                    &file,
                    format!("is set beside {pem}: use one"),
                ));
            }
            (None, Some(text)) => (pem, text.to_owned()),
            (Some(path), None) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| ConfigError::new(&file, format!("{path}: {error}")))?;
                (file, text)
            }
        };
        if !text.contains("-----BEGIN CERTIFICATE-----") {
            return Err(ConfigError::new(&variable, "has no certificate in PEM"));
        }
        Ok(Some(text))
    }

    /// A secret that has to be there.
    ///
    /// # Errors
    /// When it is absent.
    pub fn secret(&self, variable: &str) -> Result<SecretString, ConfigError> {
        self.required(variable).map(SecretString::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_is_not_malformed() {
        let environment = Environment::from_iter([("LIMIT", "many"), ("EMPTY", " ")]);
        assert_eq!(environment.parsed::<u32>("OTHER"), Ok(None));
        assert_eq!(environment.parsed::<u32>("EMPTY"), Ok(None));
        assert_eq!(
            environment.parsed::<u32>("LIMIT").unwrap_err().variable,
            "LIMIT"
        );
    }

    #[test]
    fn the_debug_form_holds_no_value() {
        let environment = Environment::from_iter([("API_TOKENS", "hunter2")]);
        assert_eq!(format!("{environment:?}"), r#"{"API_TOKENS"}"#);
    }

    #[test]
    fn certificates_come_from_a_file_or_a_variable() {
        const PEM: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----";
        let certificates = |variables: &[(&str, &str)]| {
            let environment: Environment = variables.iter().copied().collect();
            environment.certificates("X")
        };
        assert_eq!(certificates(&[]), Ok(None));
        assert_eq!(certificates(&[("X_CA_PEM", PEM)]), Ok(Some(PEM.to_owned())));
        for (variables, named) in [
            (&[("X_CA_PEM", "hello")][..], "X_CA_PEM"),
            (&[("X_CA_FILE", "/nowhere")], "X_CA_FILE"),
            (&[("X_CA_FILE", "/nowhere"), ("X_CA_PEM", PEM)], "X_CA_FILE"),
        ] {
            assert_eq!(certificates(variables).unwrap_err().variable, named);
        }
    }

    #[test]
    fn an_address_of_another_scheme_is_refused() {
        let environment = Environment::from_iter([("PROMETHEUS_URL", "file:///etc/passwd")]);
        assert_eq!(
            environment.http_url("PROMETHEUS_URL").unwrap_err().variable,
            "PROMETHEUS_URL"
        );
    }
}
