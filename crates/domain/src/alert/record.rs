use std::{collections::BTreeMap, str::FromStr};

use super::{AlertName, Fingerprint};
use crate::{
    series::{Labels, SeriesId},
    time::Timestamp,
};

/// What people read beside the labels: `summary`, `value`, `since`, `probability`, `unmeasured_since`, `reason`, `runbook`,
/// `dashboard`.
pub type Annotations = BTreeMap<String, String>;

/// What one statement is about: all alerts of one name of one objective, or of the system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// Which alert.
    pub name: AlertName,
    /// The SLA, where it is about one.
    pub sla: Option<String>,
    /// The objective, where it is about one.
    pub objective: Option<String>,
}

impl Scope {
    /// The alerts of a name of one objective.
    pub fn of(name: AlertName, sla: &str, objective: &str) -> Self {
        Self {
            name,
            sla: Some(sla.to_owned()),
            objective: Some(objective.to_owned()),
        }
    }

    /// The alerts of a name that are about no objective.
    pub fn of_system(name: AlertName) -> Self {
        Self {
            name,
            sla: None,
            objective: None,
        }
    }
}

/// Why an alert was resolved, where it did not just cease to hold, or is frozen.
pub mod reason {
    /// The SLA is retired.
    pub const RETIRED: &str = "retired";
    /// The objective is no longer in the SLA.
    pub const REMOVED: &str = "removed";
    /// The series ended.
    pub const ENDED: &str = "ended";
    /// The series is no longer listed, while another one of the objective stands.
    pub const GONE: &str = "gone";
    /// A version changed the severity: the alert is another one now.
    pub const SEVERITY: &str = "severity";
    /// No sample stands.
    pub const NO_DATA: &str = "no_data";
    /// The newest complete evaluation is too old.
    pub const STALE: &str = "stale";
    /// There is no complete evaluation yet.
    pub const NOT_EVALUATED: &str = "not_evaluated_yet";
    /// Too little of a window is measured.
    pub const UNMEASURED: &str = "unmeasured";
    /// The series is silent.
    pub const SILENT: &str = "silent";
}

/// How an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertState {
    /// It holds, not yet for long enough: nobody knows of it.
    Pending,
    /// It was said to be firing.
    Firing,
    /// It was said to be over.
    Resolved,
}

impl AlertState {
    /// The word: `pending`, `firing` or `resolved`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// A word that is no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be pending, firing or resolved")]
pub struct UnknownAlertState;

impl FromStr for AlertState {
    type Err = UnknownAlertState;

    fn from_str(word: &str) -> Result<Self, UnknownAlertState> {
        let mut all = [Self::Pending, Self::Firing, Self::Resolved].into_iter();
        all.find(|state| state.word() == word)
            .ok_or(UnknownAlertState)
    }
}

/// An alert, and what was said of it last.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Of its labels.
    pub fingerprint: Fingerprint,
    /// What it is about.
    pub scope: Scope,
    /// Its identity.
    pub labels: Labels,
    /// The series, where it is about one.
    pub series: Option<SeriesId>,
    /// What people read.
    pub annotations: Annotations,
    /// How it stands.
    pub state: AlertState,
    /// Whether it fires although nothing says so now: its objective is not known to stand otherwise.
    pub frozen: bool,
    /// Since when it holds, in this firing.
    pub since: Timestamp,
    /// The evaluation that said so last.
    pub as_of: Timestamp,
    /// When it was resolved; of one that fires, when it was resolved before.
    pub resolved_at: Option<Timestamp>,
    /// Why it is resolved, or frozen.
    pub reason: Option<String>,
}

impl Alert {
    /// What receivers know this firing's change by: the fingerprint, when it began in seconds since the epoch, and `firing`
    /// or `resolved`.
    pub fn message_id(&self) -> String {
        let since = self.since.millis().div_euclid(1000);
        format!("{}-{since}-{}", self.fingerprint, self.state.word())
    }
}
