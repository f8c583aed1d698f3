use std::{future::Future, pin::Pin, time::Duration};

use lambda_http::http::Method;

use crate::{
    ApiError, Call, Reply,
    arrival::{Arrival, Segments, match_path},
    within::within,
};

/// A method on a path, and what answers it. [`routes!`](crate::routes) makes them.
#[derive(Debug)]
pub struct Route<S: 'static> {
    /// The method.
    pub method: Method,
    /// The path; `{name}` and `{id}` stand for one segment each.
    pub path: &'static str,
    /// Whether it only reads, whatever its method is: then a token that permits reading alone is enough.
    pub reads: bool,
    /// How many bytes the body may have.
    pub longest_body: usize,
    /// How long the answer may take; without an end where the handler sees to that itself.
    pub patience: Option<Duration>,
    /// What answers.
    pub handler: Handler<S>,
}

impl<S> Route<S> {
    pub(crate) async fn answer(&self, state: &S, call: &Call) -> Result<Reply, ApiError> {
        let answer = (self.handler)(state, call);
        match self.patience {
            Some(patience) => within(patience, "the database", answer).await,
            None => answer.await,
        }
    }
}

/// A method and the path of a page: no operation of the document, which is for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagePath {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: &'static str,
}

/// An answer in the making.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, ApiError>> + Send + 'a>>;

/// What answers the calls of a route, with what the function has at hand.
pub type Handler<S> = for<'a> fn(&'a S, &'a Call) -> Answering<'a>;

/// How long a body may be where nothing else is said.
pub const LONGEST_BODY: usize = 1 << 20;
/// How long the database may take over an answer where nothing else is said: one that says nothing is as good as away.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Where a request goes.
#[derive(Debug)]
pub(crate) struct Destination<S: 'static> {
    pub(crate) route: &'static Route<S>,
    pub(crate) segments: Segments,
}

/// Finds the route of a request. HEAD goes where GET goes. Of the paths that fit, one that is written out beats one with
/// parameters.
pub(crate) fn find<S>(
    routes: &'static [Route<S>],
    method: &Method,
    arrival: &Arrival,
) -> Result<Destination<S>, ApiError> {
    let (pattern, segments) = resource(routes, arrival)
        .ok_or_else(|| ApiError::NotFound("there is no such route; GET / lists them".to_owned()))?;
    let wanted = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let own = || routes.iter().filter(|route| route.path == pattern);
    if let Some(route) = own().find(|route| route.method == *wanted) {
        return Ok(Destination { route, segments });
    }
    let mut allowed: Vec<Method> = own().map(|route| route.method.clone()).collect();
    if allowed.contains(&Method::GET) {
        allowed.push(Method::HEAD);
    }
    Err(ApiError::MethodNotAllowed {
        method: method.clone(),
        allowed,
    })
}

/// The path of the routes that a request is for: the one that the gateway found, else the one that the path fits.
fn resource<S>(routes: &'static [Route<S>], arrival: &Arrival) -> Option<(&'static str, Segments)> {
    let found = routes
        .iter()
        .find(|route| Some(route.path) == arrival.resource.as_deref());
    if let Some(route) = found {
        return Some((route.path, arrival.parameters()?));
    }
    arrival.paths().find_map(|path| {
        let fitting = routes
            .iter()
            .filter_map(|route| Some((route.path, match_path(route.path, path)?)));
        fitting.min_by_key(|(pattern, _)| (pattern.contains('+'), pattern.matches('{').count()))
    })
}

