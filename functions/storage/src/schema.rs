//! Preparing the schema: what a deployment asks for, by a direct invocation with `{"prepare": "schema"}`.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use config::DatabaseConfig;
use lambda_runtime::Diagnostic;
use serde::Deserialize;
use serde_json::value::RawValue;
use store::{
    StoreError,
    schema::{self, Prepared},
};

/// How long an invocation begins statements. Whoever asks waits for an answer, and asks again.
const LONGEST: Duration = Duration::from_secs(30);

/// The schema of one database.
#[derive(Debug)]
pub struct Schema {
    database: DatabaseConfig,
}

/// A schema that is not prepared.
#[derive(Debug, thiserror::Error)]
#[error("the schema is not prepared: {0}")]
pub struct SchemaError(#[from] StoreError);

impl From<SchemaError> for Diagnostic {
    fn from(error: SchemaError) -> Self {
        let kind = match &error.0 {
            StoreError::Schema(_) => "SchemaVersion",
            cause if cause.is_transient() => "DatabaseAway",
            _ => "DatabaseRefused",
        };
        Self {
            error_type: kind.to_owned(),
            error_message: error.to_string(),
        }
    }
}

/// Whether an event asks for the schema. Kafka's never do: they are larger than this document.
pub fn is_asked_for(event: &RawValue) -> bool {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Request<'a> {
        prepare: &'a str,
    }
    event.get().len() < 100
        && serde_json::from_str::<Request<'_>>(event.get())
            .is_ok_and(|request| request.prepare == "schema")
}

impl Schema {
    /// The schema of `database`.
    pub fn new(database: DatabaseConfig) -> Self {
        Self { database }
    }

    /// Takes the database towards the newest schema, and stops between two statements before the function's `deadline`.
    /// A login that is refused has `read` asked for the configuration once more: the password may have been changed.
    ///
    /// # Errors
    /// When the database is away or refuses, is too new for this program, or has tables that are unknown.
    pub async fn prepare<E: fmt::Display>(
        &self,
        deadline: SystemTime,
        read: impl AsyncFnOnce() -> Result<DatabaseConfig, E>,
    ) -> Result<Prepared, SchemaError> {
        let left = deadline.duration_since(SystemTime::now());
        let time = (left.unwrap_or_default() / 2).min(LONGEST);
        let refused = match schema::prepare_at(&self.database, time).await {
            Err(error @ StoreError::Denied(_)) => error,
            prepared => return Ok(prepared?),
        };
        match read().await {
            Ok(database) => Ok(schema::prepare_at(&database, time).await?),
            Err(error) => {
                tracing::error!(
                    event = "database_login_not_renewed",
                    %error,
                    "the database refuses the login, and its secret cannot be read again"
                );
                Err(refused.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_asked_for_by_its_name_alone() {
        for (event, asked) in [
            (r#"{"prepare": "schema"}"#, true),
            (r#"{"prepare": "topic"}"#, false),
            (r#"{"prepare": "schema", "records": {}}"#, false),
            (r#"{"records": {}}"#, false),
            ("null", false),
        ] {
            let event = RawValue::from_string(event.to_owned()).unwrap();
            assert_eq!(is_asked_for(&event), asked, "{event}");
        }
    }
}
