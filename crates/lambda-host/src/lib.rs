//! A Lambda host for one machine: prebuilt functions behind the Lambda APIs, without containers.
//!
//! One listener on loopback serves three things: the Runtime API to the functions, the Invoke API to callers, and
//! HTTP routes the way a REST API of API Gateway calls a function (payload format 1.0). An instance is a process of
//! its own; it starts when there is work, takes one invocation at a time and is killed when it exceeds its timeout.

mod answer;
mod backoff;
mod dispatch;
mod function;
mod gateway;
mod host;
mod instance;
mod invoke_api;
mod launch;
mod problem;
mod routes;
mod runtime_api;
mod spec;

pub use function::FunctionStatus;
pub use host::{Host, HostError};
pub use spec::{FunctionSpec, HostSpec, Route};
