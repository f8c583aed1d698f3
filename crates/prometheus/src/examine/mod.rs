//! What a server is, which ways of reading it has, and what a metric of the metrics file would give: for people who set
//! it up.

mod identity;
mod metric;

use domain::Timestamp;
use promql::{MatchOperator, Matcher, NAME};

use crate::{Prometheus, Selector, learned::Streams};
pub use metric::Examined;

/// What is known of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name, such as `Prometheus` or `VictoriaMetrics`.
    pub name: String,
    /// Its version, where it says so.
    pub version: Option<String>,
    /// The ways of reading it, whether each works, and what there is to know about that.
    pub ways: Vec<Way>,
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
        let asked = self
            .query("api/v1/query", &[("query", "vector(1)".to_owned())])
            .await;
        let works = asked.is_ok();
        let query_api = Way {
            name: "query API",
            works,
            remark: match asked {
                Ok(_) if self.learned.is_get_only() => "by GET; POST is not allowed".to_owned(),
                Ok(_) => "by POST".to_owned(),
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
            ways,
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
            (Streams::Yes { external, .. }, Ok(_)) if external.is_empty() => (true, "in chunks".to_owned()),
            (Streams::Yes { external, .. }, Ok(_)) => (
                true,
                format!("in chunks; the external labels {} are taken off", external.names()),
            ),
            (Streams::No { warning: Some(why), .. }, _) => (false, why.clone()),
            (_, Err(error)) => (false, error.to_string()),
            _ if self.is_signed() => (false, "Amazon's has none: the query API is asked".to_owned()),
            _ => (
                false,
                "not tried, because the server does not show its configuration, whose external labels have to be known: \
                 the query API is asked"
                    .to_owned(),
            ),
        };
        Way {
            name: "remote read",
            works,
            remark,
        }
    }
}
