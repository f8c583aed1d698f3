//! The requests: where they go, with which login and headers, by which method, and what a refusal means.

use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws::Signer;
use chrono::Utc;
use config::{PrometheusAuth, PrometheusConfig};
use futures::FutureExt;
use reqwest::{Certificate, Request, RequestBuilder, Response, StatusCode, header::HeaderValue};
use url::Url;

use crate::{
    FetchError,
    error::unreachable,
    learned::Learned,
    login::{Credentials, Login, refuses_login},
    response::{is_busy, refusal, retry_after},
};

/// A client of one Prometheus. Clones share what they learn of the server.
#[derive(Clone, Debug)]
pub struct Prometheus {
    http: reqwest::Client,
    url: Url,
    login: Arc<Login>,
    /// Where every request is signed.
    signer: Option<Signer>,
    pub(crate) learned: Arc<Learned>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// What `PROMETHEUS_CA_FILE` or `PROMETHEUS_CA_PEM` holds is not a certificate.
    #[error("PROMETHEUS_CA: is not a certificate in PEM")]
    Certificate(#[source] reqwest::Error),
    /// A header cannot be sent.
    #[error("PROMETHEUS_HEADERS: `{0}` is not a header that can be sent")]
    Header(String),
    /// The TLS back end cannot be set up.
    #[error("no HTTP client")]
    Client(#[source] reqwest::Error),
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long Prometheus may be silent where somebody waits.
const SILENCE: Duration = Duration::from_secs(20);
/// The same for runs: longer than they wait for one metric, so that a slow query is one that took too long, and not a server
/// that cannot be reached.
const SILENCE_OF_RUNS: Duration = Duration::from_secs(60);
/// How long the simplest query may take.
const PROBE: Duration = Duration::from_secs(3);
/// How long an answer may take, its analysis meanwhile included: less than the function's own time, so that the run's
/// record can say so.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(100);
/// How long the server may work on a query: `timeout` of the query API.
const QUERY_TIMEOUT: &str = "90s";

/// Whether a status says that a POST is not allowed where a GET may be. Some proxies know no route for it, or want a length.
pub(crate) fn forbids_post(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_IMPLEMENTED
            | StatusCode::NOT_FOUND
            | StatusCode::LENGTH_REQUIRED
    )
}

/// Whether a status says that an address is too long, as that of a GET is with a long query.
fn is_too_long(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
    )
}

impl Prometheus {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// When the certificates to trust or the headers cannot be used, or the TLS back end cannot be set up.
    pub fn new(config: &PrometheusConfig) -> Result<Self, ClientError> {
        Self::patient(config, SILENCE)
    }

    /// The same for runs, which have limits of their own: Prometheus may be silent for longer.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn for_runs(config: &PrometheusConfig) -> Result<Self, ClientError> {
        Self::patient(config, SILENCE_OF_RUNS)
    }

