use std::fmt;

use config::DatabaseConfig;
use futures::FutureExt;

use crate::{StoreError, connections::Connections, session::Role};

/// A pool of connections to one database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Connections,
}

/// A store that connects when it is first asked something, as a writer.
///
/// # Errors
/// As [`Store::open`].
pub fn connect(url: &str) -> Result<Store, StoreError> {
    Store::open(&DatabaseConfig::at(url), Role::Writer)
}

impl Store {
    /// A store that connects when it is first asked something.
    ///
    /// Off loopback the connection is encrypted, and the server's certificate has to be of one of the public roots, of
    /// Amazon's for RDS or of `config.ca`, and for the name in the URL, unless `ssl-mode` in the URL asks for less. On
    /// loopback it is encrypted where there is a password and the server can.
    ///
    /// # Errors
    /// When the URL is malformed.
    pub fn open(config: &DatabaseConfig, role: Role) -> Result<Self, StoreError> {
        Ok(Self {
            pool: Connections::new(config, role)?,
        })
    }

    /// The same, and `read` is asked for the configuration once more when the server refuses the login: the password may
    /// have been changed. At most every 10 s.
    #[must_use]
    pub fn renewed_by<F, E>(self, read: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<DatabaseConfig, E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        let read = move || {
            let config = read();
            async move { config.await.map_err(|error| error.to_string()) }.boxed()
        };
        Self {
            pool: self.pool.renewed_by(Box::new(read)),
        }
    }

    pub(crate) fn pool(&self) -> &Connections {
        &self.pool
    }

    /// Reads the schema's version now, though it was read a moment ago.
    ///
    /// # Errors
    /// When this program does not work with the schema ([`StoreError::Schema`]), or the database is away.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        self.pool.doubt_schema();
        self.pool.acquire().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_url_is_refused_without_showing_it() {
        let error = connect("hunter2").unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
