//! What a server says when it does not answer a query.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{
    Response, StatusCode,
    header::{HeaderMap, LOCATION, RETRY_AFTER},
};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use crate::{FetchError, error::unreachable};

/// The most characters of a server's own text that are repeated.
const MOST_CHARACTERS: usize = 300;
/// The most characters of an answer that is no JSON.
const MOST_SHOWN: usize = 100;
/// What is said of an answer that begins as gzip does.
const COMPRESSED: &str = "the answer is compressed by gzip, which was not asked for";
/// An error is no longer than this.
const LONGEST_ERROR: usize = 64 << 10;
/// A configuration is no longer than this.
const LONGEST_DOCUMENT: usize = 16 << 20;
/// How long a busy server is waited for if it does not say.
const DEFAULT_WAIT: Duration = Duration::from_secs(1);
/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Whether a status means that the same request may be answered later.
pub(crate) fn is_busy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    )
}

/// How long to wait before a busy server is asked again: `Retry-After`, in seconds or as a date, at most 10 s.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Duration {
    let asked = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            if let Ok(seconds) = value.trim().parse() {
                return Some(Duration::from_secs(seconds));
            }
            let date = DateTime::parse_from_rfc2822(value.trim()).ok()?;
            // A date that has passed is no wait.
            Some((date.to_utc() - now).to_std().unwrap_or_default())
        });
    asked.unwrap_or(DEFAULT_WAIT).min(LONGEST_WAIT)
}

/// The error that a status other than success means, with the server's own words.
pub(crate) async fn refusal(response: Response) -> FetchError {
    let (status, said) = said(response).await;
    error_of(status, said)
}

/// The error that a status means, `said` being the server's own words.
pub(crate) fn error_of(status: StatusCode, said: String) -> FetchError {
    match status {
        status if is_busy(status) => FetchError::Busy(said),
        StatusCode::REQUEST_TIMEOUT => FetchError::Unreachable(said),
        status if status.is_server_error() => FetchError::Unreachable(said),
        _ => FetchError::Refused(said),
    }
}

/// The status and what the server says with it.
pub(crate) async fn said(response: Response) -> (StatusCode, String) {
    let status = response.status();
    if status.is_redirection() {
        let target = response
            .headers()
            .get(LOCATION)
            .and_then(|location| location.to_str().ok())
            .and_then(|location| response.url().join(location).ok())
            .map(without_secrets)
            .unwrap_or_else(|| "another address".to_owned());
        let words = format!(
            "it redirects to {target} ({status}): set PROMETHEUS_URL to the address that answers itself, with a login if \
             it needs one"
        );
        return (status, words);
    }
    // A body that breaks off is no reason to lose the status.
    let body = bounded(response, LONGEST_ERROR).await.unwrap_or_default();
    let words = match text_of(&body) {
        text if text.is_empty() => format!("status {status}"),
        text => format!("{text} (status {status})"),
    };
    (status, words)
}

/// An address without what may be secret: the login and the query.
fn without_secrets(mut url: Url) -> String {
    // An address that has no login cannot be given one, which is as good.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// The text of an error: what its JSON says, else the body itself, in one line of at most 300 characters.
fn text_of(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(alias = "message", alias = "Message")]
        error: String,
    }
    if is_gzip(body) {
        return COMPRESSED.to_owned();
    }
    let text = serde_json::from_slice(body).map_or_else(
        |_| String::from_utf8_lossy(body).into_owned(),
        |Refusal { error }| error,
    );
    shortened(&text)
}

/// A server's text in one line of at most 300 characters.
pub(crate) fn shortened(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ").chars().take(MOST_CHARACTERS).collect()
}

/// Reads a JSON document.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, FetchError> {
    serde_json::from_slice(body).map_err(|error| malformed(&error.to_string(), body))
}

/// The error of an answer that cannot be read, which begins with `beginning`: what is not JSON at all is shown, because it
/// says who answered instead of Prometheus.
pub(crate) fn malformed(reason: &str, beginning: &[u8]) -> FetchError {
    if is_gzip(beginning) {
        return FetchError::Malformed(COMPRESSED.to_owned());
    }
    let text = String::from_utf8_lossy(beginning);
    let shown: String = shortened(&text).chars().take(MOST_SHOWN).collect();
    FetchError::Malformed(match shown.chars().next() {
        None => "it is empty".to_owned(),
        Some('{') => reason.to_owned(),
        Some(_) => format!("it is no JSON object, but begins with `{shown}`"),
    })
}

fn is_gzip(body: &[u8]) -> bool {
    body.starts_with(&[0x1f, 0x8b])
}

/// A document that is read whole.
pub(crate) async fn document(response: Response) -> Result<Vec<u8>, FetchError> {
    bounded(response, LONGEST_DOCUMENT).await
}

async fn bounded(mut response: Response, most: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > most {
            return Err(FetchError::Malformed(format!(
                "it is larger than {} kB",
                most >> 10
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_s_own_words_are_found_whatever_their_form() {
        for (body, text) in [
            (
                r#"{"status":"error","error":"parse error: x"}"#,
                "parse error: x",
            ),
            (r#"{"message":"no access"}"#, "no access"),
            ("no org id\n", "no org id"),
            ("<html>\n<b>Bad\tGateway</b>", "<html> <b>Bad Gateway</b>"),
            (r#"{"code":5}"#, r#"{"code":5}"#),
            ("", ""),
        ] {
            assert_eq!(text_of(body.as_bytes()), text);
        }
        assert_eq!(text_of("ä".repeat(400).as_bytes()), "ä".repeat(300));
    }

    #[test]
    fn what_is_no_json_is_shown() {
        for (body, said) in [
            ("", "it is empty"),
            (" \n", "it is empty"),
            (
                "<!doctype html>\n<title>",
                "it is no JSON object, but begins with `<!doctype html> <title>`",
            ),
            ("[]", "it is no JSON object, but begins with `[]`"),
            (r#"{"a":}"#, "expected value at line 1 column 6"),
        ] {
            let read = json::<std::collections::HashMap<String, u8>>(body.as_bytes());
            let error = read.unwrap_err().to_string();
            assert!(error.ends_with(said), "{error}");
        }
    }

    #[test]
    fn an_answer_by_gzip_is_named_as_such() {
        let body = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        assert_eq!(text_of(&body), COMPRESSED);
        let read = json::<std::collections::HashMap<String, u8>>(&body);
        let error = read.unwrap_err().to_string();
        assert!(error.ends_with(COMPRESSED), "{error}");
    }

    #[test]
    fn a_server_is_waited_for_as_long_as_it_asks_but_no_longer_than_10_s() {
        let now = DateTime::parse_from_rfc2822("Mon, 23 Nov 2026 08:45:00 GMT").unwrap();
        for (header, seconds) in [
            (Some("3"), 3),
            (Some("0"), 0),
            (Some("3600"), 10),
            (Some("Mon, 23 Nov 2026 08:45:04 GMT"), 4),
            (Some("Mon, 23 Nov 2026 08:44:00 GMT"), 0),
            (Some("soon"), 1),
            (None, 1),
        ] {
            let headers: HeaderMap = header
                .map(|value| (RETRY_AFTER, value.parse().unwrap()))
                .into_iter()
                .collect();
            let wait = retry_after(&headers, now.to_utc());
            assert_eq!(wait, Duration::from_secs(seconds), "{header:?}");
        }
    }
}
