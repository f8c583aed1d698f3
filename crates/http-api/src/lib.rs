//! What the HTTP functions share: routes, access, query parameters, JSON bodies and replies, errors as problem
//! documents.
//!
//! A function lists its routes with [`routes!`], makes an [`Api`] of them and serves it. A handler gets a [`Call`] and
//! returns a reply ([`reply`]) or an [`ApiError`]; status codes are chosen in this crate alone. The list of routes is also
//! what the OpenAPI document is made of ([`openapi`]): a test renews the document, so that no function carries more of it
//! than the text.

mod accept;
mod access;
mod api;
mod arrival;
pub mod assets;
mod audience;
mod body;
mod call;
mod cursor;
mod database;
mod error;
mod form;
pub mod html;
pub mod login;
mod moment;
pub mod openapi;
mod operation;
mod origin;
mod page;
pub mod parameters;
pub mod prometheus;
mod query;
mod repeated;
pub mod reply;
mod route;
mod session;
#[cfg(feature = "testing")]
pub mod testing;
mod within;

pub use accept::Accept;
pub use api::{Api, Reply};
pub use call::Call;
pub use cursor::Cursor;
pub use database::database;
pub use error::{ApiError, Fault, Place, Problem};
pub use form::Form;
pub use lambda_http::http::Method;
pub use moment::parse as moment;
pub use operation::{Answer, Operation, RequestBody};
pub use page::{MOST_BODY_BYTES, Page, Room, Row};
pub use parameters::Parameter;
pub use query::{Query, RuleEnd, ShownSpan, TimeFilter};
pub use route::{Answering, Handler, LONGEST_BODY, PATIENCE, PagePath, Route};