/// Lists the routes of a function, each with what the OpenAPI document says of it.
///
/// Makes `ROUTES`, which the function serves, `operations()`, which only the document asks for, and `pages()`, the HTML pages
/// and forms: they follow the operations, `pages { GET "/ui" list::page; }`.
///
/// ```text
/// routes! {
///     Retrieval {
///         GET "/version" version::answer {
///             id: "version",
///             summary: "version of the program and of the database's schema",
///             curl: "{base}/version",
///             parameters: [],
///             answers: [200 Version],
///             problems: [503],
///         }
///     }
/// }
/// ```
///
/// `curl` is what follows the word on the command line; `{base}` stands for where the system is. `body: required NAME` or
/// `body: optional NAME` names a schema of a body that it takes, `body: form NAME` that of a form; `reads: true` says that it
/// only reads whatever its method is; `longest_body` and `patience` differ from the usual where they are given. `texts` are
/// the content types that its first answer has beside JSON's, `errors` is what it answers errors with in place of problem
/// documents. Problems that follow from the rest need not be listed: see [`Operation::problems`](crate::Operation).
#[macro_export]
macro_rules! routes {
    ($state:ty { $(
        $method:ident $path:literal $handler:path {
            id: $id:literal,
            summary: $summary:literal,
            curl: $curl:literal,
            parameters: [$($parameter:ident),*],
            $(body: $needed:ident $body:literal,)?
            $(reads: $reads:literal,)?
            $(longest_body: $longest:expr,)?
            $(patience: $patience:expr,)?
            answers: [$($status:literal $answer:ty $([$($header:literal)*])?),*],
            $(texts: [$($text:literal),*],)?
            $(errors: $errors:ty,)?
            problems: [$($problem:literal),*],
        }
    )* } $(pages { $(
        $page_method:ident $page_path:literal $page_handler:path $(, patience: $page_patience:expr)?;
    )* })?) => {
        /// The routes of the function.
        pub static ROUTES: &[$crate::Route<$state>] = &[$(
            $crate::Route {
                method: $crate::Method::$method,
                path: $path,
                reads: $crate::routes!(@or $($reads)?, false),
                longest_body: $crate::routes!(@or $($longest)?, $crate::LONGEST_BODY),
                patience: $crate::routes!(@or $($patience)?, Some($crate::PATIENCE)),
                handler: |state, call| Box::pin($handler(state, call)),
            },
        )* $($(
            $crate::Route {
                method: $crate::Method::$page_method,
                path: $page_path,
                longest_body: $crate::LONGEST_BODY,
                reads: false,
                patience: $crate::routes!(@or $($page_patience)?, Some($crate::PATIENCE)),
                handler: |state, call| Box::pin($page_handler(state, call)),
            },
        )*)?];

        /// The pages and forms of the function.
        pub fn pages() -> Vec<$crate::PagePath> {
            vec![$($(
                $crate::PagePath { method: $crate::Method::$page_method, path: $page_path },
            )*)?]
        }

        /// What the OpenAPI document says of the routes.
        pub fn operations() -> Vec<$crate::Operation> {
            vec![$(
                $crate::Operation {
                    id: $id,
                    method: $crate::Method::$method,
                    path: $path,
                    summary: $summary,
                    curl: $curl,
                    parameters: &[$($crate::parameters::$parameter),*],
                    body: $crate::routes!(@body $($needed $body)?),
                    reads: $crate::routes!(@or $($reads)?, false),
                    answers: vec![$(
                        $crate::Answer {
                            status: $status,
                            headers: &[$($($header),*)?],
                            schema: |generator| generator.subschema_for::<$answer>(),
                        }
                    ),*],
                    texts: &[$($($text),*)?],
                    errors: $crate::routes!(@errors $($errors)?),
                    other_problems: &[$($problem),*],
                }
            ),*]
        }
    };
    (@or , $default:expr) => { $default };
    (@or $given:expr, $default:expr) => { $given };
    (@body) => { None };
    (@body required $name:literal) => {
        Some($crate::RequestBody { schema: $name, required: true, is_form: false })
    };
    (@body optional $name:literal) => {
        Some($crate::RequestBody { schema: $name, required: false, is_form: false })
    };
    (@body form $name:literal) => {
        Some($crate::RequestBody { schema: $name, required: false, is_form: true })
    };
    (@errors) => { None };
    (@errors $errors:ty) => { Some(|generator| generator.subschema_for::<$errors>()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody<'a>((): &'a (), _: &'a Call) -> Answering<'a> {
        Box::pin(async { Err(ApiError::NotFound(String::new())) })
    }

    const fn route(method: Method, path: &'static str) -> Route<()> {
        Route {
            method,
            path,
            reads: false,
            longest_body: 0,
            patience: None,
            handler: nobody,
        }
    }

    static ROUTES: [Route<()>; 7] = [
        route(Method::GET, "/sla"),
        route(Method::POST, "/sla"),
        route(Method::GET, "/sla/{name}"),
        route(Method::PUT, "/sla/{name}"),
        route(Method::POST, "/sla/try"),
        route(Method::GET, "/sla/{name}/budget"),
        route(Method::DELETE, "/sla/{name}/exclusions/{id}"),
    ];

    fn found(method: &Method, path: &str) -> Result<(&'static str, String, String), ApiError> {
        let found = find(&ROUTES, method, &Arrival::at(path))?;
        Ok((found.route.path, found.segments.name, found.segments.id))
    }

    #[test]
    fn a_request_finds_its_route_and_the_name_in_its_path() {
        for (method, path, pattern, name, id) in [
            (Method::GET, "/sla", "/sla", "", ""),
            (Method::GET, "/sla/", "/sla", "", ""),
            (Method::HEAD, "/sla", "/sla", "", ""),
            (Method::POST, "/sla", "/sla", "", ""),
            (Method::POST, "/sla/try", "/sla/try", "", ""),
            (Method::GET, "/sla/web", "/sla/{name}", "web", ""),
            (Method::PUT, "/sla/web%2E1", "/sla/{name}", "web.1", ""),
            (
                Method::GET,
                "/sla/web/budget",
                "/sla/{name}/budget",
                "web",
                "",
            ),
            (
                Method::DELETE,
                "/sla/web/exclusions/7",
                "/sla/{name}/exclusions/{id}",
                "web",
                "7",
            ),
        ] {
            let expected = (pattern, name.to_owned(), id.to_owned());
            assert_eq!(found(&method, path).unwrap(), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_path_nobody_has_is_not_found() {
        for path in [
            "/",
            "",
            "/sla/web/x",
            "/sla//",
            "/sla//budget",
            "/slas",
            "/SLA",
            "/sla/%ff",
        ] {
            let error = found(&Method::GET, path).unwrap_err();
            assert!(matches!(error, ApiError::NotFound(_)), "{path}");
        }
    }

    #[test]
    fn a_method_nobody_has_is_answered_with_those_there_are() {
        for (path, allowed) in [("/sla", "GET, POST, HEAD"), ("/sla/try", "POST")] {
            let error = found(&Method::PATCH, path).unwrap_err();
            assert_eq!(error.reply().headers()["allow"], allowed);
        }
    }
}
