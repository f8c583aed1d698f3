//! The tables.

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, mysql::MySqlDatabaseError};

use crate::{StoreError, pool::options};

/// `database.sql`: tables alone, none of which is changed when it is there already.
pub const TABLES: &str = include_str!("../../../database.sql");

/// Creates the database that `url` names, if there is none, and the tables that are missing in it.
///
/// # Errors
/// When the URL names no database, the database server is away, or it refuses.
pub async fn load(url: &str) -> Result<(), StoreError> {
    let options = options(url)?;
    let name = options.get_database().ok_or(StoreError::Url)?;
    let mut connection = match MySqlConnection::connect_with(&options).await {
        Err(error) if is_unknown_database(&error) => {
            create(&options.clone().database(""), name).await?;
            MySqlConnection::connect_with(&options).await?
        }
        connected => connected?,
    };
    connection.execute(sqlx::raw_sql(TABLES)).await?;
    connection.close().await?;
    Ok(())
}

/// Creating comes second: a user who may not create databases may still own one.
async fn create(options: &sqlx::mysql::MySqlConnectOptions, name: &str) -> Result<(), StoreError> {
    let mut server = MySqlConnection::connect_with(options).await?;
    // A name cannot be bound; the only character that could end it is doubled.
    let name = name.replace('`', "``");
    let statement = format!("CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4");
    server
        .execute(sqlx::raw_sql(AssertSqlSafe(statement)))
        .await?;
    server.close().await?;
    Ok(())
}

fn is_unknown_database(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
        .is_some_and(|error| error.number() == 1049)
}

#[cfg(test)]
mod tests {
    use super::TABLES;

    #[test]
    fn the_schema_names_no_database() {
        let upper = TABLES.to_uppercase();
        assert!(!upper.contains("CREATE DATABASE"));
        assert!(
            !upper
                .lines()
                .any(|line| line.trim_start().starts_with("USE "))
        );
    }
}
