//! What an alert is known by: its labels, and a fingerprint of them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::AlertName;
use crate::{digest::digest, series::Labels};

/// The identity of an alert: the first 64 bits of SHA-256 over its sorted labels, each name and value length-prefixed
/// (64 bit, big endian), written as 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Fingerprint(u64);

/// A text that is not 16 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 16 lower-case hex digits")]
pub struct InvalidFingerprint;

impl Fingerprint {
    /// The fingerprint of these labels.
    pub fn of(labels: &Labels) -> Self {
        let texts = labels.0.iter().flat_map(|(name, value)| [name, value]);
        Self(u64::from_be_bytes(digest(texts)))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() != 16 || !digits {
            return Err(InvalidFingerprint);
        }
        u64::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| InvalidFingerprint)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// What the labels of an alert are made of.
#[derive(Clone, Debug)]
pub struct Identity<'a> {
    /// Which alert.
    pub name: AlertName,
    /// What it is called instead; `slacast_alert` then says which it is.
    pub called: Option<&'a str>,
    /// The SLA, where it is about one.
    pub sla: Option<&'a str>,
    /// The objective, where it is about one.
    pub objective: Option<&'a str>,
    /// How urgent it is.
    pub severity: &'a str,
    /// Labels that somebody gave it. A `severity` among them is the one that is sent, and `slacast_severity` keeps the own.
    pub given: Option<&'a Labels>,
    /// The series' labels, where it is about one.
    pub series: Option<&'a Labels>,
}

impl<'a> Identity<'a> {
    /// An alert about no SLA in particular.
    pub fn of_system(name: AlertName, severity: &'a str) -> Self {
        Self {
            name,
            called: None,
            sla: None,
            objective: None,
            severity,
            given: None,
            series: None,
        }
    }

    /// Its labels: none is empty.
    pub fn labels(&self) -> Labels {
        let mut labels = BTreeMap::new();
        let mut own = |name: &str, value: &str| {
            if !value.is_empty() {
                labels.insert(name.to_owned(), value.to_owned());
            }
        };
        match self.called {
            Some(called) => {
                own("alertname", called);
                own("slacast_alert", self.name.as_str());
            }
            None => own("alertname", self.name.as_str()),
        }
        own("sla", self.sla.unwrap_or_default());
        own("objective", self.objective.unwrap_or_default());
        let given = self.given.map(|given| &given.0);
        match given.and_then(|given| given.get("severity")) {
            Some(sent) if !sent.is_empty() => {
                own("severity", sent);
                own("slacast_severity", self.severity);
            }
            _ => own("severity", self.severity),
        }
        for (name, value) in given.into_iter().flatten() {
            if !value.is_empty() {
                labels.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let labels = Labels(labels);
        match self.series {
            Some(series) => series.beside(labels),
            None => labels,
        }
    }
}
