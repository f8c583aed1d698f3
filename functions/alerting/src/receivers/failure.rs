//! Why a receiver did not take something, in a sentence that shows neither its address nor what it answered.

use std::{error::Error, io, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{StatusCode, header::HeaderMap};
use rustls::CertificateError;

use super::resolver::RefusedAddress;

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was taken.
    Taken(u16),
    /// It was not.
    Failed {
        /// The status of the answer, if there was one.
        status: Option<u16>,
        /// Why.
        error: String,
        /// How long the receiver asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The receiver wants nothing more: it answered 410.
    Gone,
}

impl Attempt {
    /// One that never came to an answer.
    pub(super) fn failed(error: impl Into<String>) -> Self {
        Self::Failed {
            status: None,
            error: error.into(),
            retry_after: None,
        }
    }

    /// What an answer says.
    pub(super) fn answered(status: StatusCode, headers: &HeaderMap) -> Self {
        let code = status.as_u16();
        if status.is_success() {
            return Self::Taken(code);
        }
        if status == StatusCode::GONE {
            return Self::Gone;
        }
        let error = match status.is_redirection() {
            true => format!("it answered {code}: redirects are not followed"),
            false => format!("it answered {code}"),
        };
        Self::Failed {
            status: Some(code),
            error,
            retry_after: retry_after(headers, Utc::now()),
        }
    }

    /// The status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Taken(status) => Some(*status),
            Self::Failed { status, .. } => *status,
            Self::Gone => Some(StatusCode::GONE.as_u16()),
        }
    }

    /// Why it was not taken.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Taken(_) => None,
            Self::Failed { error, .. } => Some(error),
            Self::Gone => Some("it answered 410: it is disabled"),
        }
    }
}

/// Seconds or a date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

/// What a connection may come to, by words that show no address.
const NETWORK: [io::ErrorKind; 8] = [
    io::ErrorKind::ConnectionRefused,
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::HostUnreachable,
    io::ErrorKind::NetworkUnreachable,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::UnexpectedEof,
    io::ErrorKind::TimedOut,
];

/// Why there is no answer.
pub(super) fn sentence(error: &reqwest::Error) -> String {
    if let Some(cause) = error.source().and_then(known_cause) {
        cause
    } else if error.is_timeout() {
        "it did not answer in time".to_owned()
    } else if error.is_connect() {
        "it cannot be reached: its name is not found, or nobody listens".to_owned()
    } else {
        "its answer breaks off or is no HTTP".to_owned()
    }
}

/// The first cause that there is a sentence for, in an error, in what it wraps, and in its causes.
fn known_cause(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(refused) = error.downcast_ref::<RefusedAddress>() {
        return Some(refused.to_string());
    }
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls_sentence(tls));
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // What it wraps does not count as a cause.
        let wrapped = error.get_ref().and_then(|wrapped| known_cause(wrapped));
        if wrapped.is_some() {
            return wrapped;
        }
        if NETWORK.contains(&error.kind()) {
            return Some(format!("it cannot be reached: {}", error.kind()));
        }
    }
    error.source().and_then(known_cause)
}

fn tls_sentence(error: &rustls::Error) -> String {
    let why = match error {
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "it is not valid yet"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "it is for another name"
            }
            CertificateError::UnknownIssuer => "its issuer is not known",
            CertificateError::Revoked => "it is revoked",
            _ => "it is not valid",
        },
        _ => return "TLS does not come about".to_owned(),
    };
    format!("its certificate is refused: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_asks_to_wait_in_seconds_or_until_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-23T08:45:00Z");
        let now = now.unwrap().to_utc();
        for (value, expected) in [
            ("120", Some(120)),
            ("Mon, 23 Nov 2026 08:47:00 GMT", Some(120)),
            ("Mon, 23 Nov 2026 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let headers = [("retry-after", value)].map(|(name, value)| {
                (
                    reqwest::header::HeaderName::from_static(name),
                    value.parse().unwrap(),
                )
            });
            let headers = headers.into_iter().collect();
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{value}");
        }
    }
}
