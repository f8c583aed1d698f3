//! The routes of the function on a real database: the one that `DATABASE_URL` names.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod bad_input;
mod budget;
mod check;
mod check_series;
mod ended;
mod evaluator;
mod events;
mod exclusions;
mod import;
mod incomplete;
mod outage;
mod outlook;
mod plans;
mod recurring;
mod replay;
mod service;
mod set;
mod trial;
mod ui;
mod violations;
