//! A Lambda host for one machine: prebuilt functions behind the Lambda APIs, without containers.
//!
//! One listener on loopback serves three things: the Runtime API to the functions, the Invoke API to callers, and
//! HTTP routes the way a REST API of API Gateway calls a function (payload format 1.0). An instance is a process of
//! its own; it starts when there is work, takes one invocation at a time and is killed when it exceeds its timeout.
//!
//! # Example
//!
//! A function behind a route, and behind the Invoke API at `/2015-03-31/functions/hello/invocations`:
//!
//! ```
//! use std::{collections::BTreeMap, time::Duration};
//!
//! use lambda_host::{FunctionSpec, Host, HostSpec, Route};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), lambda_host::HostError> {
//! let function = FunctionSpec {
//!     name: "hello".to_owned(),
//!     // Built by `cargo build`: it starts when it is first asked for.
//!     program: "/srv/functions/hello".into(),
//!     environment: BTreeMap::new(),
//!     timeout: Duration::from_secs(3),
//!     max_instances: 2,
//!     memory_mb: 128,
//!     log: "/srv/logs/hello.log".into(),
//! };
//! let route = Route {
//!     method: None,
//!     path: "/hello/{name}".to_owned(),
//!     function: "hello".to_owned(),
//! };
//! let spec = HostSpec::new(vec![function], vec![route]);
//! let host = Host::start(([127, 0, 0, 1], 0).into(), spec).await?;
//! println!("{}/hello/world", host.url());
//! assert!(host.status()[0].pids.is_empty());
//! host.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod answer;
mod backoff;
mod dispatch;
mod function;
mod gateway;
mod guard;
mod host;
mod instance;
mod invoke_api;
mod launch;
mod problem;
mod routes;
mod runtime_api;
mod spec;

pub use function::FunctionStatus;
pub use guard::closed_to_web_pages;
pub use host::{Host, HostError};
pub use spec::{FunctionSpec, HostSpec, Route};
