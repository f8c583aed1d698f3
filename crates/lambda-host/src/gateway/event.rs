//! A request as the event of a REST API, payload format 1.0.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use crate::launch::ACCOUNT;

/// A request and the route that it took.
pub(super) struct Request<'a> {
    pub(super) resource: &'a str,
    pub(super) parameters: &'a [(String, String)],
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) peer: SocketAddr,
    pub(super) stage: &'a str,
}

impl Request<'_> {
    /// The event, as JSON.
    pub(super) fn event(&self) -> Vec<u8> {
        self.document(Uuid::new_v4(), Utc::now())
            .to_string()
            .into_bytes()
    }

    fn document(&self, request_id: Uuid, time: DateTime<Utc>) -> Value {
        let headers = self.headers();
        let query = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        let query = grouped(query.map(|(name, value)| (name.into_owned(), value.into_owned())));
        let (body, is_base64) = self.body();
        json!({
            "resource": self.resource,
            "path": self.uri.path(),
            "httpMethod": self.method.as_str(),
            "headers": last(&headers),
            "multiValueHeaders": every(&headers),
            "queryStringParameters": last(&query),
            "multiValueQueryStringParameters": every(&query),
            "pathParameters": last(&grouped(self.parameters.iter().cloned())),
            "stageVariables": null,
            "requestContext": self.context(request_id, time),
            "body": body,
            "isBase64Encoded": is_base64,
        })
    }

    fn context(&self, request_id: Uuid, time: DateTime<Utc>) -> Value {
        let text = |name: HeaderName| self.headers.get(name).and_then(|value| value.to_str().ok());
        json!({
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": text(header::HOST),
            "domainPrefix": "local",
            "extendedRequestId": request_id,
            "httpMethod": self.method.as_str(),
            "identity": {
                "sourceIp": self.peer.ip().to_string(),
                "userAgent": text(header::USER_AGENT),
            },
            // As where an API has a domain of its own: the stage is no part of the address.
            "path": self.uri.path(),
            "protocol": "HTTP/1.1",
            "requestId": request_id,
            "requestTime": time.format("%d/%b/%Y:%H:%M:%S %z").to_string(),
            "requestTimeEpoch": time.timestamp_millis(),
            "resourceId": "local",
            "resourcePath": self.resource,
            "stage": self.stage,
        })
    }

    /// The request's headers and those that a gateway adds.
    fn headers(&self) -> BTreeMap<String, Vec<String>> {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let sent = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)));
        let added = [
            ("x-forwarded-for", self.peer.ip().to_string()),
            ("x-forwarded-proto", "http".to_owned()),
        ];
        grouped(sent.chain(added.map(|(name, value)| (name.to_owned(), value))))
    }

    /// Text as it is, anything else in base64.
    fn body(&self) -> (Option<String>, bool) {
        match std::str::from_utf8(self.body) {
            Ok("") => (None, false),
            Ok(text) => (Some(text.to_owned()), false),
            Err(_) => (Some(STANDARD.encode(self.body)), true),
        }
    }
}

fn grouped(pairs: impl Iterator<Item = (String, String)>) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs {
        groups.entry(name).or_default().push(value);
    }
    groups
}

/// The last value of each name; `null` if there is none at all.
fn last(groups: &BTreeMap<String, Vec<String>>) -> Value {
    let last = |(name, values): (&String, &Vec<String>)| {
        Some((name.clone(), values.last()?.as_str().into()))
    };
    object(groups.iter().filter_map(last).collect())
}

/// Every value of each name; `null` if there is none at all.
fn every(groups: &BTreeMap<String, Vec<String>>) -> Value {
    let every = |(name, values): (&String, &Vec<String>)| (name.clone(), values.as_slice().into());
    object(groups.iter().map(every).collect())
}

fn object(members: Map<String, Value>) -> Value {
    if members.is_empty() {
        Value::Null
    } else {
        Value::Object(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_becomes_an_event_of_payload_format_1_0() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("host", "127.0.0.1:9000"), ("x-tag", "a"), ("x-tag", "b")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let request = Request {
            resource: "/things/{id}",
            parameters: &[("id".to_owned(), "a b".to_owned())],
            method: &Method::POST,
            uri: &"/things/a%20b?tag=1&tag=two+words&label.x=%C3%A9&empty="
                .parse()
                .unwrap(),
            headers: &headers,
            body: b"{}",
            peer: ([127, 0, 0, 1], 4711).into(),
            stage: "local",
        };
        let time = "2026-11-23T08:45:00.250Z".parse().unwrap();
        insta::assert_json_snapshot!(request.document(Uuid::nil(), time), @r#"
        {
          "body": "{}",
          "headers": {
            "host": "127.0.0.1:9000",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-proto": "http",
            "x-tag": "b"
          },
          "httpMethod": "POST",
          "isBase64Encoded": false,
          "multiValueHeaders": {
            "host": [
              "127.0.0.1:9000"
            ],
            "x-forwarded-for": [
              "127.0.0.1"
            ],
            "x-forwarded-proto": [
              "http"
            ],
            "x-tag": [
              "a",
              "b"
            ]
          },
          "multiValueQueryStringParameters": {
            "empty": [
              ""
            ],
            "label.x": [
              "é"
            ],
            "tag": [
              "1",
              "two words"
            ]
          },
          "path": "/things/a%20b",
          "pathParameters": {
            "id": "a b"
          },
          "queryStringParameters": {
            "empty": "",
            "label.x": "é",
            "tag": "two words"
          },
          "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "127.0.0.1:9000",
            "domainPrefix": "local",
            "extendedRequestId": "00000000-0000-0000-0000-000000000000",
            "httpMethod": "POST",
            "identity": {
              "sourceIp": "127.0.0.1",
              "userAgent": null
            },
            "path": "/things/a%20b",
            "protocol": "HTTP/1.1",
            "requestId": "00000000-0000-0000-0000-000000000000",
            "requestTime": "23/Nov/2026:08:45:00 +0000",
            "requestTimeEpoch": 1795423500250,
            "resourceId": "local",
            "resourcePath": "/things/{id}",
            "stage": "local"
          },
          "resource": "/things/{id}",
          "stageVariables": null
        }
        "#);
    }

    #[test]
    fn what_is_not_there_is_null() {
        let request = Request {
            resource: "/",
            parameters: &[],
            method: &Method::GET,
            uri: &"/".parse().unwrap(),
            headers: &HeaderMap::new(),
            body: b"",
            peer: ([127, 0, 0, 1], 4711).into(),
            stage: "local",
        };
        let event = request.document(Uuid::nil(), Utc::now());
        for member in [
            "body",
            "pathParameters",
            "queryStringParameters",
            "multiValueQueryStringParameters",
            "stageVariables",
        ] {
            assert_eq!(event.get(member), Some(&Value::Null), "{member}");
        }
        assert_eq!(event["isBase64Encoded"], false);
    }

    #[test]
    fn a_body_that_is_not_text_is_base64() {
        let request = Request {
            resource: "/",
            parameters: &[],
            method: &Method::PUT,
            uri: &"/".parse().unwrap(),
            headers: &HeaderMap::new(),
            body: &[0xff, 0x00, 0x01],
            peer: ([127, 0, 0, 1], 4711).into(),
            stage: "local",
        };
        let event = request.document(Uuid::nil(), Utc::now());
        assert_eq!(event["body"], "/wAB");
        assert_eq!(event["isBase64Encoded"], true);
    }
}
