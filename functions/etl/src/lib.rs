//! etl: reads Prometheus, describes, forecasts and judges every series, and publishes to Kafka.
//!
//! One binary, three triggers: the schedule, `POST /ETL`, a direct invocation ([`trigger`]). Each starts a
//! [`run`](run::Etl::run).

pub use ::prometheus;
pub use ::prometheus::metrics_file;

pub mod analysis;
pub mod count;
pub mod deadline;
pub mod documents;
pub mod function;
mod history;
pub mod message;
pub mod objectives;
pub mod order;
pub mod pairs;
pub mod part;
pub mod replay;
pub mod request;
pub mod run;
pub mod scoring;
mod served;
pub mod shards;
pub mod subject;
mod together;
pub mod topic;
pub mod trial;
pub mod trigger;
