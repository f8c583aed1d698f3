//! The configuration of the functions: the environment, read once.
//!
//! Every section is a struct with a `read` function over an [`Environment`]. A missing or malformed variable is one
//! [`ConfigError`] that names it; a variable that is set to nothing counts as absent.

mod alerts;
mod api;
mod aws;
mod bounds;
mod database;
mod environment;
mod history;
mod kafka;
mod prometheus;
mod timing;

pub use alerts::{AlertConfig, AlertmanagerAuth, AlertmanagerConfig, SNS, SnsTopic, WebhookConfig};
pub use api::{Access, AccessConfig};
pub use aws::AwsCredentials;
pub use bounds::{Bounds, queries_allowed};
pub use database::DatabaseConfig;
pub use environment::{ConfigError, Environment};
pub use history::HistoryTerms;
pub use kafka::{Brokers, KafkaAuth, KafkaCompression, KafkaConfig, MskCluster, SaslMechanism};
pub use prometheus::{PrometheusAuth, PrometheusConfig};
pub use secrecy::{ExposeSecret, SecretSlice, SecretString};
pub use timing::{LONGEST_SETTLE, Retention, schedule_interval, settle};
