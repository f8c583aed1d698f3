//! The retrieval function: what the pipeline found, over HTTP. It only reads, and an answer is one indexed query away.

mod answers;
mod exposition;
mod health;
mod history;
mod list;
mod openapi;
mod prometheus;
mod quality;
mod root;
mod routes;
mod ui;
mod version;

use std::time::Duration;

use http_api::database;
use store::Store;

pub use routes::{ROUTES, operations, pages};

/// What an answer needs, made once per instance.
#[derive(Debug)]
pub struct Retrieval {
    /// Where the answers are.
    pub store: Store,
    /// How often the schedule runs the ETL: the newest run is stale after three of these.
    pub schedule_interval: Duration,
}
