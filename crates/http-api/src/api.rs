use std::{convert::Infallible, error::Error, time::Instant};

use config::AccessConfig;
use lambda_http::{
    Adapter, Body, Context, LambdaEvent, Request, Service,
    http::{Method, Response},
    lambda_runtime,
    request::LambdaRequest,
    service_fn,
};
use serde_json::Value;

use crate::{
    ApiError, Call, Route, access,
    access::Gate,
    arrival::Arrival,
    body, page,
    route::{self, Destination},
};

/// What a request is answered with.
pub type Reply = Response<Body>;

/// The routes of a function and who may call them.
#[derive(Clone, Debug)]
pub struct Api<S: 'static> {
    routes: &'static [Route<S>],
    gate: Gate,
}

impl<S: Sync + 'static> Api<S> {
    /// An API of these routes.
    pub fn new(routes: &'static [Route<S>], access: &AccessConfig) -> Self {
        Self {
            routes,
            gate: Gate::new(access),
        }
    }

    /// Answers one request with what the function has at hand: the handler's reply, or the problem that kept it from being
    /// asked or that it met. Logs what came of it, once.
    pub async fn answer(&self, state: &S, request: Request) -> Reply {
        let started = Instant::now();
        let method = request.method().clone();
        let mut path = "unknown";
        let outcome = match self.admit(request) {
            Ok((route, call)) => {
                path = route.path;
                route.answer(state, &call).await.and_then(page::bounded)
            }
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

    fn admit(&self, request: Request) -> Result<(&'static Route<S>, Call), ApiError> {
        let access = self.gate.admit(request.headers())?;
        let arrival = Arrival::of(&request);
        let Destination { route, segments } = route::find(self.routes, request.method(), &arrival)?;
        if !access::permits(access, &route.method, route.reads) {
            return Err(ApiError::Forbidden);
        }
        body::check_length(request.body(), route.longest_body)?;
        let open = matches!(self.gate, Gate::Open);
        Ok((
            route,
            Call::new(request, route.path, arrival, segments, open),
        ))
    }
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
