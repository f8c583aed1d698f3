//! The burn-rate alerts of a budget, and the windows whose burn it lists.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    series::Labels,
    sla::{AlertPair, Severity},
    time::{Timestamp, duration},
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The windows whose burn is listed, whatever the alerts are, in seconds, shortest first.
const BURN_WINDOWS: [u64; 7] = [
    5 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    6 * HOUR,
    24 * HOUR,
    72 * HOUR,
];

/// Fires when both windows burn faster than the factor: the long one says that it matters, the short one that it still
/// goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// The long window.
    pub long: String,
    /// The short window.
    pub short: String,
    /// How many times faster than sustainable the budget is spent.
    pub factor: f64,
    /// The share of the budget that is gone after the long window at that pace.
    pub budget_share: f64,
    /// Whether violations all of the time would burn that fast.
    pub reachable: bool,
    /// Whether it fires.
    pub firing: bool,
    /// Whether too little is measured to say so: `firing` is what it was when enough was.
    pub frozen: bool,
    /// Of a frozen alert: until when enough was measured; `None` if it never was, as far as is known.
    pub unmeasured_since: Option<Timestamp>,
    /// How urgent it is.
    pub severity: Severity,
    /// What it is called in place of the usual name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Labels that it has beside its own.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub labels: Labels,
    /// Annotations that it has beside its own.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub annotations: Labels,
}

fn is_empty(labels: &Labels) -> bool {
    labels.0.is_empty()
}

/// Whether an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// As its windows say.
    Measured { firing: bool },
    /// Too little is measured.
    Frozen {
        firing: bool,
        unmeasured_since: Option<Timestamp>,
    },
}

impl Alert {
    /// The alert of a pair, of a budget over `length` whose target is `target`.
    pub(super) fn new(pair: &AlertPair, length: Duration, target: f64, standing: Standing) -> Self {
        let factor = pair.pace.factor(pair.long, length);
        let (firing, frozen, unmeasured_since) = match standing {
            Standing::Measured { firing } => (firing, false, None),
            Standing::Frozen {
                firing,
                unmeasured_since,
            } => (firing, true, unmeasured_since),
        };
        Self {
            long: duration::format(pair.long),
            short: duration::format(pair.short),
            factor,
            budget_share: pair.pace.budget_share(pair.long, length),
            reachable: factor * (1.0 - target) < 1.0,
            firing,
            frozen,
            unmeasured_since,
            severity: pair.severity,
            name: pair.name.clone(),
            labels: pair.labels.clone(),
            annotations: pair.annotations.clone(),
        }
    }
}

/// The pairs of an objective whose budget is over `length`: its own, or else those of the usual ones that are no longer than
/// the budget.
pub(super) fn pairs(own: Option<&[AlertPair]>, length: Duration) -> Vec<AlertPair> {
    if let Some(own) = own {
        return own.to_vec();
    }
    let mut usual = AlertPair::default_pairs();
    usual.retain(|pair| pair.long <= length);
    usual
}

/// The windows whose burn is listed: the usual ones that are no longer than the budget's, and those of its pairs, shortest
/// first.
pub(super) fn burn_windows(pairs: &[AlertPair], length: Duration) -> Vec<Duration> {
    let usual = BURN_WINDOWS.map(Duration::from_secs).into_iter();
    let own = pairs.iter().flat_map(|pair| [pair.long, pair.short]);
    let mut windows: Vec<Duration> = usual
        .filter(|window| *window <= length)
        .chain(own)
        .collect();
    windows.sort_unstable();
    windows.dedup();
    windows
}
