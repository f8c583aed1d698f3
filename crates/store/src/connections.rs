//! Connections to one database: a few at a time, with a password that may change, none to a database whose schema this
//! program does not work with, and none kept that is of no more use.

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
    schema,
    session::{self, Role},
    tls,
};

/// The connections of a store.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: MySqlPool,
    login: Arc<Login>,
    /// When a connection was last found to lead to a server that is of no more use: those that were opened before lead
    /// there too.
    lost: Moment,
    /// When the schema was last found to be one that this program works with.
    schema_confirmed: Moment,
}

/// When something last happened; all clones share it.
#[derive(Clone, Default)]
struct Moment(Arc<std::sync::Mutex<Option<Instant>>>);

impl Moment {
    fn get(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, moment: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = moment;
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
/// How long a schema that was found right is taken to be so: about as long as an answer takes.
const SURELY_RIGHT: Duration = Duration::from_secs(1);

impl Connections {
    /// Connects when it is first asked for a connection.
    pub(crate) fn new(config: &DatabaseConfig, role: Role) -> Result<Self, StoreError> {
        let options = tls::options(config)?.statement_cache_capacity(session::statements(role));
        let lost = Moment::default();
        let last_lost = lost.clone();
        let pool = MySqlPoolOptions::new()
            .max_connections(MOST_CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .idle_timeout(IDLE)
            .test_before_acquire(false)
            .before_acquire(move |connection, used| {
                let opened = Instant::now().checked_sub(used.age);
                let is_lost = last_lost
                    .get()
                    .is_some_and(|lost| opened.is_none_or(|at| at <= lost));
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
            // Whoever gives up waiting while a transaction begins leaves one that nobody knows of.
            .after_release(|connection, _| {
                Box::pin(async move { connection.execute("ROLLBACK").await.map(|_| true) })
            })
            .connect_lazy_with(options);
        let login = Arc::new(Login {
            role,
            read: None,
            last: Mutex::default(),
        });
        Ok(Self {
            pool,
            login,
            lost,
            schema_confirmed: Moment::default(),
        })
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

    /// The pool, whatever the schema is.
    #[cfg(feature = "testing")]
    pub(crate) fn unchecked(&self) -> &MySqlPool {
        &self.pool
    }

    /// A connection of the pool, or a new one. The schema's version is read when the first connection is asked for, and
    /// again after a second and after an error that another schema may explain.
    ///
    /// # Errors
    /// When the database is away, refuses the login, or has a schema that this program does not work with.
    pub(crate) async fn acquire(&self) -> Result<PoolConnection<MySql>, sqlx::Error> {
        let mut connection = self.connect().await?;
        let confirmed = self.schema_confirmed.get();
        if confirmed.is_none_or(|at| at.elapsed() >= SURELY_RIGHT) {
            if let Err(error) = schema::check(&mut connection).await {
                self.note_error(&mut connection, &error);
                return Err(error);
            }
            self.schema_confirmed.set(Some(Instant::now()));
        }
        Ok(connection)
    }

    async fn connect(&self) -> Result<PoolConnection<MySql>, sqlx::Error> {
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

    /// Reads the schema's version before the next statement.
    pub(crate) fn doubt_schema(&self) {
        self.schema_confirmed.set(None);
    }

    /// Draws the conclusions from an error. One that says that the connection is of no more use closes it instead of
    /// handing it back: the server is read-only, as the old writer of a cluster is after a fail-over, or it is gone; the
    /// others are closed when they are asked for next. One that another schema may explain has the schema's version read
    /// again.
    pub(crate) fn note_error(&self, connection: &mut PoolConnection<MySql>, error: &sqlx::Error) {
        if is_lost(error) {
            connection.close_on_drop();
            self.lost.set(Some(Instant::now()));
        }
        if matches!(error, sqlx::Error::Database(_)) && !StoreError::passes(error) {
            self.doubt_schema();
        }
    }

    /// The same for what several statements came to.
    pub(crate) fn note_outcome<T>(
        &self,
        connection: &mut PoolConnection<MySql>,
        outcome: &Result<T, StoreError>,
    ) {
        if let Err(StoreError::Away(error) | StoreError::Unexpected(error)) = outcome {
            self.note_error(connection, error);
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
