//! Which kind of objective an entry of an answer is about.

use schemars::JsonSchema;
use serde::Serialize;

/// A range: it is about time.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(crate) enum OfRange {
    #[serde(rename = "range")]
    Range,
}

/// A share of events.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(crate) enum OfEvents {
    #[serde(rename = "events")]
    Events,
}
