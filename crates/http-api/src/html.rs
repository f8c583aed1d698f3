//! Replies for people: HTML under one policy, compressed, and answered with 304 while the data is the same.

use std::io::Write;

use domain::Timestamp;
use flate2::{Compression, write::GzEncoder};
use lambda_http::{
    Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use pages::{Frame, Refusal};
use sha2::{Digest, Sha256};

use crate::{ApiError, Call, Fault, Place, Reply, body};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; frame-ancestors 'none'",
);
/// A shorter body is not worth it.
const FEWEST_COMPRESSED: usize = 256;

/// What a browser says that decides how it is answered.
#[derive(Debug)]
pub(crate) struct Wanted {
    takes_gzip: bool,
    known: Vec<String>,
}

impl Wanted {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let listed = |name: header::HeaderName| {
            let values = headers.get_all(name).into_iter();
            let texts = values.filter_map(|value| value.to_str().ok().map(str::to_owned));
            texts.collect::<Vec<_>>().join(",")
        };
        let encodings = listed(header::ACCEPT_ENCODING);
        let known = listed(header::IF_NONE_MATCH);
        Self {
            takes_gzip: encodings.split(',').any(takes_gzip),
            known: known.split(',').map(|tag| tag.trim().to_owned()).collect(),
        }
    }
}

fn takes_gzip(encoding: &str) -> bool {
    let mut parts = encoding.split(';').map(str::trim);
    let is_gzip = parts.next() == Some("gzip");
    let is_refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
    is_gzip && !is_refused
}

/// 200 and a page. `render` is asked twice: with the time, for the page, and without, for its tag: ages in words are no data.
pub fn page(call: &Call, render: impl Fn(Option<Timestamp>) -> String) -> Reply {
    let digest = Sha256::digest(render(None).as_bytes());
    let tag: String = digest[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut reply = written(StatusCode::OK, render(Some(call.now)));
    let headers = reply.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&format!("W/\"{tag}\"")) {
        headers.insert(header::ETAG, tag);
    }
    let fresh = HeaderValue::from_static("private, no-cache");
    headers.insert(header::CACHE_CONTROL, fresh);
    reply
}

/// 200 and a page that is an answer to this request alone.
pub fn once(text: String) -> Reply {
    written(StatusCode::OK, text)
}

/// 400 and a page that says what is wrong with what was typed.
pub fn refused(text: String) -> Reply {
    written(StatusCode::BAD_REQUEST, text)
}

/// 409 and a page that says what it contradicts.
pub fn contradicting(text: String) -> Reply {
    written(StatusCode::CONFLICT, text)
}

/// 412 and a page that says what changed in the meantime.
pub fn outdated(text: String) -> Reply {
    written(StatusCode::PRECONDITION_FAILED, text)
}

/// 401 and a page that asks for a token.
pub(crate) fn unauthorized(text: String) -> Reply {
    written(StatusCode::UNAUTHORIZED, text)
}

fn written(status: StatusCode, text: String) -> Reply {
    let mut reply = Response::new(Body::from(text));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HTML);
    let own = HeaderValue::from_static("no-store");
    headers.insert(header::CACHE_CONTROL, own);
    reply
}

/// 303: the browser goes on at `location`.
///
/// # Errors
/// When `location` cannot be a header's value, which is a defect.
pub fn see_other(location: &str) -> Result<Reply, ApiError> {
    let mut reply = written(StatusCode::SEE_OTHER, String::new());
    let location = HeaderValue::from_str(location).map_err(ApiError::internal)?;
    reply.headers_mut().insert(header::LOCATION, location);
    Ok(reply)
}

/// What a browser is shown in place of a problem document.
pub(crate) fn problem(error: &ApiError, base: &str) -> Reply {
    let status = match error {
        // A form is a list of texts: whatever is wrong with them, the request is.
        ApiError::Invalid(_) => StatusCode::BAD_REQUEST,
        error => error.status(),
    };
    let faults: &[Fault] = match error {
        ApiError::BadParameters(faults) | ApiError::Invalid(faults) => faults,
        _ => &[],
    };
    let faults = faults.iter().map(|fault| {
        let place = match &fault.place {
            Place::Pointer(place) | Place::Parameter(place) | Place::Header(place) => place,
        };
        (place.clone(), fault.detail.clone())
    });
    let refusal = Refusal {
        status: status.as_u16(),
        title: status.canonical_reason().unwrap_or("Error").to_owned(),
        detail: error.to_string(),
        faults: faults.collect(),
    };
    let mut reply = written(status, pages::refusal(&Frame::bare(base), &refusal));
    for (name, value) in error.reply().headers() {
        if [header::ALLOW, header::RETRY_AFTER, header::WWW_AUTHENTICATE].contains(name) {
            reply.headers_mut().insert(name, value.clone());
        }
    }
    reply
}

/// Gives a reply the policy of all pages, and makes it as short as the browser permits.
pub(crate) fn finish(mut reply: Reply, wanted: &Wanted) -> Reply {
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    let referrer = HeaderValue::from_static("same-origin");
    headers.insert(header::REFERRER_POLICY, referrer);
    let sniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, sniff);
    let varies = "Accept, Accept-Encoding, Cookie, Authorization";
    headers
        .entry(header::VARY)
        .or_insert(HeaderValue::from_static(varies));
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let is_known = tag.is_some_and(|tag| wanted.known.iter().any(|known| known == tag));
    if reply.status() == StatusCode::OK && is_known {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        *reply.body_mut() = Body::Empty;
        return reply;
    }
    if reply.headers().contains_key(header::CONTENT_ENCODING) || !wanted.takes_gzip {
        return reply;
    }
    let plain = body::bytes(reply.body());
    if plain.len() >= FEWEST_COMPRESSED
        && let Some(short) = compressed(plain)
    {
        *reply.body_mut() = Body::Binary(short);
        let gzip = HeaderValue::from_static("gzip");
        reply.headers_mut().insert(header::CONTENT_ENCODING, gzip);
    }
    reply
}

fn compressed(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(8));
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(headers: &[(header::HeaderName, &str)]) -> Wanted {
        let pairs = headers.iter().cloned();
        Wanted::of(
            &pairs
                .map(|(name, value)| (name, value.parse().unwrap()))
                .collect(),
        )
    }

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        for (encodings, takes) in [
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("gzip;q=0", false),
            ("gzip; q=0", false),
            ("br", false),
            ("", false),
        ] {
            let wanted = wanted(&[(header::ACCEPT_ENCODING, encodings)]);
            assert_eq!(wanted.takes_gzip, takes, "{encodings}");
            let reply = finish(once("word ".repeat(1000)), &wanted);
            let is_short = reply.headers().contains_key(header::CONTENT_ENCODING);
            assert_eq!(is_short, takes);
            assert_eq!(body::bytes(reply.body()).len() < 500, takes);
        }
    }

    #[test]
    fn what_the_browser_knows_is_not_sent_again() {
        let reply = || {
            let mut reply = once("text".to_owned());
            let tag = HeaderValue::from_static("W/\"1\"");
            reply.headers_mut().insert(header::ETAG, tag);
            reply
        };
        let known = finish(
            reply(),
            &wanted(&[(header::IF_NONE_MATCH, "\"2\", W/\"1\"")]),
        );
        assert_eq!(known.status(), 304);
        assert!(body::bytes(known.body()).is_empty());
        assert!(
            known
                .headers()
                .contains_key(header::CONTENT_SECURITY_POLICY)
        );
        let other = finish(reply(), &wanted(&[(header::IF_NONE_MATCH, "W/\"2\"")]));
        assert_eq!(other.status(), 200);
    }
}
