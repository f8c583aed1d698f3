use http_api::{ApiError, Call, Reply, openapi, reply};
use schemars::JsonSchema;

use crate::Retrieval;

/// An OpenAPI 3.1 document.
#[derive(JsonSchema)]
pub(crate) struct OpenApi {}

/// The document of the whole system, with its address as the caller has it.
pub(crate) async fn answer(_: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    Ok(reply::written(openapi::at(&call.base_url())))
}
