//! What `up` answers on loopback: the demo node's metrics to Prometheus, the functions' counts to `status`.

use std::{
    net::Ipv4Addr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use chrono::Utc;
use lambda_host::{FunctionStatus, Host, closed_to_web_pages};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::demo::{Node, Spikes, scrape};

/// What the answers are made of. Both parts come later than the first question.
#[derive(Clone, Default)]
pub(crate) struct Control {
    node: Arc<Mutex<Option<Node>>>,
    host: Arc<Mutex<Option<Host>>>,
    spikes: PathBuf,
}

/// The address of the functions' counts.
pub(crate) const FUNCTIONS_PATH: &str = "/functions";

impl Control {
    /// Answers on `port`; `spikes` is where spikes are asked for.
    ///
    /// # Errors
    /// When the port is taken.
    pub(crate) async fn start(port: u16, spikes: PathBuf) -> Result<(Self, JoinHandle<()>)> {
        let control = Self {
            spikes,
            ..Self::default()
        };
        let routes = Router::new()
            .route("/metrics", get(metrics))
            .route(FUNCTIONS_PATH, get(functions))
            .with_state(control.clone());
        let routes = closed_to_web_pages(routes);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .with_context(|| format!("127.0.0.1:{port} is taken"))?;
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "the demo node can no longer be scraped");
            }
        });
        Ok((control, task))
    }

    /// From now on the demo node is shown.
    pub(crate) fn show_node(&self, node: Node) {
        *self.node.lock().unwrap_or_else(PoisonError::into_inner) = Some(node);
    }

    /// Keeps the host, for its counts.
    pub(crate) fn keep_host(&self, host: Host) {
        *self.host.lock().unwrap_or_else(PoisonError::into_inner) = Some(host);
    }

    /// Gives the host back.
    pub(crate) fn take_host(&self) -> Option<Host> {
        self.host
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn functions(&self) -> Vec<FunctionStatus> {
        let host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        host.as_ref().map(Host::status).unwrap_or_default()
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

async fn metrics(State(control): State<Control>) -> axum::response::Response {
    let spikes = match Spikes::read(&control.spikes) {
        Ok(spikes) => spikes,
        Err(error) => {
            return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
        }
    };
    let mut node = control.node.lock().unwrap_or_else(PoisonError::into_inner);
    match node.as_mut() {
        Some(node) => {
            let text = scrape(&node.families(Utc::now().timestamp_millis(), &spikes));
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
        }
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn functions(State(control): State<Control>) -> Json<Vec<FunctionStatus>> {
    Json(control.functions())
}
