//! The demo node: series in the shape of node exporter's, made up from the time alone.
//!
//! Its history is written for Prometheus to read once; after that the same function of time is served live, so that
//! the series go on without a seam.

mod exposition;
mod metrics;
mod node;
mod noise;
mod signal;
mod sla;
mod spike;

pub(crate) use exposition::{history, scrape};
pub(crate) use metrics::demo_metrics;
pub(crate) use node::{NODE, Node};
pub(crate) use sla::demo_sla;
pub(crate) use spike::{METRICS, Spikes};
