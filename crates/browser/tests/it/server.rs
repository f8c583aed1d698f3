//! The routes of the functions on loopback, in this process.

use std::{sync::Arc, time::Duration};

use alerting::{
    Alerting,
    function::Function,
    receivers::{Receivers, resolver::SystemLookup},
};
use axum::{
    Router,
    body::{Body as Sent, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, Uri},
};
use config::{AccessConfig, AlertConfig, Bounds, Environment};
use http_api::{Api, Reply};
use lambda_http::{Body, Request, RequestExt, aws_lambda_events::query_map::QueryMap};
use lambda_runtime::{Context, LambdaEvent};
use retrieval::Retrieval;
use sla::{Evaluator, ReadLast, SlaManager};
use store::Store;
use tokio::{net::TcpListener, task::JoinHandle};

pub(crate) const TOKEN: &str = "writer-writer-writer";
/// One that only reads.
pub(crate) const READER: &str = "reader-reader-reader";
/// However long the browser takes, nothing becomes stale.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Who may see the pages.
#[derive(Clone, Copy)]
pub(crate) enum Access {
    Anybody,
    Token,
}

pub(crate) struct Server {
    base: String,
    task: JoinHandle<()>,
}

struct Functions {
    sla: (Api<SlaManager>, SlaManager),
    retrieval: (Api<Retrieval>, Retrieval),
    alerting: (Api<Alerting>, Alerting),
}

impl Server {
    /// Beside an etl that answers every trial.
    pub(crate) async fn start(store: Store, access: Access) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let etl = format!("http://{}", listener.local_addr().unwrap());
        let evaluator = Evaluator::new(Some(etl.parse().unwrap()), None).unwrap();
        Self::on(listener, store, access, (evaluator, DAY)).await
    }

    /// Without etl, and so late that everything is stale.
    pub(crate) async fn late(store: Store) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let evaluator = Evaluator::new(None, None).unwrap();
        let rest = (evaluator, Duration::from_secs(1));
        Self::on(listener, store, Access::Anybody, rest).await
    }

    async fn on(
        listener: TcpListener,
        store: Store,
        access: Access,
        (evaluator, schedule_interval): (Evaluator, Duration),
    ) -> Self {
        let access = match access {
            Access::Anybody => AccessConfig::Anonymous,
            Access::Token => AccessConfig::Tokens(vec![
                (TOKEN.into(), config::Access::ReadWrite),
                (READER.into(), config::Access::ReadOnly),
            ]),
        };
        let functions = Functions {
            sla: (
                Api::new(sla::ROUTES, &access),
                SlaManager {
                    store: store.clone(),
                    evaluator,
                    schedule_interval,
                    settle: Duration::from_secs(5),
                    bounds: Bounds::default(),
                    queries_allowed: true,
                    read_last: ReadLast::default(),
                },
            ),
            retrieval: (
                Api::new(retrieval::ROUTES, &access),
                Retrieval {
                    store: store.clone(),
                    schedule_interval,
                },
            ),
            alerting: (
                Api::new(alerting::ROUTES, &access),
                alerting(store, &Environment::default(), schedule_interval),
            ),
        };
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .fallback(serve)
            .with_state(Arc::new(functions));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self { base, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn alerting(store: Store, environment: &Environment, schedule_interval: Duration) -> Alerting {
    let alerts = AlertConfig::read(environment).unwrap();
    Alerting {
        store,
        receivers: Receivers::new(&alerts, environment, Arc::new(SystemLookup)).unwrap(),
        schedule_interval,
        hold: alerts.hold,
        public_url: String::new(),
        kept: Duration::from_secs(86_400),
    }
}

/// Compares what holds with what was said, and fails to deliver what changed: nobody listens on that port.
pub(crate) async fn compare(store: &Store) {
    let webhooks = serde_json::json!([{"name": "ops", "url": "http://127.0.0.1:1/",
        "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}]);
    let webhooks = webhooks.to_string();
    let environment: Environment = [
        ("ALERT_WEBHOOKS", webhooks.as_str()),
        ("ALERT_ALLOW_PRIVATE", "true"),
    ]
    .into_iter()
    .collect();
    let function = Function::new(
        alerting(store.clone(), &environment, DAY),
        &AccessConfig::Anonymous,
    );
    let event =
        serde_json::json!({"detail-type": "Scheduled Event", "time": "2026-11-23T08:45:00Z"});
    let event = LambdaEvent::new(event, Context::default());
    function.handle(event).await.unwrap();
}

async fn serve(
    State(functions): State<Arc<Functions>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Sent> {
    let path = uri.path().to_owned();
    if path == "/ETL" {
        let tried = serde_json::to_string(&crate::told::tried()).unwrap();
        return Response::new(Sent::from(tried));
    }
    let query: QueryMap = uri.query().unwrap_or_default().parse().unwrap();
    let mut request = Request::new(Body::from(body.to_vec()));
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    let request = request
        .with_raw_http_path(path.as_str())
        .with_query_string_parameters(query);
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    let reply: Reply = if starts(&["/ui/alerts", "/alerts"]) {
        let (api, state) = &functions.alerting;
        api.answer(state, request).await
    } else if starts(&["/ui/series", "/ui/runs", "/series", "/runs"]) || path == "/" {
        let (api, state) = &functions.retrieval;
        api.answer(state, request).await
    } else {
        let (api, state) = &functions.sla;
        api.answer(state, request).await
    };
    let (parts, body) = reply.into_parts();
    let body = match body {
        Body::Text(text) => Sent::from(text),
        Body::Binary(bytes) => Sent::from(bytes),
        _ => Sent::empty(),
    };
    Response::from_parts(parts, body)
}
