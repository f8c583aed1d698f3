//! Connections to a database whose schema this program works with.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{
    FutureExt, StreamExt, TryFutureExt, TryStreamExt, future::BoxFuture, stream::BoxStream,
};
use sqlx::{
    Either, Execute, Executor, MySql, SqlStr,
    mysql::{MySqlQueryResult, MySqlRow, MySqlStatement, MySqlTypeInfo},
    pool::PoolConnection,
};

use crate::{
    StoreError,
    connections::{Connections, Read},
    schema,
};

/// How long a schema that was found right is taken to be so.
const SURELY_RIGHT: Duration = Duration::from_secs(60);

/// A pool that gives no connection to a database of another schema version. The version is read when the first
/// connection is asked for, and again once a minute and after an error that another schema may explain.
#[derive(Clone, Debug)]
pub(crate) struct CheckedPool {
    pool: Connections,
    found_right: Arc<Mutex<Option<Instant>>>,
}

impl CheckedPool {
    pub(crate) fn new(pool: Connections) -> Self {
        Self {
            pool,
            found_right: Arc::default(),
        }
    }

    /// The same, with a configuration that is read again by `read` when the login is refused.
    pub(crate) fn renewed_by(self, read: Box<Read>) -> Self {
        Self::new(self.pool.renewed_by(read))
    }

    /// The pool, whatever the schema is.
    #[cfg(feature = "testing")]
    pub(crate) fn unchecked(&self) -> &sqlx::MySqlPool {
        self.pool.pool()
    }

    pub(crate) async fn acquire(&self) -> Result<PoolConnection<MySql>, sqlx::Error> {
        self.check().await?;
        self.pool.acquire().await
    }

    /// Closes a connection of no more use after what was done on it, instead of handing it back.
    pub(crate) fn close_if_lost(
        &self,
        connection: &mut PoolConnection<MySql>,
        error: &sqlx::Error,
    ) {
        self.pool.close_if_lost(connection, error);
    }

    /// The same for what a whole transaction came to.
    pub(crate) fn close_if_away<T>(
        &self,
        connection: &mut PoolConnection<MySql>,
        outcome: &Result<T, StoreError>,
    ) {
        if let Err(StoreError::Away(error)) = outcome {
            self.close_if_lost(connection, error);
        }
    }

    /// Reads the version again if the last time is long ago.
    pub(crate) async fn check(&self) -> Result<(), sqlx::Error> {
        let last = *self.last();
        if last.is_some_and(|last| last.elapsed() < SURELY_RIGHT) {
            return Ok(());
        }
        schema::check(&mut *self.pool.acquire().await?).await?;
        *self.last() = Some(Instant::now());
        Ok(())
    }

    /// Reads the version before the next statement.
    pub(crate) fn doubt(&self) {
        *self.last() = None;
    }

    /// Doubts the schema if that may be why a statement failed.
    pub(crate) fn doubt_after(&self, error: &sqlx::Error) {
        if matches!(error, sqlx::Error::Database(_)) && !StoreError::passes(error) {
            self.doubt();
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.found_right
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'p> Executor<'p> for &'p CheckedPool {
    type Database = MySql;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<MySqlQueryResult, MySqlRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, MySql>,
    {
        self.check()
            .map_ok(|()| self.pool.fetch_many(query))
            .try_flatten_stream()
            .inspect_err(|error| self.doubt_after(error))
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<MySqlRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, MySql>,
    {
        self.check()
            .and_then(|()| self.pool.fetch_optional(query))
            .inspect_err(|error| self.doubt_after(error))
            .boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [MySqlTypeInfo],
    ) -> BoxFuture<'e, Result<MySqlStatement, sqlx::Error>>
    where
        'p: 'e,
    {
        self.pool.prepare_with(sql, parameters)
    }
}
