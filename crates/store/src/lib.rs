//! MySQL: the only crate that names SQL.
//!
//! [`connect`] gives a [`Store`]; what can be done with it is in the modules: the pipeline's writes, the reads behind
//! the HTTP routes, the SLA set. The tables are those of `database.sql` ([`schema`]).

mod checked;
mod error;
pub mod pipeline;
mod pool;
pub mod read;
pub mod retention;
pub mod run_request;
pub mod schema;
pub mod score;
mod size;
pub mod sla;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::StoreError;
pub use pool::{Store, connect};
