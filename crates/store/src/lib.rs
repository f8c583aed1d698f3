//! MySQL: the only crate that names SQL.
//!
//! [`connect`] gives a [`Store`]; what can be done with it is in the modules: the pipeline's writes, the reads behind
//! the HTTP routes, the SLA set, alerts and their deliveries. The tables are those of `database.sql` ([`schema`]).

pub mod alert;
mod certificate;
mod connections;
mod error;
mod executor;
pub mod pipeline;
mod pool;
pub mod read;
pub mod replay;
pub mod retention;
pub mod run_request;
pub mod schema;
pub mod score;
mod session;
mod size;
pub mod sla;
pub mod slices;
#[cfg(test)]
mod stand_in;
#[cfg(feature = "testing")]
pub mod testing;
mod tls;

pub use error::StoreError;
pub use pool::{Store, connect};
pub use session::Role;
pub use tls::TlsFault;
