//! The routes of the function on a real database: the one that `DATABASE_URL` names.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod bad_input;
mod documents;
mod openapi;
mod outage;
mod paging;
mod plans;
mod quality;
mod selection;
mod service;
