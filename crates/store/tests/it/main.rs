//! The store on a real server: the one that `DATABASE_URL` names.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod alerts;
mod given_up;
mod migration;
mod pipeline;
mod plans;
mod recent;
mod replays;
mod retention;
mod runs;
mod schema;
mod score;
mod score_hours;
mod slices;
mod system_facts;