    fn patient(config: &PrometheusConfig, silence: Duration) -> Result<Self, ClientError> {
        let mut http = http_client::builder_to([&config.url])
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(silence)
            .timeout(ANSWER_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(pem) = &config.certificates {
            let trusted =
                Certificate::from_pem_bundle(pem.as_bytes()).map_err(ClientError::Certificate)?;
            http = http.tls_certs_merge(trusted);
        }
        Ok(Self {
            http: http.build().map_err(ClientError::Client)?,
            url: config.url.clone(),
            login: Arc::new(Login::new(config)?),
            signer: match &config.auth {
                PrometheusAuth::SigV4 {
                    region,
                    credentials,
                } => Some(Signer::new(credentials, region, "aps")),
                _ => None,
            },
            learned: Arc::default(),
        })
    }

    /// The same, and `read` is asked for the configuration once more when the server refuses the login, which may have been
    /// changed. At most every 10 s.
    #[must_use]
    pub fn renewed_by<F, E>(self, read: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<PrometheusConfig, E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        let read = move || {
            let config = read();
            async move { config.await.map_err(|error| error.to_string()) }.boxed()
        };
        Self {
            login: Arc::new(self.login.renewed_by(Box::new(read))),
            ..self
        }
    }

    /// Asks the query API, by POST, or by GET where POST is not allowed; what is too long for a GET is tried by POST all the
    /// same. The status of the answer is a success.
    ///
    /// A query part of the address (`?namespace=team-a`) is a parameter of each request; of a POST it is also in the form,
    /// which is all that some proxies look at.
    pub(crate) async fn query(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<Response, FetchError> {
        let was_get_only = self.learned.is_get_only();
        if !was_get_only {
            let response = self.post_form(path, parameters).await?;
            if !forbids_post(response.status()) {
                return success(response).await;
            }
        }
        let response = self
            .sent(|| self.http.get(self.address(path)).query(parameters))
            .await?;
        if !forbids_post(response.status()) {
            self.learned.set_get_only();
        }
        if was_get_only && is_too_long(response.status()) {
            let posted = self.post_form(path, parameters).await?;
            if !forbids_post(posted.status()) {
                return success(posted).await;
            }
        }
        success(response).await
    }

    async fn post_form(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<Response, FetchError> {
        let own = parameters
            .iter()
            .map(|(name, value)| (Cow::from(*name), Cow::from(value)));
        let form: Vec<_> = own.chain(self.url.query_pairs()).collect();
        self.sent(|| self.http.post(self.address(path)).form(&form))
            .await
    }

    /// Asks by GET. The answer may have any status but 429 and 503.
    pub(crate) async fn get(&self, path: &str) -> Result<Response, FetchError> {
        self.sent(|| self.http.get(self.address(path))).await
    }

    /// Asks by GET. The status of the answer is a success.
    pub(crate) async fn get_with(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<Response, FetchError> {
        let request = || self.http.get(self.address(path)).query(parameters);
        success(self.sent(request).await?).await
    }

    /// Posts a document. The answer may have any status but 429 and 503.
    pub(crate) async fn post(
        &self,
        path: &str,
        document: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, FetchError> {
        self.sent(|| document(self.http.post(self.address(path))))
            .await
    }

    /// Sends a request, once more if the server is busy.
    async fn sent(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, FetchError> {
        let response = self.logged_in(&request).await?;
        if !is_busy(response.status()) {
            return Ok(response);
        }
        tokio::time::sleep(retry_after(response.headers(), Utc::now())).await;
        let response = self.logged_in(&request).await?;
        if is_busy(response.status()) {
            return Err(refusal(response).await);
        }
        Ok(response)
    }

    /// Sends a request, once more by a login that was read again if the server refuses the first one.
    async fn logged_in(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, FetchError> {
        let credentials = self.login.current();
        let response = self.sent_by(&credentials, request()).await?;
        if refuses_login(response.status()) && self.login.renew(&credentials).await {
            return self.sent_by(&self.login.current(), request()).await;
        }
        Ok(response)
    }

    async fn sent_by(
        &self,
        credentials: &Credentials,
        request: RequestBuilder,
    ) -> Result<Response, FetchError> {
        let request = credentials.authorize(request);
        let request = request.build().map_err(unreachable)?;
        let request = self.signed(request)?;
        self.http.execute(request).await.map_err(unreachable)
    }

    /// Whether it answers anything at all, soon.
    pub(crate) async fn answers(&self) -> bool {
        let query = [("query", "1".to_owned())];
        let answer = tokio::time::timeout(PROBE, self.query("api/v1/query", &query)).await;
        answer.is_ok_and(|answer| !answer.is_err_and(|error| error.is_unreachable()))
    }

    fn address(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url
    }

    /// Whether requests carry a login.
    pub(crate) fn has_login(&self) -> bool {
        !matches!(self.login.current().auth, PrometheusAuth::None)
    }

    /// Whether it is Amazon's, which has no remote read.
    pub(crate) fn is_signed(&self) -> bool {
        self.signer.is_some()
    }

    fn signed(&self, mut request: Request) -> Result<Request, FetchError> {
        let Some(signer) = &self.signer else {
            return Ok(request);
        };
        let body = request.body().and_then(|body| body.as_bytes());
        let signature = signer
            .sign(
                request.method().as_str(),
                request.url().as_str(),
                &[],
                body.unwrap_or_default(),
                SystemTime::now(),
            )
            .map_err(|error| FetchError::Unreachable(error.to_string()))?;
        for (name, value) in signature {
            let value = HeaderValue::try_from(value)
                .map_err(|error| FetchError::Unreachable(error.to_string()))?;
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }
}

async fn success(response: Response) -> Result<Response, FetchError> {
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(refusal(response).await)
    }
}

/// The parameter that ends a query on the server when nobody waits for it any more.
pub(crate) fn timeout() -> (&'static str, String) {
    ("timeout", QUERY_TIMEOUT.to_owned())
}
