//! The host itself.

use std::{
    collections::{BTreeMap, HashSet},
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use axum::{Router, serve};
use matchit::InsertError;
use nix::sys::signal::Signal;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use crate::{
    function::{Function, FunctionStatus},
    gateway::{self, Gateway},
    guard::closed_to_web_pages,
    invoke_api,
    routes::Routes,
    runtime_api,
    spec::HostSpec,
};

/// How long open connections may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// Why a host does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The address is not on loopback: whoever reaches the host can run its functions.
    #[error("{address} is not a loopback address, and a function host listens on nothing else")]
    NotLoopback {
        /// What was asked for.
        address: SocketAddr,
    },
    /// Another program listens there.
    #[error("port {} is taken on {}", address.port(), address.ip())]
    PortTaken {
        /// What was asked for.
        address: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {address}")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A function cannot be served as specified.
    #[error("function {name:?}: {reason}")]
    Function {
        /// The function's name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two functions have the same name.
    #[error("there are two functions named {name}")]
    DuplicateFunction {
        /// That name.
        name: String,
    },
    /// A route leads to a function that is not there.
    #[error("route {path} leads to {name}, which is no function here")]
    UnknownFunction {
        /// The route's path.
        path: String,
        /// The name it leads to.
        name: String,
    },
    /// A route's path is malformed or contradicts another one's.
    #[error("route {path} cannot be served")]
    Route {
        /// That path.
        path: String,
        /// Why not.
        source: InsertError,
    },
    /// The same path and method twice.
    #[error("route {path} appears twice with the same method")]
    DuplicateRoute {
        /// That path.
        path: String,
    },
}

/// A running host. Dropped without [`shutdown`](Self::shutdown), it kills its functions at once.
#[derive(Debug)]
pub struct Host {
    address: SocketAddr,
    /// In the order they were given.
    functions: Vec<Arc<Function>>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Host {
    /// Listens on `address` (port 0: a free one) and serves. Must be called in a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When the address is not on loopback or taken, or the functions and routes do not fit together.
    pub async fn start(address: SocketAddr, spec: HostSpec) -> Result<Self, HostError> {
        check(&spec)?;
        let routes = Arc::new(Routes::new(&spec.routes)?);
        if !address.ip().is_loopback() {
            return Err(HostError::NotLoopback { address });
        }
        let listener = bind(address).await?;
        let address = listener
            .local_addr()
            .map_err(|source| HostError::Bind { address, source })?;

        let base_url = format!("http://{address}");
        let function = |function| {
            Arc::new(Function::new(
                function,
                base_url.clone(),
                spec.region.clone(),
            ))
        };
        let functions: Vec<Arc<Function>> = spec.functions.into_iter().map(function).collect();
        let named = |function: &Arc<Function>| (function.spec.name.clone(), function.clone());
        let by_name: Arc<BTreeMap<_, _>> = Arc::new(functions.iter().map(named).collect());
        let router = Router::new()
            .merge(runtime_api::router(by_name.clone()))
            .merge(invoke_api::router(by_name.clone(), spec.event_retry_delays))
            .merge(gateway::router(Gateway {
                functions: by_name,
                routes,
                stage: spec.stage.into(),
                timeout: spec.http_timeout,
            }));
        let router = closed_to_web_pages(router);

        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(run(listener, router, stopped));
        Ok(Self {
            address,
            functions,
            stop,
            server,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDRESS`, of the HTTP routes and the Invoke API alike.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What each function has done and is doing, in the order they were given.
    pub fn status(&self) -> Vec<FunctionStatus> {
        self.functions
            .iter()
            .map(|function| function.status())
            .collect()
    }

    /// Stops: no more invocations, every instance is asked to end and killed a second later, then the listener closes.
    pub async fn shutdown(mut self) {
        let mut stops = JoinSet::new();
        for function in &self.functions {
            let function = function.clone();
            stops.spawn(async move { function.stop().await });
        }
        stops.join_all().await;
        self.stop.send_replace(true);
        let _ = timeout(GRACE, &mut self.server).await;
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for function in &self.functions {
            function.signal_all(Signal::SIGKILL);
        }
        self.server.abort();
    }
}

fn check(spec: &HostSpec) -> Result<(), HostError> {
    let mut names = HashSet::new();
    for function in &spec.functions {
        let name = function.name.clone();
        if let Some(reason) = function.fault() {
            return Err(HostError::Function { name, reason });
        }
        if !names.insert(&function.name) {
            return Err(HostError::DuplicateFunction { name });
        }
    }
    match spec
        .routes
        .iter()
        .find(|route| !names.contains(&route.function))
    {
        Some(route) => Err(HostError::UnknownFunction {
            path: route.path.clone(),
            name: route.function.clone(),
        }),
        None => Ok(()),
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, HostError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => HostError::PortTaken { address },
            _ => HostError::Bind { address, source },
        })
}

async fn run(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let stopped = async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = serve(listener, service)
        .with_graceful_shutdown(stopped)
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the host's listener failed");
    }
}
