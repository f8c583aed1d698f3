use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TrialDocument;
use crate::sla::Events;

/// What etl is asked to count: the counters and the groups of an objective of events, or the series of a query, as they are
/// now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountRequest {
    /// What an objective of events counts.
    #[serde(default)]
    pub events: Events,
    /// The labels of its groups.
    #[serde(default)]
    pub by: Vec<String>,
    /// The query of a range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

/// What etl answers when it is asked to count. No message: nothing is published.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CountDocument {
    /// Of each objective, in the order given.
    pub counts: Vec<ObjectiveCount>,
    /// Whether the server is read by its query API alone, which reads fewer counters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_query_only: bool,
}

/// What there is now of an objective.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveCount {
    /// The selectors of its sums.
    pub selectors: Vec<SelectorCount>,
    /// How many groups its counters are in; `None` if the server did not say.
    pub groups: Option<u64>,
}

/// What a selector matches now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SelectorCount {
    /// The sum that it is a term of: `good`, `bad` or `total`; or `query`.
    pub sum: String,
    /// The selector, or the query.
    pub selector: String,
    /// How many series; `None` if the server did not say.
    pub series: Option<u64>,
    /// What the server's metadata say that its metric is, such as `counter` or `gauge`; `None` if they do not.
    pub metric_type: Option<String>,
}

/// What etl answers where nothing is published.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum TrialOrCount {
    /// To a dry run.
    Trial(TrialDocument),
    /// To `count`.
    Count(CountDocument),
}
