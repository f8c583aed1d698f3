use std::{convert::Infallible, error::Error, sync::Arc, time::Instant};

use chrono::Utc;
use config::{Access, AccessConfig};
use lambda_http::{
    Adapter, Body, Context, LambdaEvent, Request, RequestExt, Service,
    http::{Method, Response},
    lambda_runtime,
    request::LambdaRequest,
    service_fn,
};
use serde_json::Value;

use crate::{
    Accept, ApiError, Call, Route, access,
    access::Gate,
    arrival::Arrival,
    audience::Audience,
    body,
    html::{self, Wanted},
    origin::Sender,
    page,
    route::{self, Destination},
};

/// What a request is answered with.
pub type Reply = Response<Body>;

/// The routes of a function and who may call them.
#[derive(Clone, Debug)]
pub struct Api<S: 'static> {
    routes: &'static [Route<S>],
    gate: Arc<Gate>,
}

impl<S: Sync + 'static> Api<S> {
    /// An API of these routes.
    pub fn new(routes: &'static [Route<S>], access: &AccessConfig) -> Self {
        Self {
            routes,
            gate: Arc::new(Gate::new(access)),
        }
    }

    /// Answers one request with what the function has at hand: the handler's reply, or the problem that kept it from being
    /// asked or that it met. Logs what came of it, once.
    pub async fn answer(&self, state: &S, request: Request) -> Reply {
        let started = Instant::now();
        let method = request.method().clone();
        let arrival = Arrival::of(&request);
        let audience = self.audience(&request, &arrival);
        let wanted = Wanted::of(request.headers());
        let (base, here) = (base(&arrival), here(&arrival, &request));
        let mut path = "unknown";
        let outcome = match self.admit(request, arrival, audience) {
            Ok((route, call)) => {
                path = route.path;
                route.answer(state, &call).await.and_then(page::bounded)
            }
            Err(error) => Err(error),
        };
        let (mut reply, error) = match outcome {
            Ok(reply) => (reply, None),
            Err(error) => (
                refusal(&error, audience, &method, &base, &here),
                Some(error),
            ),
        };
        if audience != Audience::Programs {
            reply = html::finish(reply, &wanted);
        }
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
    pub async fn answer_payload(
        &self,
        state: &S,
        mut payload: LambdaRequest,
        context: Context,
    ) -> Result<Value, serde_json::Error> {
        // A REST API names the route twice, of which one gets lost on the way.
        if let LambdaRequest::ApiGatewayV1(request) = &mut payload {
            let named = request.request_context.resource_path.take();
            request.request_context.resource_path = named.or(request.resource.take());
        }
        let service = service_fn(move |request| async move {
            Ok::<_, Infallible>(self.answer(state, request).await)
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
    pub async fn serve(&self, state: &S) -> Result<(), lambda_http::Error> {
        let service = service_fn(async |event: LambdaEvent<LambdaRequest>| {
            let (payload, context) = event.into_parts();
            let answer = self.answer_payload(state, payload, context).await;
            answer.map_err(lambda_http::Error::from)
        });
        lambda_runtime::run(service).await
    }

    /// Whom a request is for. A browser that asks for `/` is only sent on to the pages, which ask who it is.
    fn audience(&self, request: &Request, arrival: &Arrival) -> Audience {
        let is_visit = access::is_safe(request.method())
            && Accept::of(request.headers()).prefers_html()
            && route::find(self.routes, request.method(), arrival)
                .is_ok_and(|found| found.route.path == "/");
        if is_visit {
            return Audience::Anybody;
        }
        Audience::of(arrival)
    }

    fn admit(
        &self,
        request: Request,
        arrival: Arrival,
        audience: Audience,
    ) -> Result<(&'static Route<S>, Call), ApiError> {
        let (access, with_token) = self.access(&request, &arrival, audience)?;
        let Destination { route, segments } = route::find(self.routes, request.method(), &arrival)?;
        if audience != Audience::Anybody && !access::permits(access, &route.method, route.reads) {
            return Err(ApiError::Forbidden);
        }
        // Whoever shows no token may be a browser that another page sends. A form comes from a page of this host for sure.
        let is_change = !access::is_safe(&route.method) && !route.reads;
        if is_change && !with_token {
            match (Sender::of(request.headers()), audience) {
                (Sender::Foreign, _) | (Sender::Unknown, Audience::People) => {
                    return Err(ApiError::ForeignPage);
                }
                _ => {}
            }
        }
        body::check_length(request.body(), route.longest_body)?;
        let gate = Arc::clone(&self.gate);
        Ok((
            route,
            Call::new(request, route.path, arrival, segments, gate),
        ))
    }

    /// What the caller may do, and whether that is by a token.
    fn access(
        &self,
        request: &Request,
        arrival: &Arrival,
        audience: Audience,
    ) -> Result<(Access, bool), ApiError> {
        let headers = request.headers();
        let with_token = matches!(*self.gate, Gate::Tokens(_)) && access::shows_token(headers);
        let access = match audience {
            Audience::Anybody => return Ok((Access::ReadOnly, false)),
            Audience::People if !with_token => {
                let now = Utc::now().into();
                let access = self.gate.signed_in(headers, arrival.is_secure(), now);
                access.ok_or(ApiError::Unauthorized { shown: false })?
            }
            Audience::Programs | Audience::People => self.gate.admit(headers)?,
        };
        Ok((access, with_token))
    }
}

/// What is before the paths of the routes.
fn base(arrival: &Arrival) -> String {
    // Of a path that no route has only a gateway knows where it begins.
    let called = arrival.called();
    let pages = called.find("/ui").filter(|at| {
        let after = called[at + 3..].bytes().next();
        matches!(after, None | Some(b'/'))
    });
    pages.map_or(String::new(), |at| called[..at].to_owned())
}

/// The path and query that were called.
fn here(arrival: &Arrival, request: &Request) -> String {
    let path = arrival.called();
    let query = request.query_string_parameters_ref();
    let pairs = query.into_iter().flat_map(|query| query.iter());
    let mut text = form_urlencoded::Serializer::new(String::new());
    let query = text.extend_pairs(pairs).finish();
    match query.as_str() {
        "" => path,
        query => format!("{path}?{query}"),
    }
}

/// What a caller who is not answered as asked gets: programs a problem, people a page, and the form to sign in where that is
/// what they lack.
fn refusal(error: &ApiError, audience: Audience, method: &Method, base: &str, here: &str) -> Reply {
    if audience == Audience::Programs {
        return error.reply();
    }
    if matches!(error, ApiError::Unauthorized { shown: false }) {
        if !access::is_safe(method) {
            return html::problem(&ApiError::SignedOut, base);
        }
        let next: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
        let login = html::see_other(&format!("{base}/ui/login?next={next}"));
        return login.unwrap_or_else(|error| html::problem(&error, base));
    }
    html::problem(error, base)
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
