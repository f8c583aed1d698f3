//! Statements on connections of a pool: each takes a connection, and its error says whether that may be used again.

use futures::{TryStreamExt, future::BoxFuture, stream::BoxStream};
use sqlx::{
    Either, Execute, Executor, MySql, SqlStr,
    mysql::{MySqlQueryResult, MySqlRow, MySqlStatement, MySqlTypeInfo},
};

use crate::connections::Connections;

impl<'s> Executor<'s> for &'s Connections {
    type Database = MySql;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<MySqlQueryResult, MySqlRow>, sqlx::Error>>
    where
        's: 'e,
        E: 'q + Execute<'q, MySql>,
    {
        let connections = self.clone();
        Box::pin(async_stream::stream! {
            let mut connection = match connections.acquire().await {
                Ok(connection) => connection,
                Err(error) => {
                    yield Err(error);
                    return;
                }
            };
            let failed = {
                let mut rows = connection.fetch_many(query);
                loop {
                    match rows.try_next().await {
                        Ok(Some(row)) => yield Ok(row),
                        Ok(None) => break None,
                        Err(error) => break Some(error),
                    }
                }
            };
            if let Some(error) = failed {
                connections.note_error(&mut connection, &error);
                yield Err(error);
            }
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<MySqlRow>, sqlx::Error>>
    where
        's: 'e,
        E: 'q + Execute<'q, MySql>,
    {
        let connections = self.clone();
        Box::pin(async move {
            let mut connection = connections.acquire().await?;
            let row = connection.fetch_optional(query).await;
            if let Err(error) = &row {
                connections.note_error(&mut connection, error);
            }
            row
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [MySqlTypeInfo],
    ) -> BoxFuture<'e, Result<MySqlStatement, sqlx::Error>>
    where
        's: 'e,
    {
        let connections = self.clone();
        Box::pin(async move {
            let mut connection = connections.acquire().await?;
            connection.prepare_with(sql, parameters).await
        })
    }
}
