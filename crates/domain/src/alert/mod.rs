//! Alerts that reach somebody: what holds becomes alerts with an identity, and what was said of them before decides what is
//! said now.
//!
//! An evaluation is a [`Statement`] about everything in one [`Scope`]: its [`Claim`]s hold or cannot be known; what it
//! does not claim holds no longer. [`reconcile`] compares statements with the alerts that are stored and gives the
//! changes. Only a statement resolves an alert: where there is none, as after a restart or a run that is not complete, the
//! alert is frozen, which is still firing.

mod change;
mod claim;
mod delivery;
mod labels;
mod name;
mod record;
mod storm;
#[cfg(test)]
mod tests;

pub use change::{Change, Known, reconcile};
pub use claim::{Claim, Statement, Verdict};
pub use delivery::{LONGEST_DELIVERY, LONGEST_RETRY_AFTER, NextAttempt, next_attempt};
pub use labels::{Fingerprint, Identity, InvalidFingerprint};
pub use name::{AlertName, UnknownAlertName};
pub use record::{Alert, AlertState, Annotations, Scope, reason};
pub use storm::{MOST_OWN, UNGROUPED_BELOW, beside_all};
