//! What the functions ask of AWS with requests of their own: the secrets among their configuration, and each other; the
//! token that logs in to MSK, which is a signed request too; what they report to Lambda when they cannot start; and their log.
//!
//! The SDK's client for one call would be half of a function that has to start in milliseconds; a request that is signed
//! is all it takes. The credentials are those that Lambda gives a function in its environment.

mod endpoint;
mod environment;
mod invoke;
mod kafka_token;
mod log;
mod metrics;
mod request;
mod secrets;
mod signer;
mod sns;
mod start;

pub use environment::{database, environment, kafka, prometheus, resolved};
pub use invoke::{Functions, InvokeError};
pub use kafka_token::KafkaToken;
pub use log::Log;
pub use metrics::{Measurement, Metrics, Unit};
pub use request::RequestError;
pub use secrets::SecretError;
pub use signer::{Signer, SigningError};
pub use sns::{Topic, TopicMessage};
pub use start::started;
