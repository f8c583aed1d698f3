use std::{net::IpAddr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Executor,
    mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlSslMode},
};

use crate::{StoreError, checked::CheckedPool};

/// A pool of connections to one database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: CheckedPool,
}

impl Store {
    pub(crate) fn pool(&self) -> &CheckedPool {
        &self.pool
    }

    /// Reads the schema's version now, though it was read a moment ago.
    ///
    /// # Errors
    /// When this program does not work with the schema ([`StoreError::Schema`]), or the database is away.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        self.pool.doubt();
        Ok(self.pool.check().await?)
    }
}

/// A Lambda instance answers one event at a time: it needs one connection, and one more while that one is replaced.
const MOST_CONNECTIONS: u32 = 2;
/// How long a caller waits for a connection before the database counts as away.
const PATIENCE: Duration = Duration::from_secs(3);
/// More than there are different statements: closing one would cost more than it is worth.
const STATEMENTS: usize = 256;
const IDLE: Duration = Duration::from_secs(300);
/// A connection that was used so lately is taken to be alive: asking it first would be a round trip more for each of the
/// few statements of an answer.
const SURELY_ALIVE: Duration = Duration::from_secs(1);

/// Whatever the server's defaults are: a value that does not fit is refused and never cut, times are UTC, and who waits
/// for a lock gives up well before the function's time is over.
const SESSION: &str = "SET sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
    ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', \
    innodb_lock_wait_timeout = 10, NAMES utf8mb4";

/// A store that connects when it is first asked something.
///
/// Off loopback the connection is encrypted, whatever the URL says; on loopback it is where there is a password and the
/// server can. `ssl-mode` and `ssl-ca` in the URL ask for more.
///
/// # Errors
/// When the URL is malformed.
pub fn connect(url: &str) -> Result<Store, StoreError> {
    let pool = MySqlPoolOptions::new()
        .max_connections(MOST_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .idle_timeout(IDLE)
        .test_before_acquire(false)
        .before_acquire(|connection, used| {
            Box::pin(async move {
                if used.idle_for > SURELY_ALIVE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(SESSION).await.map(drop) })
        })
        .connect_lazy_with(options(url)?);
    Ok(Store {
        pool: CheckedPool::new(pool),
    })
}

/// How to connect, without the settings of [`SESSION`].
pub(crate) fn options(url: &str) -> Result<MySqlConnectOptions, StoreError> {
    let options: MySqlConnectOptions = url.parse().map_err(|_| StoreError::Url)?;
    let options = options
        .statement_cache_capacity(STATEMENTS)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false);
    let has_password = options.to_url_lossy().password().is_some();
    Ok(match options.get_ssl_mode() {
        MySqlSslMode::Disabled | MySqlSslMode::Preferred if !is_loopback(options.get_host()) => {
            options.ssl_mode(MySqlSslMode::Required)
        }
        // On loopback TLS protects nothing but a password. It writes a long statement in pieces, each of which waits
        // 40 ms for the acknowledgement of the one before.
        MySqlSslMode::Preferred if !has_password => options.ssl_mode(MySqlSslMode::Disabled),
        _ => options,
    })
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_loopback_the_connection_is_encrypted() {
        for (url, mode) in [
            ("mysql://u@127.0.0.1:3306/d", "Disabled"),
            ("mysql://u:p@127.0.0.1:3306/d", "Preferred"),
            ("mysql://u@localhost/d", "Disabled"),
            ("mysql://u@[::1]:3306/d", "Disabled"),
            ("mysql://u@db.example:3306/d", "Required"),
            ("mysql://u@127.0.0.1.example/d", "Required"),
            ("mysql://u@db.example:3306/d?ssl-mode=DISABLED", "Required"),
            ("mysql://u@127.0.0.1/d?ssl-mode=REQUIRED", "Required"),
        ] {
            let options = options(url).unwrap();
            assert_eq!(format!("{:?}", options.get_ssl_mode()), mode, "{url}");
        }
    }

    #[test]
    fn a_malformed_url_is_refused_without_showing_it() {
        let error = connect("hunter2").unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
