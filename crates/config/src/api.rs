use secrecy::{ExposeSecret, SecretString};

use crate::{ConfigError, Environment};

/// Who may call the HTTP routes.
#[derive(Clone, Debug)]
pub enum AccessConfig {
    /// `ALLOW_ANONYMOUS=true` and no tokens: everybody. For a laptop.
    Anonymous,
    /// `API_TOKENS`: whoever shows one of these tokens. The first one is the one the sla function shows to etl.
    Tokens(Vec<(SecretString, Access)>),
}

/// What a token permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// GET alone: a token written `ro:TOKEN`.
    ReadOnly,
    /// Everything.
    ReadWrite,
}

const SHORTEST_TOKEN: usize = 16;

impl AccessConfig {
    /// Reads `API_TOKENS` (comma-separated, each at least 16 characters, `ro:` before one that only reads) and
    /// `ALLOW_ANONYMOUS`.
    ///
    /// # Errors
    /// When there is no token and anonymous access is not allowed, or a token is too short.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let anonymous = environment.parsed("ALLOW_ANONYMOUS")?.unwrap_or(false);
        let Some(text) = environment.get("API_TOKENS") else {
            return if anonymous {
                Ok(Self::Anonymous)
            } else {
                Err(ConfigError::new(
                    "API_TOKENS",
                    "is not set, and ALLOW_ANONYMOUS is not true",
                ))
            };
        };
        text.split(',')
            .map(token)
            .collect::<Result<_, _>>()
            .map(Self::Tokens)
    }

    /// The token to show to other functions: the first that may write.
    pub fn own_token(&self) -> Option<&SecretString> {
        match self {
            Self::Anonymous => None,
            Self::Tokens(tokens) => tokens
                .iter()
                .find_map(|(token, access)| (*access == Access::ReadWrite).then_some(token)),
        }
    }
}

fn token(text: &str) -> Result<(SecretString, Access), ConfigError> {
    let text = text.trim();
    let (token, access) = match text.strip_prefix("ro:") {
        Some(token) => (token, Access::ReadOnly),
        None => (text, Access::ReadWrite),
    };
    let token = SecretString::from(token);
    let secret = token.expose_secret();
    if secret.len() < SHORTEST_TOKEN || !secret.chars().all(|c| c.is_ascii_graphic()) {
        return Err(ConfigError::new(
            "API_TOKENS",
            "holds a token that is not 16 or more printable ASCII characters",
        ));
    }
    Ok((token, access))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<AccessConfig, ConfigError> {
        AccessConfig::read(&variables.iter().copied().collect())
    }

    #[test]
    fn anonymous_access_has_to_be_allowed_explicitly() {
        assert_eq!(read(&[]).unwrap_err().variable, "API_TOKENS");
        assert!(read(&[("ALLOW_ANONYMOUS", "false")]).is_err());
        assert!(matches!(
            read(&[("ALLOW_ANONYMOUS", "true")]),
            Ok(AccessConfig::Anonymous)
        ));
    }

    #[test]
    fn tokens_win_over_anonymous_access() {
        let access = read(&[
            ("ALLOW_ANONYMOUS", "true"),
            ("API_TOKENS", "ro:aaaaaaaaaaaaaaaa,bbbbbbbbbbbbbbbb"),
        ])
        .unwrap();
        assert_eq!(
            access.own_token().unwrap().expose_secret(),
            "bbbbbbbbbbbbbbbb"
        );
    }

    #[test]
    fn a_short_token_is_refused_without_showing_it() {
        let error = read(&[("API_TOKENS", "hunter2")]).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
