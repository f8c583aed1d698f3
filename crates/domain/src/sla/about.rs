//! What an SLA or an objective is, for people, and where it was written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::series::Labels;

/// What an SLA or an objective is, for people: nothing is judged by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct About {
    /// What people call it, up to 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What it is about, up to 4,096 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Anything else, up to 64 texts by their names.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub annotations: Labels,
}

impl About {
    /// The most characters of a name for people.
    pub const LONGEST_NAME: usize = 255;
    /// The most bytes of a description.
    pub const LONGEST_DESCRIPTION: usize = 4096;
    /// The most annotations.
    pub const MOST_ANNOTATIONS: usize = 64;
}

fn is_empty(labels: &Labels) -> bool {
    labels.0.is_empty()
}

/// The document that an SLA was imported from: another one with the same origin is its next version.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Origin {
    /// The format and its version, such as `openslo/v1`.
    pub format: String,
    /// The kind of document, such as `SLO`.
    pub kind: String,
    /// The namespace; empty where the format has none, or the document does not say.
    pub namespace: String,
    /// The name, as the document has it.
    pub name: String,
}
