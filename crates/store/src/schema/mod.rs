//! The tables, and how a database gets the newest ones.
//!
//! An empty database gets `database.sql`; an older one is taken there step by step (`migrations/`). The table
//! `schema_version` says how far a database is and which programs work with it.

mod first;
mod prepare;
mod steps;
mod version;

#[cfg(feature = "testing")]
pub use prepare::prepare_in_part;
pub use prepare::{Prepared, load, prepare, prepare_at};
pub use steps::{BUILT_FOR, TABLES};
pub use version::SchemaMismatch;
pub(crate) use version::check;
