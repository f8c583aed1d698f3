//! The vocabulary of slacast and its wire format.
//!
//! Everything here is pure: no I/O, no clock (`as_of` is always an argument), no async.
//!
//! The modules are floors: each imports only what stands above it in this list (a test holds them to it).
//!
//! - [`text`], [`decimals`], [`digest`], [`finding`] and [`fault`]: texts that keep a rule; numbers with few decimal places;
//!   identities; a value or the reason why there is none; what is wrong with a document, and where;
//! - [`time`]: instants, spans and sets of them, durations as people write them;
//! - [`series`]: metrics, label sets, samples;
//! - [`sla`]: what an SLA is, and how one is read from what people write;
//! - [`forecast`]: what is said of the next 10 minutes;
//! - [`evaluation`]: what an objective's samples mean, and what becomes of many evaluations;
//! - [`events`]: counting events from counters;
//! - [`budget`]: what is left of an error budget;
//! - [`score`]: how good a forecast was;
//! - [`alert`]: what somebody has to know, and what was said of it;
//! - [`message`]: what travels over Kafka, and nothing else.

pub mod alert;
pub mod budget;
pub mod decimals;
pub mod digest;
pub mod evaluation;
pub mod events;
pub mod fault;
pub mod finding;
pub mod forecast;
pub mod message;
pub mod score;
pub mod series;
pub mod sla;
pub mod text;
pub mod time;

pub use finding::{Finding, finite};
pub use series::{
    Bucket, BucketLength, InvalidSeriesId, Labels, MetricName, Part, Sample, Series, SeriesId,
};
pub use time::{
    InvalidTimestamp, Span, SpanSet, Timestamp, UnknownWindow, Window, duration, seconds,
};
