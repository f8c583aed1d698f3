//! Replies, most of them JSON.

use lambda_http::{
    Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use serde::Serialize;

use crate::{ApiError, Reply, page};

/// 200 and a document.
///
/// # Errors
/// When the document cannot be written as JSON, which is a defect.
pub fn ok(document: &impl Serialize) -> Result<Reply, ApiError> {
    with_status(StatusCode::OK, document)
}

/// 201, a document, and where it is from now on.
///
/// # Errors
/// When the document cannot be written as JSON, which is a defect.
pub fn created(location: &str, document: &impl Serialize) -> Result<Reply, ApiError> {
    let mut response = with_status(StatusCode::CREATED, document)?;
    let location = HeaderValue::from_str(location).map_err(ApiError::internal)?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// 202 and a document.
///
/// # Errors
/// When the document cannot be written as JSON, which is a defect.
pub fn accepted(document: &impl Serialize) -> Result<Reply, ApiError> {
    with_status(StatusCode::ACCEPTED, document)
}

/// 200 and JSON that is written already.
pub fn written(json: impl Into<Body>) -> Reply {
    let mut response = Response::new(json.into());
    describe(&mut response, "application/json");
    response
}

/// 200 and a text of another kind than JSON, whole.
///
/// # Errors
/// When it is too long for an answer; `filter` names the parameters that make it shorter.
pub fn whole_text(
    content_type: &'static str,
    text: String,
    filter: &'static str,
) -> Result<Reply, ApiError> {
    if let Err((bytes, limit)) = page::text_fits(&text) {
        return Err(ApiError::AnswerTooLarge {
            bytes,
            limit,
            filter,
        });
    }
    let mut response = Response::new(text.into());
    describe(&mut response, content_type);
    Ok(response)
}

/// The reply, which depends on these headers of the request.
pub fn varying(mut reply: Reply, headers: &'static str) -> Reply {
    let value = HeaderValue::from_static(headers);
    reply.headers_mut().insert(header::VARY, value);
    reply
}

/// The reply with the version of what it shows as its `ETag`.
pub fn with_version(mut reply: Reply, version: u32) -> Reply {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        reply.headers_mut().insert(header::ETAG, tag);
    }
    reply
}

fn with_status(status: StatusCode, document: &impl Serialize) -> Result<Reply, ApiError> {
    let mut response = written(serde_json::to_string(document).map_err(ApiError::internal)?);
    *response.status_mut() = status;
    Ok(response)
}

/// Says what the body is, and that it is this moment's.
pub(crate) fn describe(response: &mut Reply, content_type: &'static str) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
