//! A function's answer as the response of a REST API.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{DecodeError, Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;

/// Why an answer is no HTTP response.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidReply {
    #[error("it is not a document with a statusCode")]
    Document(#[from] serde_json::Error),
    #[error("{0} is not a status code")]
    Status(u16),
    #[error("its body is not base64, as it says")]
    Body(#[from] DecodeError),
    #[error("its header {0:?} cannot be sent")]
    Header(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    status_code: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<Value>>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// Builds the response that a function's answer describes.
pub(super) fn response(payload: &[u8]) -> Result<Response, InvalidReply> {
    let reply: Reply = serde_json::from_slice(payload)?;
    let status = StatusCode::from_u16(reply.status_code)
        .ok()
        .filter(|status| !status.is_informational())
        .ok_or(InvalidReply::Status(reply.status_code))?;
    let headers = headers(&reply)?;
    let body = reply.body.unwrap_or_default();
    let body = if reply.is_base64_encoded {
        STANDARD.decode(body)?
    } else {
        body.into_bytes()
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Both kinds of headers together, a pair that is in both of them once.
fn headers(reply: &Reply) -> Result<HeaderMap, InvalidReply> {
    let several = reply.multi_value_headers.iter().flatten();
    let several = several.flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let mut headers = HeaderMap::new();
    for (name, value) in several.chain(reply.headers.iter().flatten()) {
        let invalid = || InvalidReply::Header(name.clone());
        let key: HeaderName = name.parse().map_err(|_| invalid())?;
        let value = header_value(value).ok_or_else(invalid)?;
        let framing = [
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::CONNECTION,
        ];
        let known = headers.get_all(&key).iter().any(|known| known == value);
        if !framing.contains(&key) && !known {
            headers.append(key, value);
        }
    }
    let json = HeaderValue::from_static("application/json");
    headers.entry(header::CONTENT_TYPE).or_insert(json);
    Ok(headers)
}

fn header_value(value: &Value) -> Option<HeaderValue> {
    match value {
        Value::String(text) => HeaderValue::from_str(text).ok(),
        Value::Number(number) => HeaderValue::from_str(&number.to_string()).ok(),
        Value::Bool(flag) => Some(HeaderValue::from_static(if *flag {
            "true"
        } else {
            "false"
        })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pairs(payload: Value) -> Vec<String> {
        let response = response(payload.to_string().as_bytes()).unwrap();
        let pair = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        let mut pairs: Vec<String> = response.headers().iter().map(pair).collect();
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn both_kinds_of_headers_are_one_list() {
        let reply = json!({
            "statusCode": 200,
            "headers": {"set-cookie": "b=2", "x-number": 7, "x-flag": true, "content-length": "99"},
            "multiValueHeaders": {"set-cookie": ["a=1", "b=2"], "content-type": ["text/plain"]},
        });
        let expected = [
            "content-type: text/plain",
            "set-cookie: a=1",
            "set-cookie: b=2",
            "x-flag: true",
            "x-number: 7",
        ];
        assert_eq!(pairs(reply), expected);
    }

    #[test]
    fn without_a_content_type_it_is_json() {
        assert_eq!(
            pairs(json!({"statusCode": 204, "headers": null})),
            ["content-type: application/json"]
        );
    }

    #[test]
    fn what_is_no_response_is_refused() {
        let cases = [
            (json!(null), "Document"),
            (json!({"body": "no status"}), "Document"),
            (json!({"statusCode": "200"}), "Document"),
            (json!({"statusCode": 99}), "Status"),
            (json!({"statusCode": 101}), "Status"),
            (
                json!({"statusCode": 200, "body": "%", "isBase64Encoded": true}),
                "Body",
            ),
            (
                json!({"statusCode": 200, "headers": {"a b": "c"}}),
                "Header",
            ),
            (
                json!({"statusCode": 200, "headers": {"a": "b\nc"}}),
                "Header",
            ),
            (json!({"statusCode": 200, "headers": {"a": {}}}), "Header"),
        ];
        for (payload, kind) in cases {
            let error = response(payload.to_string().as_bytes()).unwrap_err();
            assert!(
                format!("{error:?}").starts_with(kind),
                "{payload}: {error:?}"
            );
        }
    }
}
