//! What a server is, which ways of reading it has, and what a metric of the metrics file would give: for people who set
//! it up.

mod identity;
mod lateness;
mod metric;

use domain::Timestamp;
use promql::{MatchOperator, Matcher, NAME};
use reqwest::StatusCode;
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    FetchError, Prometheus, Selector,
    learned::Streams,
    response::{document, json},
};
pub use metric::Examined;

/// What is known of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name, such as `Prometheus` or `VictoriaMetrics`, where it says so.
    pub name: Option<String>,
    /// Its version, where it says so.
    pub version: Option<String>,
    /// Whether anything answers.
    pub answers: bool,
    /// The ways of reading it, whether each works, and what there is to know about that.
    pub ways: Vec<Way>,
    /// What to change so that it can be read, or is read better, a sentence each.
    pub advice: Vec<String>,
}

/// A way of reading a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Which.
    pub name: &'static str,
    /// Whether it works.
    pub works: bool,
    /// How, or why not.
    pub remark: String,
}

impl Prometheus {
    /// Asks a server what it is and tries the ways of reading it.
    pub async fn examine(&self, now: Timestamp) -> Server {
        let (name, version) = self.identity().await;
        let asked = self.one().await;
        let works = asked.is_ok();
        let answers = !matches!(asked, Err(FetchError::Unreachable(_)));
        let advice = match &asked {
            Ok(()) => self.late_expressions(now).await,
            Err(error) => self.what_to_change(error).await,
        };
        let query_api = Way {
            name: "query API",
            works,
            remark: match asked {
                Ok(()) if self.learned.is_get_only() => "by GET; POST is not allowed".to_owned(),
                Ok(()) => "by POST".to_owned(),
                Err(error) => error.to_string(),
            },
        };
        let mut ways = vec![query_api];
        if works {
            ways.push(self.examine_remote_read(now).await);
        }
        Server {
            name,
            version,
            answers,
            ways,
            advice: advice.into_iter().collect(),
        }
    }

    /// Asks for the simplest series there is.
    async fn one(&self) -> Result<(), FetchError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "data")]
            _data: Vector,
        }
        #[derive(Deserialize)]
        struct Vector {
            #[serde(rename = "result")]
            _result: IgnoredAny,
        }
        let query = [("query", "vector(1)".to_owned())];
        let response = self.query("api/v1/query", &query).await?;
        json(&document(response).await?).map(|Answer { .. }| ())
    }

    /// What to change where the query API does not answer.
    async fn what_to_change(&self, error: &FetchError) -> Option<String> {
        let status = match error {
            FetchError::Unreachable(said) if said.contains("InvalidContentType") => {
                return Some(
                    "The server speaks no TLS there: write http:// in its address.".to_owned(),
                );
            }
            FetchError::Unreachable(said) if said.contains("certificate") => {
                return Some(
                    "A certificate is in the way. One that a CA of your own signed is trusted with PROMETHEUS_CA_FILE, which names \
                     the CA's certificate in PEM; the address has to be a name that the certificate holds."
                        .to_owned(),
                );
            }
            FetchError::Unreachable(_) => {
                return Some(
                    "Is a Prometheus running there, and can this machine reach it? Its address is that of --prometheus, else \
                     PROMETHEUS_URL; a Prometheus at its defaults is at http://HOST:9090."
                        .to_owned(),
                );
            }
            FetchError::Malformed(_) => None,
            FetchError::Refused(_) => Some(self.get("api/v1/query").await.ok()?.status()),
            _ => return None,
        };
        match status {
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Some(if self.has_login() {
                "It refuses the login that was given: are the user and the password, or the token, right, and may they read? \
                 A server with tenants also wants PROMETHEUS_HEADERS='X-Scope-OrgID: team-a'."
                    .to_owned()
            } else {
                "It wants a login, which PROMETHEUS_AUTH says (basic, bearer or sigv4), or a header with the tenant, such as \
                 PROMETHEUS_HEADERS='X-Scope-OrgID: team-a'."
                    .to_owned()
            }),
            Some(StatusCode::NOT_FOUND) | None => Some(
                "What answers there is no API of a Prometheus: the address is what stands before /api/v1, such as \
                 http://mimir:8080/prometheus for Mimir."
                    .to_owned(),
            ),
            Some(_) => None,
        }
    }

    /// Tries remote read with a series that every server that scrapes has.
    async fn examine_remote_read(&self, now: Timestamp) -> Way {
        let matcher = Matcher {
            label: NAME.to_owned(),
            operator: MatchOperator::Equal,
            value: "up".to_owned(),
        };
        let selector = Selector {
            text: "up".to_owned(),
            matchers: vec![matcher],
        };
        let (_, outcome) = self.last_hour_of(selector, now).await;
        let (works, remark) = match (&*self.learned.streams.lock().await, outcome) {
            (Streams::Yes { external, .. }, Ok(_)) if external.is_empty() => {
                (true, "in chunks".to_owned())
            }
            (Streams::Yes { external, .. }, Ok(_)) => (
                true,
                format!(
                    "in chunks; its external labels ({}) are taken off each series",
                    external.names()
                ),
            ),
            (Streams::No { warning, .. }, _) => (false, warning.clone()),
            (_, Err(error)) => (false, error.to_string()),
            _ if self.is_signed() => (
                false,
                "Amazon's has none: the query API is asked instead".to_owned(),
            ),
            _ => (
                false,
                "not tried: the query API is asked instead".to_owned(),
            ),
        };
        Way {
            name: "remote read",
            works,
            remark,
        }
    }
}

#[cfg(test)]
mod tests;
