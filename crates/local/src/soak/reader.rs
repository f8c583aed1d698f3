//! Lists of the API, page by page.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::time::sleep;

use super::load::PATIENCE;

/// Whoever reads lists.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    client: reqwest::Client,
    http: &'a str,
}

/// Nothing is broken any more when lists are read: an error that stays is one.
const ATTEMPTS: usize = 5;
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(3);

impl<'a> Reader<'a> {
    pub(super) fn new(http: &'a str) -> Result<Self> {
        let client = http_client::direct().timeout(PATIENCE).build()?;
        Ok(Self { client, http })
    }

    /// Every item of a list. The path has a `?` in it.
    ///
    /// # Errors
    /// When it does not answer, or there is no such list.
    pub(super) async fn all(&self, path: &str, key: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self.get(&format!("{path}{cursor}")).await?;
            let found = page[key]
                .as_array_mut()
                .with_context(|| format!("{path} has no {key}"))?;
            items.append(found);
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let mut attempts = 1;
        loop {
            match self.once(path).await {
                Err(_) if attempts < ATTEMPTS => attempts += 1,
                answer => return answer.with_context(|| format!("asking for {path}")),
            }
            sleep(BETWEEN_ATTEMPTS).await;
        }
    }

    async fn once(&self, path: &str) -> reqwest::Result<Value> {
        let answer = self.client.get(format!("{}{path}", self.http)).send();
        answer.await?.error_for_status()?.json().await
    }
}
