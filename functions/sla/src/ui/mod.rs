//! The pages about SLAs: what the routes answer, as HTML.

pub(crate) mod forms;
mod known;
pub(crate) mod list;
pub(crate) mod objective;
pub(crate) mod sla;
pub(crate) mod trial;

use std::time::Duration;

use domain::Timestamp;
use http_api::{ApiError, Call, Reply};
use pages::{Frame, Moment};
use serde::de::DeserializeOwned;

use crate::SlaManager;

/// A page of all SLAs reads what is known of each.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// `GET /ui/…` where there is nothing.
pub(crate) async fn nowhere(_: &SlaManager, _: &Call) -> Result<Reply, ApiError> {
    Err(ApiError::NotFound(
        "there is nothing at this address".to_owned(),
    ))
}

/// What is around a page of a system at `base`, its path and its address; `now` is `None` where it is made for its tag.
fn frame<'a>(
    call: &Call,
    base: &'a (String, String),
    now: Option<Timestamp>,
    pinned: Option<Timestamp>,
    moment: Option<Moment>,
) -> Frame<'a> {
    Frame {
        base: &base.0,
        address: &base.1,
        now,
        pinned,
        moment,
        is_signed_in: !call.is_open(),
    }
}

/// A document as its page reads it.
fn read<T: DeserializeOwned>(document: &impl serde::Serialize) -> Result<T, ApiError> {
    let text = serde_json::to_string(document).map_err(ApiError::internal)?;
    serde_json::from_str(&text).map_err(ApiError::internal)
}

/// The rows of a list and its `next`, as their page reads them.
fn read_list<T: DeserializeOwned>(
    reply: &Reply,
    list: &str,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let mut document: serde_json::Value = read_reply(reply)?;
    let rows = serde_json::from_value(document[list].take()).map_err(ApiError::internal)?;
    let next = document["next"].as_str().map(str::to_owned);
    Ok((rows, next))
}

/// What is wrong with what somebody typed, by field; any other error stays one.
fn faults(error: ApiError) -> Result<Vec<(String, String)>, ApiError> {
    match error {
        ApiError::Invalid(faults) | ApiError::BadParameters(faults) => Ok(faults
            .into_iter()
            .map(|fault| {
                let (http_api::Place::Pointer(place)
                | http_api::Place::Parameter(place)
                | http_api::Place::Header(place)) = fault.place;
                (place, fault.detail)
            })
            .collect()),
        ApiError::NotJson(reason) => Ok(vec![(String::new(), format!("is not JSON: {reason}"))]),
        other => Err(other),
    }
}

/// The document of a reply as its page reads it.
fn read_reply<T: DeserializeOwned>(reply: &Reply) -> Result<T, ApiError> {
    match reply.body() {
        lambda_http::Body::Text(text) => serde_json::from_str(text).map_err(ApiError::internal),
        _ => Err(ApiError::internal("a reply without a document")),
    }
}
