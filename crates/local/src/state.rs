//! What a running `up` reports to the other commands.

use serde::{Deserialize, Serialize};

/// The addresses, processes and settings of a running `up`. Holds the database's password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The process id of `up`.
    pub(crate) pid: u32,
    /// Where the routes and the Invoke API are.
    pub(crate) http: String,
    /// With the password.
    pub(crate) database_url: String,
    /// `host:port,…`.
    pub(crate) kafka_brokers: String,
    /// The topic.
    pub(crate) kafka_topic: String,
    /// Where Prometheus is.
    pub(crate) prometheus_url: String,
    /// Where `up` answers questions about itself, and where the demo node is scraped.
    pub(crate) control: String,
    /// How often the schedule fires, seconds.
    pub(crate) every_seconds: u64,
    /// Whether there is a demo node.
    pub(crate) demo: bool,
    /// The names of the functions.
    pub(crate) functions: Vec<String>,
    /// The servers, those given by the environment too.
    pub(crate) servers: Vec<ServerState>,
}

/// A server, as it is reported to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerState {
    /// `mysql`, `kafka`, `prometheus`, `node-exporter`.
    pub(crate) name: String,
    /// As the server reports it; `None` if it was not asked.
    pub(crate) version: Option<String>,
    /// Where it came from.
    pub(crate) source: String,
    /// `None` for a server that is not ours or lives inside `up`.
    pub(crate) pid: Option<u32>,
    /// On loopback; `None` for a server that is not ours.
    pub(crate) port: Option<u16>,
}

#[cfg(test)]
impl State {
    pub(crate) fn of_process(pid: u32) -> Self {
        let text = String::new;
        Self {
            pid,
            http: text(),
            database_url: text(),
            kafka_brokers: text(),
            kafka_topic: text(),
            prometheus_url: text(),
            control: text(),
            every_seconds: 30,
            demo: true,
            functions: Vec::new(),
            servers: Vec::new(),
        }
    }
}
