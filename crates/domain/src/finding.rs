//! A value, or the reason why there is none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why nothing can be said: a short word such as `too_short` or `constant`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Reason(String);

impl Reason {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Reason {
    fn from(word: &str) -> Self {
        Self(word.to_owned())
    }
}

/// What a computation found, or the reason why nothing can be said.
///
/// As JSON either the value itself or `{"error": "constant"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Finding<T> {
    /// Nothing can be said, and why: a short word such as `too_short` or `constant`.
    Unknown {
        /// The reason.
        error: String,
    },
    /// The value.
    Known(T),
}

impl<T> Finding<T> {
    /// Nothing can be said, for `reason`.
    pub fn unknown(reason: &str) -> Self {
        Self::Unknown {
            error: reason.to_owned(),
        }
    }

    /// The value, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown { .. } => None,
        }
    }

    /// The value, if there is one, to change.
    pub fn known_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown { .. } => None,
        }
    }

    /// The reason, if there is no value.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Unknown { error } => Some(error),
        }
    }

    /// The same finding about a part or a transformation of the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Finding<U> {
        match self {
            Self::Known(value) => Finding::Known(f(value)),
            Self::Unknown { error } => Finding::Unknown { error },
        }
    }
}

impl<T, E: ToString> From<Result<T, E>> for Finding<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(error) => Self::Unknown {
                error: error.to_string(),
            },
        }
    }
}

/// A number a document can hold: JSON has no infinities and no NaN, so those are unknown.
pub fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
