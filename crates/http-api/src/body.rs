use std::borrow::Cow;

use lambda_http::{
    Body,
    http::{HeaderMap, header},
};
use serde_json::Value;

use crate::{ApiError, Fault, repeated::repeated_names};

/// No more names that appear twice are reported.
const MOST_REPEATED: usize = 20;

/// What the body says; `Null` where there is none.
pub(crate) fn parse(headers: &HeaderMap, body: &Body) -> Result<Value, ApiError> {
    let bytes = bytes(body);
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    if !may_be_json(headers) {
        return Err(ApiError::UnsupportedMediaType);
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| ApiError::NotJson("it is not UTF-8".to_owned()))?;
    let text = without_unreal_numbers(text);
    let value =
        serde_json::from_str(&text).map_err(|error| ApiError::NotJson(error.to_string()))?;
    let repeated = repeated_names(&text, MOST_REPEATED);
    if repeated.is_empty() {
        return Ok(value);
    }
    let faults = repeated.into_iter();
    Err(ApiError::Invalid(
        faults
            .map(|pointer| Fault::at(pointer, "appears twice"))
            .collect(),
    ))
}

/// The pairs of a form; none where there is no body.
pub(crate) fn form(headers: &HeaderMap, body: &Body) -> Result<Vec<(String, String)>, ApiError> {
    let bytes = bytes(body);
    if bytes.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    if essence(headers).is_none_or(|essence| essence != "application/x-www-form-urlencoded") {
        return Err(ApiError::UnsupportedForm);
    }
    Ok(form_urlencoded::parse(bytes).into_owned().collect())
}

/// The body's bytes.
pub(crate) fn bytes(body: &Body) -> &[u8] {
    match body {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    }
}

/// Refuses a body of more than `limit` bytes.
pub(crate) fn check_length(body: &Body, limit: usize) -> Result<(), ApiError> {
    if bytes(body).len() > limit {
        return Err(ApiError::TooLarge { limit });
    }
    Ok(())
}

/// Whether the content type is JSON's, or none that was chosen: `curl -d` calls everything a form.
fn may_be_json(headers: &HeaderMap) -> bool {
    let Some(essence) = essence(headers) else {
        return true;
    };
    let json_suffix = essence.starts_with("application/") && essence.ends_with("+json");
    json_suffix
        || matches!(
            essence.as_str(),
            "application/json" | "application/x-www-form-urlencoded"
        )
}

/// What the content type is without its parameters, in small letters; `None` where none is given.
fn essence(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?;
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default();
    Some(essence.trim().to_ascii_lowercase())
}

/// What stands in for a number that no f64 can hold: a value that no field takes, so that the fault is reported at its place
/// among all others instead of as a fault of the whole document.
const STAND_IN: &str = "[[]]";

/// The JSON text, with a stand-in for `1e400`, `NaN`, `Infinity` and `-Infinity`.
fn without_unreal_numbers(text: &str) -> Cow<'_, str> {
    let mut rewritten = String::new();
    let (mut copied, mut at) = (0, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        at = match bytes[at] {
            b'"' => end_of_string(bytes, at),
            byte if is_literal(byte) => {
                let length = bytes[at..]
                    .iter()
                    .take_while(|byte| is_literal(**byte))
                    .count();
                let end = at + length;
                if is_unreal(&text[at..end]) {
                    rewritten.push_str(&text[copied..at]);
                    rewritten.push_str(STAND_IN);
                    copied = end;
                }
                end
            }
            _ => at + 1,
        };
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    rewritten.push_str(&text[copied..]);
    Cow::Owned(rewritten)
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn is_unreal(literal: &str) -> bool {
    if matches!(literal, "NaN" | "Infinity" | "-Infinity") {
        return true;
    }
    let numeric = literal.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    // Too long for f64 or not, whatever JSON's grammar refuses stays a fault of the document.
    numeric
        && literal.parse::<f64>().is_ok_and(f64::is_infinite)
        && literal
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(content_type: Option<&str>, body: impl Into<Body>) -> Result<Value, u16> {
        let headers = content_type.map(|value| (header::CONTENT_TYPE, value.parse().unwrap()));
        parse(&headers.into_iter().collect(), &body.into()).map_err(|error| error.status().as_u16())
    }

    #[test]
    fn json_is_read_under_any_name_it_may_have() {
        for content_type in [
            None,
            Some("application/json"),
            Some("Application/JSON; charset=utf-8"),
            Some("application/merge-patch+json"),
            Some("application/x-www-form-urlencoded"),
        ] {
            assert_eq!(
                read(content_type, r#"{"a":1}"#),
                Ok(json!({"a": 1})),
                "{content_type:?}"
            );
        }
    }

    #[test]
    fn another_media_type_is_refused_only_where_there_is_a_body() {
        for content_type in ["text/plain", "application/xml", "", "image/svg+json"] {
            assert_eq!(read(Some(content_type), "{}"), Err(415), "{content_type}");
            assert_eq!(
                read(Some(content_type), ""),
                Ok(Value::Null),
                "{content_type}"
            );
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "{",
            "nope",
            "{'a':1}",
            "[1,]",
            "{\"a\":01}",
            "1e400e1",
            "\"\\",
            &"[".repeat(10_000),
        ] {
            assert_eq!(read(None, text), Err(400), "{text:.20}");
        }
        assert_eq!(read(None, vec![b'"', 0xff, b'"']), Err(400));
    }

    #[test]
    fn a_long_body_is_refused() {
        for body in [Body::from("xyz"), Body::from(b"xyz".to_vec())] {
            assert!(check_length(&body, 3).is_ok());
            assert!(check_length(&body, 2).is_err_and(|error| error.status().as_u16() == 413));
        }
        assert!(check_length(&Body::Empty, 0).is_ok());
    }

    #[test]
    fn a_number_beyond_f64_is_a_fault_of_its_place() {
        let stand_in: Value = serde_json::from_str(STAND_IN).unwrap();
        for number in ["1e400", "-1E+999", "NaN", "Infinity", "-Infinity"] {
            let text = format!(r#"{{"a\"1e400":"NaN 1e400","b":[{number},1]}}"#);
            let expected = json!({"a\"1e400": "NaN 1e400", "b": [stand_in, 1]});
            assert_eq!(read(None, text), Ok(expected), "{number}");
        }
        assert_eq!(
            read(None, "[1e308,-0.0,1e-400]"),
            Ok(json!([1e308, -0.0, 0.0]))
        );
    }
}
