//! The whole system, driven as a user drives it: by the command line, HTTP and signals.
//!
//! Each test has an `up` of its own with servers of its own, in a fresh data directory, so that it may stop, break and
//! kill what it wants. One runs at a time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod absences;
mod alarms;
mod commands;
mod faults;
mod life;
mod receiver;
mod start;
mod system;
