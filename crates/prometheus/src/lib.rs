//! Reading a Prometheus, or a server that speaks its API: plain selectors by remote read where there is one, everything
//! else by the query API.
//!
//! No other crate knows PromQL or the remote-read protocol. A [`metrics_file`] says what to ask for, a [`Prometheus`]
//! asks for it. What differs between servers is found by asking, once per client.

mod availability;
mod client;
mod count;
mod error;
mod examine;
mod external_labels;
mod fetch;
#[cfg(test)]
mod fuzz;
mod learned;
mod login;
pub mod metrics_file;
mod narrow;
mod query_api;
mod remote_read;
mod response;
mod sink;
#[cfg(feature = "testing")]
pub mod testing;

pub use availability::Availability;
pub use client::{ClientError, Prometheus};
pub use error::FetchError;
pub use examine::{Examined, Server, Way};
pub use fetch::{Ambiguous, Fetched, FetchedSeries};
pub use metrics_file::{Metric, Reading};
pub use promql::{MatchOperator, Matcher, Query, Selected, Selector, selected};
