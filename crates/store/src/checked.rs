//! Connections to a database whose schema this program works with.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{
    FutureExt, StreamExt, TryFutureExt, TryStreamExt, future::BoxFuture, stream::BoxStream,
};
use sqlx::{
    Either, Execute, Executor, MySql, MySqlPool, SqlStr, Transaction,
    mysql::{MySqlQueryResult, MySqlRow, MySqlStatement, MySqlTypeInfo},
    pool::PoolConnection,
};

use crate::{StoreError, schema};

/// How long a schema that was found right is taken to be so.
const SURELY_RIGHT: Duration = Duration::from_secs(60);

/// A pool that gives no connection to a database of another schema version. The version is read when the first
/// connection is asked for, and again once a minute and after an error that another schema may explain.
#[derive(Clone, Debug)]
pub(crate) struct CheckedPool {
    pool: MySqlPool,
    found_right: Arc<Mutex<Option<Instant>>>,
}

impl CheckedPool {
    pub(crate) fn new(pool: MySqlPool) -> Self {
        Self {
            pool,
            found_right: Arc::default(),
        }
    }

    /// The pool, whatever the schema is.
    #[cfg(feature = "testing")]
    pub(crate) fn unchecked(&self) -> &MySqlPool {
        &self.pool
    }

    pub(crate) async fn acquire(&self) -> Result<PoolConnection<MySql>, sqlx::Error> {
        self.check().await?;
        self.pool.acquire().await
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, MySql>, sqlx::Error> {
        self.check().await?;
        self.pool.begin().await
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
