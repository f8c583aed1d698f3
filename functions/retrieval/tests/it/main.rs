//! The routes of the function on a real database: the one that `DATABASE_URL` names.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod bad_input;
mod dashboard;
mod documents;
mod exposition;
mod history;
mod openapi;
mod outage;
mod pages;
mod paging;
mod plans;
mod programs;
mod prometheus;
mod quality;
mod scrape;
mod selection;
mod service;
