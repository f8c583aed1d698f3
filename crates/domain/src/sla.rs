//! What an SLA is: a named, versioned set of objectives.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Labels, duration};

/// A range that the series of one metric which carry given labels should keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Unique in its SLA: given by the user, or 16 hex digits of SHA-256 over the other fields.
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
    pub hold: Duration,
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
