//! Kafka: logging in, the topic, writing records.
//!
//! [`settings`] are what every client needs; a [`Topic`] is created, a [`Publisher`] writes to it. The brokers of an MSK
//! cluster are asked of its API ([`msk`]).

mod client;
mod login;
#[cfg(feature = "msk")]
pub mod msk;
mod producer;
mod publisher;
mod topic;
mod unreachable;

pub use client::{answers, settings};
pub use producer::{Publication, Published, Record, Refusal};
pub use publisher::Publisher;
pub use topic::{Topic, TopicError};
pub use unreachable::KafkaUnreachable;
