//! The function on a real database, with receivers on loopback that behave and misbehave.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alertmanager;
mod changes;
mod deliveries;
mod misbehaving;
mod receiver;
mod service;
