use lambda_http::http::Method;
use percent_encoding::percent_decode_str;

use crate::{ApiError, Operation};

/// An operation and what a function calls it.
#[derive(Clone, Copy, Debug)]
pub struct Route<E: 'static> {
    /// Method and path.
    pub operation: &'static Operation,
    /// The function's own name for it.
    pub endpoint: E,
}

/// Where a request goes.
#[derive(Debug)]
pub(crate) struct Destination<E: 'static> {
    pub(crate) route: Route<E>,
    pub(crate) segments: Segments,
}

/// What stands in the path where the operation has `{name}` and `{id}`; empty where it has none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Segments {
    pub(crate) name: String,
    pub(crate) id: String,
}

/// Longer names are nobody's.
const LONGEST_NAME: usize = 255;

/// Finds the route of a request. HEAD goes where GET goes.
pub(crate) fn find<E: Copy>(
    routes: &[Route<E>],
    method: &Method,
    path: &str,
) -> Result<Destination<E>, ApiError> {
    let wanted = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let mut allowed = Vec::new();
    for route in routes {
        let Some(segments) = match_path(route.operation.path, path) else {
            continue;
        };
        if route.operation.method == *wanted {
            return Ok(Destination {
                route: *route,
                segments,
            });
        }
        allowed.push(route.operation.method.clone());
    }
    if allowed.is_empty() {
        return Err(ApiError::NotFound(
            "there is no such route; GET / lists them".to_owned(),
        ));
    }
    if allowed.contains(&Method::GET) {
        allowed.push(Method::HEAD);
    }
    Err(ApiError::MethodNotAllowed {
        method: method.clone(),
        allowed,
    })
}

/// Whether `path` is of the form `pattern`, and what stands for its `{name}` and `{id}`. A slash at the end does not
/// matter.
fn match_path(pattern: &str, path: &str) -> Option<Segments> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
    let mut found = Segments::default();
    let (mut own, mut wanted) = (path.split('/'), pattern.split('/'));
    loop {
        match (wanted.next(), own.next()) {
            (None, None) => return Some(found),
            (Some("{name}"), Some(text)) => found.name = decoded(text)?,
            (Some("{id}"), Some(text)) => found.id = decoded(text)?,
            (Some(wanted), Some(text)) if wanted == text => {}
            _ => return None,
        }
    }
}

fn decoded(segment: &str) -> Option<String> {
    if segment.is_empty() || segment.len() > LONGEST_NAME {
        return None;
    }
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations as operation;

    const ROUTES: [Route<u8>; 6] = [
        Route {
            operation: &operation::LIST_SLAS,
            endpoint: 0,
        },
        Route {
            operation: &operation::CREATE_SLA,
            endpoint: 1,
        },
        Route {
            operation: &operation::GET_SLA,
            endpoint: 2,
        },
        Route {
            operation: &operation::REPLACE_SLA,
            endpoint: 3,
        },
        Route {
            operation: &operation::BUDGET,
            endpoint: 4,
        },
        Route {
            operation: &operation::DELETE_EXCLUSION,
            endpoint: 5,
        },
    ];

    #[test]
    fn a_request_finds_its_route_and_the_name_in_its_path() {
        for (method, path, endpoint, name) in [
            (Method::GET, "/sla", 0, ("", "")),
            (Method::GET, "/sla/", 0, ("", "")),
            (Method::HEAD, "/sla", 0, ("", "")),
            (Method::POST, "/sla", 1, ("", "")),
            (Method::GET, "/sla/web", 2, ("web", "")),
            (Method::PUT, "/sla/web%2E1", 3, ("web.1", "")),
            (Method::GET, "/sla/web/budget", 4, ("web", "")),
            (Method::DELETE, "/sla/web/exclusions/7", 5, ("web", "7")),
        ] {
            let found = find(&ROUTES, &method, path).unwrap();
            let Segments { name: own, id } = &found.segments;
            assert_eq!(
                (found.route.endpoint, (own.as_str(), id.as_str())),
                (endpoint, name),
                "{method} {path}"
            );
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
            assert!(
                matches!(
                    find(&ROUTES, &Method::GET, path),
                    Err(ApiError::NotFound(_))
                ),
                "{path}"
            );
        }
    }

    #[test]
    fn a_method_nobody_has_is_answered_with_those_there_are() {
        let error = find(&ROUTES, &Method::PATCH, "/sla").unwrap_err();
        assert_eq!(error.reply().headers()["allow"], "GET, POST, HEAD");
    }
}
