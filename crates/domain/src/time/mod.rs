//! Instants, durations, windows of the past, and sets of instants. Everything is exact: whole milliseconds.

pub mod duration;
mod span;
mod span_set;
mod timestamp;
mod window;

pub use duration::seconds;
pub use span::Span;
pub use span_set::SpanSet;
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use window::{UnknownWindow, Window};
