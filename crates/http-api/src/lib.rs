//! What the HTTP functions share: routes, access, query parameters, JSON bodies and replies, errors as problem
//! documents.
//!
//! A function names its [`Route`]s, makes an [`Api`] of them and hands it one handler; [`Api::serve`] does the rest. The
//! handler gets a [`Call`] and gives a reply ([`reply`]) or an [`ApiError`]; status codes are chosen in this crate alone.

mod access;
mod api;
mod base_url;
mod body;
mod cursor;
mod error;
pub mod operations;
mod query;
mod repeated;
pub mod reply;
mod route;
mod within;

pub use api::{Api, Call, Reply};
pub use cursor::Cursor;
pub use error::{ApiError, Fault, Place};
pub use operations::{Operation, Parameter};
pub use query::{Query, TimeFilter};
pub use route::Route;
pub use within::within;
