//! The alerting function: what holds is compared with what was said, and each change reaches every receiver at least once,
//! in the order of its alert.
//!
//! One binary, three kinds of events: the schedule, each minute; storage, after what belongs to a run; requests. It owns the
//! tables `alert`, `outbox` and `receiver` and reads the rest.

mod compare;
mod deliver;
pub mod function;
mod holding;
mod list;
mod message;
pub mod receivers;
mod routes;
mod test;
mod ui;

use std::time::Duration;

use http_api::database;
use store::Store;

use receivers::Receivers;

pub use routes::{ROUTES, operations, pages};

/// What the function has at hand, made once per instance.
#[derive(Debug)]
pub struct Alerting {
    /// Where alerts and deliveries are.
    pub store: Store,
    /// Who learns of them.
    pub receivers: Receivers,
    /// How often the schedule runs the ETL: what is evaluated is stale after three of these.
    pub schedule_interval: Duration,
    /// How long an alert stays at Alertmanager when nothing more comes.
    pub hold: Duration,
    /// Where people find the pages; empty where nobody knows.
    pub public_url: String,
    /// How long alerts that are resolved are kept.
    pub kept: Duration,
}
