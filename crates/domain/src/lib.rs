//! The vocabulary of slacast and its wire format.
//!
//! Everything here is pure: no I/O, no clock (`as_of` is always an argument), no async. What travels over Kafka and
//! what HTTP answers is defined once, in [`message`]; what an SLA means is defined once, in [`sla`],
//! [`evaluation`] and [`budget`].
//!
//! Times are [`Timestamp`]s (milliseconds since the Unix epoch, UTC), durations are [`std::time::Duration`]s that
//! people write the way Prometheus does (`10m`, `1h30m`; see [`duration`]).

pub mod budget;
pub mod duration;
pub mod evaluation;
mod finding;
mod intervals;
pub mod json_pointer;
pub mod message;
mod sample;
pub mod score;
mod series;
pub mod sla;
mod timestamp;
mod window;

pub use finding::{Finding, finite};
pub use intervals::Intervals;
pub use sample::Sample;
pub use series::{InvalidSeriesId, Labels, Series, SeriesId};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use window::{UnknownWindow, Window};
