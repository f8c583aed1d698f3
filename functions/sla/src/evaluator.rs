use std::{error::Error, time::Duration};

use config::{ExposeSecret, SecretString};
use domain::message::TrialDocument;
use reqwest::{
    Client, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, InvalidHeaderValue},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

/// Asks etl to evaluate an SLA at once, so that its answer does not wait for the schedule.
#[derive(Debug)]
pub struct Evaluator {
    /// Where etl is and how it is asked; `None` where nobody said.
    etl: Option<(Client, Url)>,
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvaluator {
    /// The token cannot be a header's value.
    #[error("the API token cannot be sent")]
    Token(#[from] InvalidHeaderValue),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[from] reqwest::Error),
}

/// What came of asking.
#[derive(Debug, Serialize)]
pub(crate) struct Request {
    /// Whether etl ran.
    requested: bool,
    /// Its run.
    run_id: Option<String>,
    /// Why it did not run: the schedule will.
    reason: Option<String>,
}

/// Why nothing could be tried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTried {
    #[error("ETL_URL is not set")]
    Nobody,
    #[error("etl does not answer as it should")]
    Away(#[source] reqwest::Error),
    #[error("etl calls the request invalid")]
    Invalid(Vec<InvalidValue>),
}

impl From<reqwest::Error> for NotTried {
    fn from(error: reqwest::Error) -> Self {
        Self::Away(error.without_url())
    }
}

/// A problem document of etl's, as far as it matters.
#[derive(Deserialize)]
struct Problem {
    errors: Vec<InvalidValue>,
}

/// A value that etl does not take.
#[derive(Debug, Deserialize)]
pub(crate) struct InvalidValue {
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

/// Somebody waits for the answer, and a REST API for 29 s.
pub(crate) const TRIAL_PATIENCE: Duration = Duration::from_secs(25);

/// The change is made already: its maker must not wait long for more.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

impl Evaluator {
    /// Asks etl at `url`, its `ETL_URL`, showing `token`.
    ///
    /// # Errors
    /// When the token is no header's value or the client cannot be made.
    pub fn new(url: Option<Url>, token: Option<&SecretString>) -> Result<Self, InvalidEvaluator> {
        let Some(url) = url else {
            return Ok(Self { etl: None });
        };
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = http_client::builder()
            .timeout(PATIENCE)
            .default_headers(headers)
            .build()?;
        Ok(Self {
            etl: Some((client, route(url))),
        })
    }

    /// Asks for a dry run over `document`, the body of a `POST /ETL`.
    pub(crate) async fn try_out(&self, document: &Value) -> Result<TrialDocument, NotTried> {
        let (client, url) = self.etl.as_ref().ok_or(NotTried::Nobody)?;
        let asked = client
            .post(url.clone())
            .timeout(TRIAL_PATIENCE)
            .json(document)
            .send()
            .await?;
        if asked.status() == StatusCode::UNPROCESSABLE_ENTITY {
            return Err(NotTried::Invalid(asked.json::<Problem>().await?.errors));
        }
        Ok(asked.error_for_status()?.json().await?)
    }

    /// Asks for an evaluation of the SLA `name` now.
    pub(crate) async fn evaluate(&self, name: &str) -> Request {
        let Some((client, url)) = &self.etl else {
            return refused("ETL_URL is not set".to_owned());
        };
        #[derive(Deserialize)]
        struct Run {
            run_id: String,
        }
        let asked = client
            .post(url.clone())
            .json(&serde_json::json!({"sla": name}))
            .send()
            .await;
        let answered = match asked.and_then(reqwest::Response::error_for_status) {
            Ok(response) => response.json::<Run>().await,
            Err(error) => Err(error),
        };
        match answered {
            Ok(run) => Request {
                requested: true,
                run_id: Some(run.run_id),
                reason: None,
            },
            Err(error) => {
                let reason = reason(&error);
                let error = error.without_url();
                tracing::warn!(
                    sla = name,
                    error = &error as &dyn Error,
                    "etl did not evaluate the SLA"
                );
                refused(reason)
            }
        }
    }
}

fn refused(reason: String) -> Request {
    Request {
        requested: false,
        run_id: None,
        reason: Some(reason),
    }
}

fn reason(error: &reqwest::Error) -> String {
    match error.status() {
        Some(status) => format!("etl answered {}", status.as_u16()),
        None if error.is_timeout() => format!("etl did not answer within {} s", PATIENCE.as_secs()),
        None if error.is_decode() => "etl's answer is not understood".to_owned(),
        None => "etl cannot be reached".to_owned(),
    }
}

/// `ETL_URL` may be the whole system's address or the route's.
fn route(mut url: Url) -> Url {
    let path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with("/ETL") {
        url.set_path(&format!("{path}/ETL"));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_route_is_added_where_it_is_missing() {
        for (url, expected) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000/ETL"),
            ("http://127.0.0.1:9000/", "http://127.0.0.1:9000/ETL"),
            ("https://x.example/ETL", "https://x.example/ETL"),
            ("https://x.example/prod/", "https://x.example/prod/ETL"),
        ] {
            assert_eq!(route(url.parse().unwrap()).as_str(), expected);
        }
    }
}
