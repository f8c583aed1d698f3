//! Answers in the shape that Prometheus' HTTP API gives its own.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{ApiError, Reply, page, reply};

/// An answer that is no error.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Prometheus{T}")]
pub struct Success<T> {
    status: SuccessWord,
    data: T,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SuccessWord {
    Success,
}

/// An error.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PrometheusError")]
pub struct Failure {
    status: ErrorWord,
    error_type: ErrorType,
    error: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ErrorWord {
    Error,
}

/// What kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// The question is malformed.
    BadData,
    /// The question is not answered.
    Execution,
    /// Something that is needed is away.
    Unavailable,
    /// A defect.
    Internal,
}

impl ErrorType {
    fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// 200 and data; an error where that is too long for an answer.
///
/// # Errors
/// When the data cannot be written as JSON, which is a defect.
pub fn success<T: Serialize>(data: T) -> Result<Reply, ApiError> {
    let answer = Success {
        status: SuccessWord::Success,
        data,
    };
    let text = serde_json::to_string(&answer).map_err(ApiError::internal)?;
    match page::text_fits(&text) {
        Ok(()) => Ok(reply::written(text)),
        Err((bytes, limit)) => failure(
            ErrorType::Execution,
            format!(
                "the answer has {bytes} bytes and may have {limit}: ask for fewer series, or in longer steps"
            ),
        ),
    }
}

/// An error in a sentence.
///
/// # Errors
/// When it cannot be written as JSON, which is a defect.
pub fn failure(error_type: ErrorType, error: String) -> Result<Reply, ApiError> {
    let answer = Failure {
        status: ErrorWord::Error,
        error_type,
        error,
    };
    let text = serde_json::to_string(&answer).map_err(ApiError::internal)?;
    let mut reply = reply::written(text);
    *reply.status_mut() = error_type.status();
    Ok(reply)
}

/// What kind of error one of ours is in Prometheus' terms.
pub fn error_type(error: &ApiError) -> ErrorType {
    match error.status() {
        StatusCode::SERVICE_UNAVAILABLE => ErrorType::Unavailable,
        status if status.is_client_error() => ErrorType::BadData,
        _ => ErrorType::Internal,
    }
}
