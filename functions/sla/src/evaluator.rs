use std::{error::Error, time::Duration};

use aws::{Functions, InvokeError, RequestError};
use config::{ConfigError, Environment, ExposeSecret, SecretString};
use domain::message::{CountDocument, CountRequest, TrialDocument};
use reqwest::{
    Client, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, InvalidHeaderValue},
    redirect::Policy,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::{Host, Url};

/// Asks etl to evaluate an SLA at once, so that its answer does not wait for the schedule.
#[derive(Debug)]
pub struct Evaluator {
    etl: Etl,
}

/// How etl is asked.
#[derive(Debug)]
enum Etl {
    /// Not at all: nobody said where it is.
    Nowhere,
    /// By its route.
    Route(Client, Url),
    /// As a function, with the request that its route would get: no address of it has to be public.
    Function {
        functions: Box<Functions>,
        name: String,
        authorization: Option<SecretString>,
    },
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvaluator {
    /// A variable is malformed.
    #[error(transparent)]
    Variable(#[from] ConfigError),
    /// The token cannot be a header's value.
    #[error("the API token cannot be sent")]
    Token(#[from] InvalidHeaderValue),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[from] reqwest::Error),
}

/// What came of asking.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EvaluationRequest")]
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
    #[error("etl cannot be asked")]
    Away(#[from] Unanswered),
    #[error("etl calls the request invalid")]
    Invalid(Vec<InvalidValue>),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("neither ETL_URL nor ETL_FUNCTION is set")]
    Nobody,
    #[error("etl does not answer at ETL_URL")]
    Route(#[source] reqwest::Error),
    #[error("etl does not answer by Lambda")]
    Function(#[from] InvokeError),
    #[error("etl answered {}", .0.as_u16())]
    Status(StatusCode),
    #[error("etl's answer is not understood")]
    Answer(#[from] serde_json::Error),
}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        Self::Route(error.without_url())
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
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

/// The change waits for it, and a REST API gives 29 s for all of it.
pub(crate) const COUNT_PATIENCE: Duration = Duration::from_secs(10);

impl Evaluator {
    /// Reads `ETL_FUNCTION`, the name of a function of this account and region, or else `ETL_URL`. etl is shown `token`.
    ///
    /// # Errors
    /// When a variable is malformed, `ETL_URL` would carry the token off loopback without TLS, or
    /// [`new`](Self::new) fails.
    pub fn read(
        environment: &Environment,
        token: Option<&SecretString>,
    ) -> Result<Self, InvalidEvaluator> {
        let Some(name) = environment.get("ETL_FUNCTION") else {
            let url = environment.http_url("ETL_URL")?;
            let insecure = |url: &Url| url.scheme() == "http" && !is_on_loopback(url);
            if token.is_some() && url.as_ref().is_some_and(insecure) {
                let reason =
                    "must be https: without TLS everybody on the way could read the API token";
                return Err(ConfigError::new("ETL_URL", reason).into());
            }
            return Self::new(url, token);
        };
        let authorization = token.map(|token| format!("Bearer {}", token.expose_secret()).into());
        Ok(Self {
            etl: Etl::Function {
                functions: Box::new(Functions::read(environment)?),
                name: name.to_owned(),
                authorization,
            },
        })
    }

    /// Asks etl at `url`, its `ETL_URL`, showing `token`.
    ///
    /// # Errors
    /// When the token is not a header's value or the client cannot be made.
    pub fn new(url: Option<Url>, token: Option<&SecretString>) -> Result<Self, InvalidEvaluator> {
        let Some(url) = url else {
            return Ok(Self { etl: Etl::Nowhere });
        };
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = http_client::builder()
            .default_headers(headers)
            // The token is for etl alone.
            .redirect(Policy::none())
            .build()?;
        Ok(Self {
            etl: Etl::Route(client, route(url)),
        })
    }

    /// Asks for a dry run over `document`, the body of a `POST /ETL`.
    pub(crate) async fn try_out(&self, document: &Value) -> Result<TrialDocument, NotTried> {
        let answer = self.post(document, TRIAL_PATIENCE).await?;
        if answer.status == StatusCode::UNPROCESSABLE_ENTITY {
            let problem: Problem = answer.read()?;
            return Err(NotTried::Invalid(problem.errors));
        }
        Ok(answer.of_success()?)
    }

    /// Asks how many counters and groups there are now of these objectives of events. `None` without an answer, which is
    /// logged.
    pub(crate) async fn count(&self, objectives: &[CountRequest]) -> Option<CountDocument> {
        let answered = self
            .post(&json!({"count": objectives}), COUNT_PATIENCE)
            .await;
        match answered.and_then(|answer| answer.of_success::<CountDocument>()) {
            Ok(document) if document.counts.len() == objectives.len() => Some(document),
            Ok(_) => None,
            Err(Unanswered::Nobody) => None,
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::warn!(error, "etl did not count the objectives' counters");
                None
            }
        }
    }

    /// Asks for an evaluation of the SLA `name` now.
    pub(crate) async fn evaluate(&self, name: &str) -> Request {
        #[derive(Deserialize)]
        struct Run {
            run_id: String,
        }
        let answered = self.post(&json!({"sla": name}), PATIENCE).await;
        match answered.and_then(|answer| answer.of_success::<Run>()) {
            Ok(run) => Request {
                requested: true,
                run_id: Some(run.run_id),
                reason: None,
            },
            Err(Unanswered::Nobody) => refused("ETL_URL is not set".to_owned()),
            Err(error) => {
                tracing::warn!(
                    sla = name,
                    error = &error as &dyn Error,
                    "etl did not evaluate the SLA"
                );
                refused(reason(&error))
            }
        }
    }

    async fn post(&self, document: &Value, patience: Duration) -> Result<Answer, Unanswered> {
        match &self.etl {
            Etl::Nowhere => Err(Unanswered::Nobody),
            Etl::Route(client, url) => {
                let request = client.post(url.clone()).timeout(patience).json(document);
                let answer = request.send().await?;
                Ok(Answer {
                    status: answer.status(),
                    body: answer.bytes().await?.to_vec(),
                })
            }
            Etl::Function {
                functions,
                name,
                authorization,
            } => {
                let event = event(document, authorization.as_ref()).to_string().into();
                let answer = functions.invoke(name, event, patience).await?;
                serde_json::from_slice::<Reply>(&answer)?.try_into()
            }
        }
    }
}

/// The event of a request to etl's route.
fn event(document: &Value, authorization: Option<&SecretString>) -> Value {
    let mut headers = json!({"content-type": "application/json"});
    if let Some(authorization) = authorization {
        headers["authorization"] = authorization.expose_secret().into();
    }
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/ETL",
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "stage": "$default",
            "http": {"method": "POST", "path": "/ETL", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
        },
        "body": document.to_string(),
        "isBase64Encoded": false,
    })
}

/// What a function gives back for a request.
#[derive(Deserialize)]
struct Reply {
    #[serde(rename = "statusCode")]
    status: u16,
    #[serde(default)]
    body: Option<String>,
}

/// What etl answered.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl TryFrom<Reply> for Answer {
    type Error = Unanswered;

    fn try_from(reply: Reply) -> Result<Self, Unanswered> {
        let status = StatusCode::from_u16(reply.status);
        Ok(Self {
            status: status.unwrap_or(StatusCode::BAD_GATEWAY),
            body: reply.body.unwrap_or_default().into_bytes(),
        })
    }
}

impl Answer {
    fn of_success<T: DeserializeOwned>(&self) -> Result<T, Unanswered> {
        if self.status.is_success() {
            self.read()
        } else {
            Err(Unanswered::Status(self.status))
        }
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, Unanswered> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

impl Request {
    /// The caller wanted none.
    pub(crate) fn not_wanted() -> Self {
        refused("not_wanted".to_owned())
    }
}

fn refused(reason: String) -> Request {
    Request {
        requested: false,
        run_id: None,
        reason: Some(reason),
    }
}

/// What a caller gets to know.
fn reason(error: &Unanswered) -> String {
    match error {
        Unanswered::Status(_) | Unanswered::Answer(_) => error.to_string(),
        Unanswered::Function(InvokeError::Request(RequestError::Timeout { .. })) => too_late(),
        Unanswered::Route(error) if error.is_timeout() => too_late(),
        Unanswered::Function(InvokeError::Failed(_)) => "etl failed".to_owned(),
        _ => "etl cannot be reached".to_owned(),
    }
}

fn too_late() -> String {
    format!("etl did not answer within {} s", PATIENCE.as_secs())
}

fn is_on_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
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

    #[test]
    fn a_change_is_answered_before_the_gateway_gives_up() {
        let waits = http_api::PATIENCE + COUNT_PATIENCE + PATIENCE;
        assert!(waits < Duration::from_secs(29));
        assert_eq!(COUNT_PATIENCE, Duration::from_secs(10));
    }

    #[test]
    fn the_token_goes_off_loopback_through_tls_alone() {
        let token = SecretString::from("writer-writer-writer");
        for (url, with, without) in [
            ("http://etl.example/ETL", false, true),
            ("https://etl.example/ETL", true, true),
            ("http://127.0.0.1:9000/ETL", true, true),
            ("http://localhost:9000", true, true),
            ("http://[::1]:9000", true, true),
        ] {
            let environment: Environment = [("ETL_URL", url)].into_iter().collect();
            let read = |token| Evaluator::read(&environment, token);
            assert_eq!(read(Some(&token)).is_ok(), with, "{url}");
            assert_eq!(read(None).is_ok(), without, "{url}");
        }
    }
}
