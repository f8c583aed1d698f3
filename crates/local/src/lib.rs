//! The laptop: the whole system on one machine, with one command.
//!
//! `up` finds or installs the servers, starts them on loopback, builds the functions and runs them in a local Lambda
//! host with the routes, the schedule and the Kafka trigger of `template.yaml`. The other commands talk to a running
//! `up`, found through its data directory.

mod alerts;
mod api;
mod cli;
mod command;
mod commands;
mod compile;
mod control;
mod data;
mod demo;
mod files;
mod functions;
mod lock;
mod output;
mod process;
mod progress;
mod replays;
mod report;
mod servers;
mod signals;
mod soak;
mod state;
mod system;
pub mod template;

pub use cli::run;
