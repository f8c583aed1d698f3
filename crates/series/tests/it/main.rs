//! The crate against a named reference, against properties that must hold for any input, and as a whole.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod analysis;
mod example;
mod forecast;
mod kinds;
mod properties;
mod reference;
