use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use url::Url;

use crate::{Signer, SigningError};

/// A request to AWS that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It cannot be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// It cannot be written.
    #[error("the request is malformed")]
    Malformed(#[from] http::Error),
    /// Nobody answers.
    #[error("{host} cannot be reached")]
    Unreachable {
        /// Who.
        host: String,
        /// Why.
        source: hyper_util::client::legacy::Error,
    },
    /// The answer breaks off or is too long.
    #[error("the answer of {host} cannot be read: {reason}")]
    Answer {
        /// Whose.
        host: String,
        /// Why.
        reason: String,
    },
    /// Nobody answers in time.
    #[error("{host} does not answer within {seconds} s")]
    Timeout {
        /// Who.
        host: String,
        /// How long was waited.
        seconds: u64,
    },
}

/// An answer that is a short document, in bytes.
pub(crate) const SHORT: usize = 1 << 20;

/// Posts a signed document and returns the answer, which has at most `longest` bytes.
pub(crate) async fn post(
    signer: &Signer,
    url: &Url,
    headers: &[(&str, &str)],
    body: Vec<u8>,
    patience: Duration,
    longest: usize,
) -> Result<Response<Bytes>, RequestError> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let signature = signer.sign("POST", url.as_str(), headers, &body, SystemTime::now())?;
    let mut request = Request::post(url.as_str());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    for (name, value) in &signature {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(Bytes::from(body)))?;
    let answered = async {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(|error| RequestError::Answer {
                host: host.clone(),
                reason: error.to_string(),
            })?
            .https_or_http()
            .enable_http1()
            .build();
        let answer = Client::builder(TokioExecutor::new())
            .build::<_, Full<Bytes>>(connector)
            .request(request)
            .await
            .map_err(|source| RequestError::Unreachable {
                host: host.clone(),
                source,
            })?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, longest);
        let body = body.collect().await.map_err(|error| RequestError::Answer {
            host: host.clone(),
            reason: error.to_string(),
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    };
    match tokio::time::timeout(patience, answered).await {
        Ok(answer) => answer,
        Err(_) => Err(RequestError::Timeout {
            host,
            seconds: patience.as_secs(),
        }),
    }
}
