//! The routes, called as anybody would call them.

use std::{
    env,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::time::sleep;

/// A client of the HTTP routes.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    client: Client,
    base: String,
    token: Option<String>,
}

/// Slower than any function may be.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long something may be away until that is an error.
const AWAY: Duration = Duration::from_secs(20);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(500);

impl Api {
    /// A client of the routes at `base`; of `API_TOKENS` the first that may write is shown.
    ///
    /// # Errors
    /// When no client can be made.
    pub(crate) fn new(base: &str) -> Result<Self> {
        let tokens = env::var("API_TOKENS").unwrap_or_default();
        let mut tokens = tokens.split(',').map(str::trim);
        Ok(Self {
            client: http_client::direct().timeout(PATIENCE).build()?,
            base: base.to_owned(),
            token: tokens
                .find(|token| !token.is_empty() && !token.starts_with("ro:"))
                .map(str::to_owned),
        })
    }

    /// The document at a path.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let (status, document) = self.send(self.request(Method::GET, path)).await?;
        if !status.is_success() {
            bail!("GET {path}: {status}: {document}");
        }
        Ok(document)
    }

    /// Every entry of a list, page by page.
    ///
    /// # Errors
    /// When a page does not come.
    pub(crate) async fn list(&self, path: &str, name: &str) -> Result<Vec<Value>> {
        let mut entries = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut request = self.request(Method::GET, path).query(&[("limit", "1000")]);
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let (status, mut page) = self.send(request).await?;
            if !status.is_success() {
                bail!("GET {path}: {status}: {page}");
            }
            if let Value::Array(found) = page[name].take() {
                entries.extend(found);
            }
            match page["next"].take() {
                Value::String(next) => cursor = Some(next),
                _ => return Ok(entries),
            }
        }
    }

    /// What a POST answers.
    ///
    /// # Errors
    /// When nothing answers.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<(StatusCode, Value)> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// What a POST of YAML answers.
    ///
    /// # Errors
    /// When nothing answers.
    pub(crate) async fn post_yaml(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: String,
    ) -> Result<(StatusCode, Value)> {
        let request = self.request(Method::POST, path).query(query);
        self.send(
            request
                .header("content-type", "application/yaml")
                .body(body),
        )
        .await
    }

    /// Whether a path is answered by a function, however.
    ///
    /// # Errors
    /// When it is not.
    pub(crate) async fn answers(&self, path: &str) -> Result<()> {
        let (status, document) = self.send(self.request(Method::GET, path)).await?;
        if status.is_server_error() {
            bail!("GET {path}: {status}: {document}");
        }
        Ok(())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Where the answer is that something is away, the request is made again: nothing was done, and a busy machine may only
    /// be slow.
    async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Value)> {
        let began = Instant::now();
        loop {
            let again = request
                .try_clone()
                .context("a request cannot be repeated")?;
            let (status, document) = Self::send_once(again).await?;
            if status != StatusCode::SERVICE_UNAVAILABLE || began.elapsed() > AWAY {
                return Ok((status, document));
            }
            sleep(BETWEEN_ATTEMPTS).await;
        }
    }

    async fn send_once(request: RequestBuilder) -> Result<(StatusCode, Value)> {
        let answer = request.send().await.context("the host does not answer")?;
        let status = answer.status();
        let text = answer.text().await?;
        let document = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok((status, document))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::{Router, routing::any};

    use super::*;

    #[tokio::test]
    async fn what_is_away_is_asked_again() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let answer = move || {
            let number = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                match number {
                    0 | 1 => (StatusCode::SERVICE_UNAVAILABLE, "{}"),
                    _ => (StatusCode::OK, r#"{"is": "there"}"#),
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, Router::new().fallback(any(answer))).await });
        let api = Api::new(&base).unwrap();
        assert_eq!(api.get("/path").await.unwrap()["is"], "there");
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        let (status, _) = api.post("/path", &Value::Null).await.unwrap();
        assert_eq!(status, StatusCode::OK);
    }
}
