//! What an SLA is: a named, versioned set of objectives. [`Draft`] reads one from what people write.

mod draft;
mod exclusion;
mod terms;
mod trial;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Labels, duration};

pub use draft::{Draft, InvalidDraft};
pub use exclusion::{ExcludedTime, Exclusion, ExclusionDraft};
pub use terms::{BudgetWindow, Missing, Terms, UnknownTerm};
pub use trial::Trial;

/// The SLA that is meant where none is named.
pub const DEFAULT_NAME: &str = "default";

/// A range that the series of one metric which carry given labels should keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Objective {
    /// Unique in its SLA: given by the user, or 16 hex digits of SHA-256 over metric, labels, min, max and `for`.
    pub id: String,
    /// The metric's name.
    pub metric: String,
    /// Exact matches, a subset of the series' labels.
    pub labels: Labels,
    /// The smallest value in range, inclusive; `None`: no lower bound.
    pub min: Option<f64>,
    /// The greatest value in range, inclusive; `None`: no upper bound.
    pub max: Option<f64>,
    /// How long a value must be out of range to violate, 0 to 1 h; default 0.
    #[serde(rename = "for", with = "written_duration")]
    #[schemars(with = "String")]
    pub hold: Duration,
    /// The share of the time that should be good, 0 to 1, both exclusive; `None`: there is no budget.
    #[serde(default)]
    pub target: Option<f64>,
    /// The time the target is about; default 30d.
    #[serde(default)]
    pub budget_window: BudgetWindow,
    /// What the time without a sample is for the budget; default `excluded`.
    #[serde(default)]
    pub missing: Missing,
}

/// A version of an SLA as etl evaluates it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sla {
    /// Its name: `[a-z0-9][a-z0-9._-]{0,62}`.
    pub name: String,
    /// The version, from 1; versions of a name never restart.
    pub version: u32,
    /// The objectives, in the order given.
    pub objectives: Vec<Objective>,
}

impl Objective {
    /// What its budget is.
    pub fn terms(&self) -> Terms {
        Terms {
            target: self.target,
            window: self.budget_window,
            missing: self.missing,
        }
    }

    /// The id of an objective that was given none: 16 hex digits of SHA-256 over metric, labels, min, max and `for`, each
    /// length-prefixed (64 bit, big endian), the labels preceded by their number.
    pub fn default_id(&self) -> String {
        let bound =
            |bound: Option<f64>| bound.map_or(String::new(), |bound| format!("{:?}", bound + 0.0));
        let labels = self
            .labels
            .0
            .iter()
            .flat_map(|(name, value)| [name.clone(), value.clone()]);
        let texts = [self.metric.clone(), self.labels.0.len().to_string()]
            .into_iter()
            .chain(labels)
            .chain([
                bound(self.min),
                bound(self.max),
                duration::format(self.hold),
            ]);
        let mut hash = Sha256::new();
        for text in texts {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.finalize()[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Whether `name` may name an SLA: `[a-z0-9][a-z0-9._-]{0,62}`, and not `try`.
pub fn is_sla_name(name: &str) -> bool {
    let legal =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    begins && name.len() <= 63 && name.chars().all(legal) && name != "try"
}

/// Whether `id` may be an objective's: `[A-Za-z0-9._-]{1,63}`.
pub fn is_objective_id(id: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=63).contains(&id.len()) && id.chars().all(legal)
}

/// Whether `name` is a label's in Prometheus: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_label_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

mod written_duration {
    use serde::{Deserializer, Serializer, de::Error as _};

    use super::*;

    pub(super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&duration::format(*duration))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        duration::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
