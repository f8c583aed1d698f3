use secrecy::SecretString;
use url::Url;

use crate::{ConfigError, Environment};

/// Where MySQL is.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`: `mysql://user:password@host:port/DataStorage`.
    pub url: SecretString,
    /// `DATABASE_CA_FILE` or `DATABASE_CA_PEM`: certificates in PEM to trust besides the public roots and Amazon's for RDS.
    pub ca: Option<String>,
}

impl DatabaseConfig {
    /// The database at `url`, without certificates of one's own.
    pub fn at(url: &str) -> Self {
        Self {
            url: url.into(),
            ca: None,
        }
    }

    /// Reads `DATABASE_URL` and `DATABASE_CA_…`.
    ///
    /// # Errors
    /// When there are no such certificates, or the URL is absent or not a `mysql://` URL with a host and a database. The error never holds the URL.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let variable = "DATABASE_URL";
        let text = environment.required(variable)?;
        let url = Url::parse(text).map_err(|error| ConfigError::new(variable, error))?;
        let named = url.host().is_some() && url.path().len() > 1;
        if url.scheme() != "mysql" || !named {
            return Err(ConfigError::new(
                variable,
                "is not of the form mysql://user:password@host:port/database",
            ));
        }
        Ok(Self {
            url: text.into(),
            ca: environment.certificates("DATABASE")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_database_is_refused_without_showing_it() {
        for url in [
            "mysql://root:hunter2@127.0.0.1:3306",
            "postgres://root:hunter2@h/db",
            "hunter2",
        ] {
            let error =
                DatabaseConfig::read(&Environment::from_iter([("DATABASE_URL", url)])).unwrap_err();
            assert_eq!(error.variable, "DATABASE_URL");
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
