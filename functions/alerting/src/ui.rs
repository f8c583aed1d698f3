//! The page of alerts: what the routes answer, as HTML.

use http_api::{ApiError, Call, Reply, html};
use lambda_http::Body;
use pages::{Alerts, Frame};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Alerting, list, test};

const LONGEST_CURSOR: usize = 2_000;

/// The document of a reply.
fn document(reply: &Reply) -> Result<Value, ApiError> {
    let Body::Text(text) = reply.body() else {
        return Err(ApiError::internal("a reply without a document"));
    };
    serde_json::from_str(text).map_err(ApiError::internal)
}

/// The rows of a list, as their page reads them.
fn rows<T: DeserializeOwned>(document: &mut Value, list: &str) -> Result<Vec<T>, ApiError> {
    serde_json::from_value(document[list].take()).map_err(ApiError::internal)
}

/// `GET /ui/alerts`.
pub(crate) async fn page(alerting: &Alerting, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let state = query.typed_word("state", &["firing", "resolved", "frozen"]);
    let cursor = query.typed("cursor", LONGEST_CURSOR);
    let as_of = query.moment("as_of", call.now);
    let count = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok());
    let delivered = count(query.typed("delivered", 9));
    let failed = count(query.typed("failed", 9));
    if state == Some("frozen") && as_of.is_some() {
        query.refuse(
            "state",
            "must not be frozen with as_of: what was frozen then is not kept",
        );
    }
    query.finish()?;
    let mut asked = vec![("limit", "200".to_owned())];
    asked.extend(state.map(|state| ("state", state.to_owned())));
    asked.extend(cursor.map(|cursor| ("cursor", cursor)));
    let reply = list::alerts_at(alerting, &call.asking("", "", &asked), as_of).await?;
    let mut alerts = document(&reply)?;
    let limited = [("limit", "50".to_owned())];
    let reply = list::deliveries(alerting, &call.asking("", "", &limited)).await?;
    let page = Alerts {
        next: alerts["next"].as_str().map(str::to_owned),
        alerts: rows(&mut alerts, "alerts")?,
        deliveries: rows(&mut document(&reply)?, "deliveries")?,
        state,
        kept: as_of.map(|_| alerting.kept),
        tested: delivered.zip(failed),
    };
    let (base, address) = (call.path_of(""), call.base_url());
    Ok(html::page(call, |now| {
        let frame = Frame {
            base: &base,
            address: &address,
            now,
            pinned: as_of,
            moment: None,
            is_signed_in: !call.is_open(),
        };
        pages::alerts(&frame, &page)
    }))
}

/// `POST /ui/alerts/test`: a test to every receiver.
pub(crate) async fn test(alerting: &Alerting, call: &Call) -> Result<Reply, ApiError> {
    call.form()?.finish()?;
    let reply = test::answer(alerting, &call.asking("", "", &[])).await?;
    let outcomes = document(&reply)?;
    let outcomes = outcomes["outcomes"].as_array().cloned().unwrap_or_default();
    let delivered = outcomes
        .iter()
        .filter(|own| own["delivered"] == true)
        .count();
    let failed = outcomes.len() - delivered;
    html::see_other(&call.path_of(&format!("/ui/alerts?delivered={delivered}&failed={failed}")))
}

/// `POST /ui/alerts/deliveries/{id}/retry`.
pub(crate) async fn retry(alerting: &Alerting, call: &Call) -> Result<Reply, ApiError> {
    call.form()?.finish()?;
    list::retry(alerting, &call.asking("", &call.id, &[])).await?;
    html::see_other(&call.path_of("/ui/alerts"))
}
