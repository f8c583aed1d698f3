//! The storage function on a real database: the one that `DATABASE_URL` names.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conservation;
mod delivery;
mod examples;
mod faults;
mod redrive;
mod refusal;
mod schema;
mod slices;
mod unstorable;
mod versions;
