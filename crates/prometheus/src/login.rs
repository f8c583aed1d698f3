//! With what requests log in, and from where that is read again when the server refuses it.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use config::{ExposeSecret, PrometheusAuth, PrometheusConfig};
use futures::future::BoxFuture;
use reqwest::{
    RequestBuilder, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use tokio::sync::Mutex;

use crate::client::ClientError;

/// Reads the configuration once more; what keeps it from that, in words.
type Read = dyn Fn() -> BoxFuture<'static, Result<PrometheusConfig, String>> + Send + Sync;

/// What is sent with each request, and how it is renewed.
pub(crate) struct Login {
    current: RwLock<Arc<Credentials>>,
    read: Option<Box<Read>>,
    last_read: Mutex<Option<Instant>>,
}

/// What is sent with a request.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) auth: PrometheusAuth,
    /// Marked as sensitive.
    headers: HeaderMap,
}

/// A secret that was read is left alone for so long.
const RENEWAL_PAUSE: Duration = Duration::from_secs(10);

/// Whether a status says that the login is refused.
pub(crate) fn refuses_login(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Login").field(&self.current()).finish()
    }
}

impl Login {
    /// What a configuration says.
    ///
    /// # Errors
    /// When a header cannot be sent.
    pub(crate) fn new(config: &PrometheusConfig) -> Result<Self, ClientError> {
        Ok(Self {
            current: RwLock::new(Arc::new(Credentials::new(config)?)),
            read: None,
            last_read: Mutex::default(),
        })
    }

    /// The same, which asks `read` for the configuration once more when the server refuses it.
    pub(crate) fn renewed_by(&self, read: Box<Read>) -> Self {
        Self {
            current: RwLock::new(self.current()),
            read: Some(read),
            last_read: Mutex::default(),
        }
    }

    pub(crate) fn current(&self) -> Arc<Credentials> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Reads the secret again after the server refused `refused`, at most every 10 s. Returns whether there are others now.
    pub(crate) async fn renew(&self, refused: &Arc<Credentials>) -> bool {
        let Some(read) = &self.read else {
            return false;
        };
        let mut last = self.last_read.lock().await;
        // Another request may have been faster.
        if !Arc::ptr_eq(&self.current(), refused) {
            return true;
        }
        if last.is_some_and(|at| at.elapsed() < RENEWAL_PAUSE) {
            return false;
        }
        let renewed = match read().await {
            Ok(config) => Credentials::new(&config).map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        *last = Some(Instant::now());
        match renewed {
            Ok(renewed) => {
                tracing::info!(
                    event = "prometheus_login_renewed",
                    "Prometheus refused the login: its secret was read again"
                );
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
                true
            }
            Err(error) => {
                tracing::error!(
                    event = "prometheus_login_not_renewed",
                    error,
                    "Prometheus refuses the login, and its secret cannot be read again"
                );
                false
            }
        }
    }
}

impl Credentials {
    fn new(config: &PrometheusConfig) -> Result<Self, ClientError> {
        Ok(Self {
            auth: config.auth.clone(),
            headers: headers(config)?,
        })
    }

    /// Adds them to a request.
    pub(crate) fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.headers(self.headers.clone());
        match &self.auth {
            PrometheusAuth::None | PrometheusAuth::SigV4 { .. } => request,
            PrometheusAuth::Basic { username, password } => {
                request.basic_auth(username, Some(password.expose_secret()))
            }
            PrometheusAuth::Bearer(token) => request.bearer_auth(token.expose_secret()),
        }
    }
}

fn headers(config: &PrometheusConfig) -> Result<HeaderMap, ClientError> {
    let pairs = config.headers.iter().map(|(name, value)| {
        let refused = || ClientError::Header(name.clone());
        let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| refused())?;
        value.set_sensitive(true);
        let name = HeaderName::try_from(name.as_str()).map_err(|_| refused())?;
        Ok((name, value))
    });
    let mut headers = HeaderMap::new();
    for pair in pairs {
        let (name, value) = pair?;
        headers.append(name, value);
    }
    Ok(headers)
}
