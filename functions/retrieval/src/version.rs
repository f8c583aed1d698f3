use http_api::{ApiError, Call, Reply, reply};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Retrieval, database};

/// What is running.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Version {
    /// The version of the program.
    version: &'static str,
    /// The version of the database's schema.
    schema: u32,
}

pub(crate) async fn answer(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    reply::ok(&Version {
        version: env!("CARGO_PKG_VERSION"),
        schema: retrieval.store.schema_version().await.map_err(database)?,
    })
}
