//! The function on a real database, with receivers on loopback that behave and misbehave.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "for whoever runs the tests by hand")]

mod alertmanager;
mod changes;
mod deliveries;
mod expected;
mod groups;
mod misbehaving;
mod receiver;
mod service;
mod shop;
mod silence;
