use secrecy::SecretString;

use crate::{ConfigError, Environment};

/// Whom AWS takes the function for: its role, under the names that Lambda gives every function.
#[derive(Clone, Debug)]
pub struct AwsCredentials {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: SecretString,
    /// `AWS_SESSION_TOKEN`; a role has one, a user has none.
    pub session_token: Option<SecretString>,
}

impl AwsCredentials {
    /// Reads the three variables.
    ///
    /// # Errors
    /// When one of the first two is absent.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            access_key_id: environment.required("AWS_ACCESS_KEY_ID")?.to_owned(),
            secret_access_key: environment.secret("AWS_SECRET_ACCESS_KEY")?,
            session_token: environment.get("AWS_SESSION_TOKEN").map(Into::into),
        })
    }
}
