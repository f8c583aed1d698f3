use std::{convert::Infallible, error::Error, future::Future, time::Instant};

use config::AccessConfig;
use lambda_http::{
    Adapter, Body, Context, LambdaEvent, Request, RequestExt, Service,
    http::{HeaderMap, Method, Response, header},
    request::LambdaRequest,
    service_fn,
};
use serde_json::Value;

use crate::{
    ApiError, Fault, Place, Query, Route, access,
    access::Gate,
    base_url, body,
    route::{self, Destination},
};

/// What a request is answered with.
pub type Reply = Response<Body>;

/// The routes of a function and who may call them.
#[derive(Clone, Debug)]
pub struct Api<E: 'static> {
    routes: &'static [Route<E>],
    gate: Gate,
}

/// A request that found its route and may take it.
#[derive(Debug)]
pub struct Call<E: 'static> {
    /// The route's endpoint.
    pub endpoint: E,
    /// What stands in the path where the route has `{name}`; empty where it has none.
    pub name: String,
    /// What stands in the path where the route has `{id}`; empty where it has none.
    pub id: String,
    path: &'static str,
    request: Request,
    open: bool,
}

impl<E: Copy + Send + Sync + 'static> Api<E> {
    /// An API of these routes.
    pub fn new(routes: &'static [Route<E>], access: &AccessConfig) -> Self {
        Self {
            routes,
            gate: Gate::new(access),
        }
    }

    /// Answers one request: the handler's reply, or the problem that kept it from being asked or that it met. Logs what
    /// came of it, once.
    pub async fn answer<F>(&self, request: Request, handler: impl FnOnce(Call<E>) -> F) -> Reply
    where
        F: Future<Output = Result<Reply, ApiError>>,
    {
        let started = Instant::now();
        let method = request.method().clone();
        let call = self.admit(request);
        let path = call.as_ref().map_or("unknown", |call| call.path);
        let outcome = match call {
            Ok(call) => handler(call).await,
            Err(error) => Err(error),
        };
        let (mut reply, error) = match outcome {
            Ok(reply) => (reply, None),
            Err(error) => (error.reply(), Some(error)),
        };
        log(
            &method,
            path,
            reply.status().as_u16(),
            started,
            error.as_ref(),
        );
        if method == Method::HEAD {
            *reply.body_mut() = Body::Empty;
        }
        reply
    }

    /// Answers a request that came as a Lambda payload, 1.0 or 2.0, with a payload of the same version. For a function
    /// that takes other events, too.
    ///
    /// # Errors
    /// When the answer cannot be written as JSON, which is a defect.
    pub async fn answer_payload<F>(
        &self,
        payload: LambdaRequest,
        context: Context,
        handler: impl Fn(Call<E>) -> F + Sync,
    ) -> Result<Value, serde_json::Error>
    where
        F: Future<Output = Result<Reply, ApiError>> + Send,
    {
        let handler = &handler;
        let service = service_fn(move |request| async move {
            Ok::<_, Infallible>(self.answer(request, handler).await)
        });
        match Adapter::from(service)
            .call(LambdaEvent::new(payload, context))
            .await
        {
            Ok(response) => serde_json::to_value(response),
            Err(never) => match never {},
        }
    }

    /// Serves the function's requests until the runtime stops.
    ///
    /// # Errors
    /// When the Lambda runtime cannot be reached.
    pub async fn serve<F>(
        &self,
        handler: impl Fn(Call<E>) -> F + Sync,
    ) -> Result<(), lambda_http::Error>
    where
        F: Future<Output = Result<Reply, ApiError>> + Send,
    {
        let handler = &handler;
        lambda_http::run(service_fn(move |request| async move {
            Ok::<_, Infallible>(self.answer(request, handler).await)
        }))
        .await
    }

    fn admit(&self, request: Request) -> Result<Call<E>, ApiError> {
        let access = self.gate.admit(request.headers())?;
        let Destination { route, segments } =
            route::find(self.routes, request.method(), request.raw_http_path())?;
        if !access::permits(access, &route.operation.method) {
            return Err(ApiError::Forbidden);
        }
        body::check_length(request.body(), route.operation.longest_body())?;
        Ok(Call {
            endpoint: route.endpoint,
            name: segments.name,
            id: segments.id,
            path: route.operation.path,
            request,
            open: matches!(self.gate, Gate::Open),
        })
    }
}

impl<E> Call<E> {
    /// The query parameters.
    pub fn query(&self) -> Query {
        Query::new(&self.request, self.path)
    }

    /// The body's JSON; `Null` where there is no body.
    ///
    /// # Errors
    /// When the body is not JSON or says it is something else.
    pub fn json_or_null(&self) -> Result<Value, ApiError> {
        body::parse(self.request.headers(), self.request.body())
    }

    /// The body's JSON.
    ///
    /// # Errors
    /// When the body is missing, is not JSON or says it is something else.
    pub fn json(&self) -> Result<Value, ApiError> {
        if body::bytes(self.request.body()).trim_ascii().is_empty() {
            return Err(ApiError::NotJson("it is empty".to_owned()));
        }
        self.json_or_null()
    }

    /// The versions If-Match names; empty for `*`.
    ///
    /// # Errors
    /// When the header is missing, or names something that is no version.
    pub fn if_match(&self) -> Result<Vec<u32>, ApiError> {
        let values = self.headers().get_all(header::IF_MATCH);
        let tags: Vec<&str> = values
            .iter()
            .flat_map(|value| value.to_str().unwrap_or("?").split(','))
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .collect();
        if tags.is_empty() {
            return Err(ApiError::PreconditionRequired);
        }
        if tags == ["*"] {
            return Ok(Vec::new());
        }
        tags.into_iter().map(version).collect()
    }

    /// Where the system is, as the caller sees it: `http://127.0.0.1:9000`.
    pub fn base_url(&self) -> String {
        base_url::of(&self.request)
    }

    /// A path of this API as the caller has it, for `Location`.
    pub fn path_of(&self, path: &str) -> String {
        base_url::stage(&self.request) + path
    }

    /// Whether anybody may call, token or not.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }
}

/// The version a tag names. One nobody ever had, such as a weak tag's, is 0: it matches nothing.
fn version(tag: &str) -> Result<u32, ApiError> {
    if tag.starts_with("W/\"") {
        return Ok(0);
    }
    let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    let digits = quoted.unwrap_or(tag);
    if quoted.is_none() && !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::BadParameters(vec![Fault {
            place: Place::Header("If-Match".to_owned()),
            detail: "is not an ETag such as \"1\"".to_owned(),
        }]));
    }
    Ok(digits.parse().unwrap_or(0))
}

fn log(method: &Method, path: &str, status: u16, started: Instant, error: Option<&ApiError>) {
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    match error {
        None => tracing::info!(%method, path, status, milliseconds, "answered"),
        Some(error) if status < 500 => {
            tracing::info!(%method, path, status, milliseconds, %error, "refused");
        }
        Some(error) => {
            let cause = cause(error);
            tracing::error!(%method, path, status, milliseconds, %error, cause, "could not answer");
        }
    }
}

/// The chain of causes below an error, for the log.
fn cause(error: &ApiError) -> String {
    let mut source = match error {
        ApiError::Internal(source)
        | ApiError::Misconfigured(source)
        | ApiError::NotReady(source)
        | ApiError::Unavailable { source, .. } => Some(&**source as &dyn Error),
        _ => None,
    };
    let mut causes = Vec::new();
    while let Some(error) = source {
        causes.push(error.to_string());
        source = error.source();
    }
    causes.join(": ")
}
