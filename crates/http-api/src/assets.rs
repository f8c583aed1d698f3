//! `GET /ui/assets/{id}`: what the pages are drawn and moved with. A name is of one content for ever.

use lambda_http::{
    Body,
    http::{HeaderValue, Response, header},
};

use crate::{ApiError, Call, Reply};

/// The asset of that name.
///
/// # Errors
/// When there is none.
pub async fn answer<S>(_: &S, call: &Call) -> Result<Reply, ApiError> {
    let asset = pages::assets::find(&call.id);
    let asset = asset.ok_or_else(|| ApiError::NotFound("there is no such asset".to_owned()))?;
    let mut reply = Response::new(Body::from(asset.text));
    let headers = reply.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "Accept-Encoding"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(reply)
}
