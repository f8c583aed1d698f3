use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How urgent an alert is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody has to look now.
    #[default]
    Page,
    /// Somebody has to look this week.
    Ticket,
}
