//! Loading the schema: what a deployment asks for, by a direct invocation with `{"prepare": "schema"}`.

use config::{ExposeSecret, SecretString};
use lambda_runtime::Diagnostic;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use store::{StoreError, schema};

/// The schema of one database.
#[derive(Debug)]
pub struct Schema {
    url: SecretString,
}

/// A schema that is not loaded.
#[derive(Debug, thiserror::Error)]
#[error("the schema is not loaded: {0}")]
pub struct SchemaError(#[from] StoreError);

impl From<SchemaError> for Diagnostic {
    fn from(error: SchemaError) -> Self {
        let kind = match &error.0 {
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
    /// The schema of the database at `url`.
    pub fn new(url: SecretString) -> Self {
        Self { url }
    }

    /// Creates the database and the tables that are missing; those that are there stay as they are.
    ///
    /// # Errors
    /// When the database is away or refuses.
    pub async fn prepare(&self) -> Result<Value, SchemaError> {
        schema::load(self.url.expose_secret()).await?;
        Ok(json!({"schema": "loaded"}))
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
