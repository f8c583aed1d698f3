//! Connections to one database: a few at a time, with a password that may change, and none kept that is of no more use.

use std::{
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};

use config::DatabaseConfig;
use futures::future::BoxFuture;
use sqlx::{
    Connection, Executor, MySql, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlConnection, MySqlPoolOptions},
    pool::PoolConnection,
};
use tokio::{sync::Mutex, time::Instant};

use crate::{
    StoreError,
    error::{is_denied, is_lost},
    session::{self, Role},
    tls,
};

/// The connections of a store.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: MySqlPool,
    login: Arc<Login>,
    lost: Lost,
}

/// When a connection was last found to lead to a server that is of no more use: those that were opened before lead there
/// too.
#[derive(Clone, Default)]
struct Lost(Arc<std::sync::Mutex<Option<Instant>>>);

impl Lost {
    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn is_after(&self, opened: Option<Instant>) -> bool {
        let lost = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lost.is_some_and(|lost| opened.is_none_or(|opened| opened <= lost))
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

/// A Lambda instance answers one event at a time: it needs one connection, and one more while that one is replaced.
const MOST_CONNECTIONS: u32 = 2;
/// How long a caller waits for a connection before the database counts as away.
const PATIENCE: Duration = Duration::from_secs(3);
/// Shorter than `wait_timeout`, after which the server closes it.
const IDLE: Duration = Duration::from_secs(80);
/// A connection that was used so lately is taken to be alive: asking it first would be a round trip more for each of the
/// few statements of an answer.
const SURELY_ALIVE: Duration = Duration::from_secs(1);
/// How long the secret is left alone after it was read.
const RENEWAL_PAUSE: Duration = Duration::from_secs(10);

impl Connections {
    /// Connects when it is first asked for a connection.
    pub(crate) fn new(config: &DatabaseConfig, role: Role) -> Result<Self, StoreError> {
        let options = tls::options(config)?.statement_cache_capacity(session::statements(role));
        let lost = Lost::default();
        let noted = lost.clone();
        let pool = MySqlPoolOptions::new()
            .max_connections(MOST_CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .idle_timeout(IDLE)
            .test_before_acquire(false)
            .before_acquire(move |connection, used| {
                let is_lost = noted.is_after(Instant::now().checked_sub(used.age));
                Box::pin(async move {
                    if is_lost {
                        return Ok(false);
                    }
                    if used.idle_for > SURELY_ALIVE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(move |connection, _| {
                Box::pin(async move { connection.execute(session::settings(role)).await.map(drop) })
            })
            .connect_lazy_with(options);
        let login = Arc::new(Login {
            role,
            read: None,
            last: Mutex::default(),
        });
        Ok(Self { pool, login, lost })
    }

    /// The same, which asks `read` for the configuration once more when the server refuses the login.
    pub(crate) fn renewed_by(self, read: Box<Read>) -> Self {
        let login = Login {
            role: self.login.role,
            read: Some(read),
            last: Mutex::default(),
        };
        Self {
            login: Arc::new(login),
            ..self
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn pool(&self) -> &MySqlPool {
        &self.pool
    }

    /// A connection of the pool, or a new one.
    pub(crate) async fn acquire(&self) -> Result<PoolConnection<MySql>, sqlx::Error> {
        let asked = Instant::now();
        let acquired = match self.pool.acquire().await {
            Err(error) if is_denied(&error) && self.login.renew(&self.pool, asked).await => {
                self.pool.acquire().await
            }
            acquired => acquired,
        };
        match acquired {
            Ok(connection) => Ok(connection),
            Err(error) => Err(tls::explained(error, &self.pool.connect_options()).await),
        }
    }

    /// Closes a connection instead of handing it back after an error that says that it is of no more use: the server is
    /// read-only, as the old writer of a cluster is after a fail-over, or it is gone. The others are closed when they are
    /// asked for next.
    pub(crate) fn close_if_lost(
        &self,
        connection: &mut PoolConnection<MySql>,
        error: &sqlx::Error,
    ) {
        if is_lost(error) {
            connection.close_on_drop();
            self.lost.note();
        }
    }
}

/// A connection of its own, without the settings of a session, for what is done once.
pub(crate) async fn connect_alone(
    options: &MySqlConnectOptions,
) -> Result<MySqlConnection, sqlx::Error> {
    match MySqlConnection::connect_with(options).await {
        Ok(connection) => Ok(connection),
        Err(error) => Err(tls::explained(error, options).await),
    }
}

/// Reads the configuration of the database.
pub(crate) type Read = dyn Fn() -> BoxFuture<'static, Result<DatabaseConfig, String>> + Send + Sync;

/// As whom the store logs in, and how it learns that this changed.
struct Login {
    role: Role,
    read: Option<Box<Read>>,
    /// When the configuration was read last, and whether that succeeded.
    last: Mutex<Option<(Instant, bool)>>,
}

impl Login {
    /// Reads the configuration once more after a login that was refused at some time after `asked`. Returns whether trying
    /// again is worth it.
    async fn renew(&self, pool: &MySqlPool, asked: Instant) -> bool {
        let Some(read) = &self.read else {
            return false;
        };
        let mut last = self.last.lock().await;
        if let Some((at, succeeded)) = *last
            && at.elapsed() < RENEWAL_PAUSE
        {
            return succeeded && at >= asked;
        }
        let options = match read().await {
            Ok(config) => tls::options(&config).map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        let succeeded = options.is_ok();
        match options {
            Ok(options) => {
                tracing::info!(
                    event = "database_login_renewed",
                    "the database refused the login: its secret was read again"
                );
                let statements = session::statements(self.role);
                pool.set_connect_options(options.statement_cache_capacity(statements));
            }
            Err(error) => tracing::error!(
                event = "database_login_not_renewed",
                error,
                "the database refuses the login, and its secret cannot be read again"
            ),
        }
        *last = Some((Instant::now(), succeeded));
        succeeded
    }
}
