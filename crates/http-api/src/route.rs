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
    /// What stands in the path where the operation has `{name}`.
    pub(crate) name: Option<String>,
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
        let Some(name) = match_path(route.operation.path, path) else {
            continue;
        };
        if route.operation.method == *wanted {
            return Ok(Destination {
                route: *route,
                name,
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

/// Whether `path` is of the form `pattern`, and what stands for its `{name}`. A slash at the end does not matter.
fn match_path(pattern: &str, path: &str) -> Option<Option<String>> {
    let path = match path.strip_suffix('/') {
        Some("") | None => path,
        Some(shorter) => shorter,
    };
    let Some((prefix, suffix)) = pattern.split_once("{name}") else {
        return (path == pattern || (pattern == "/" && path.is_empty())).then_some(None);
    };
    let name = path.strip_prefix(prefix)?.strip_suffix(suffix)?;
    if name.is_empty() || name.contains('/') || name.len() > LONGEST_NAME {
        return None;
    }
    let name = percent_decode_str(name).decode_utf8().ok()?;
    Some(Some(name.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations as operation;

    const ROUTES: [Route<u8>; 4] = [
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
    ];

    #[test]
    fn a_request_finds_its_route_and_the_name_in_its_path() {
        for (method, path, endpoint, name) in [
            (Method::GET, "/sla", 0, None),
            (Method::GET, "/sla/", 0, None),
            (Method::HEAD, "/sla", 0, None),
            (Method::POST, "/sla", 1, None),
            (Method::GET, "/sla/web", 2, Some("web")),
            (Method::PUT, "/sla/web%2E1", 3, Some("web.1")),
        ] {
            let found = find(&ROUTES, &method, path).unwrap();
            assert_eq!(
                (found.route.endpoint, found.name.as_deref()),
                (endpoint, name),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn a_path_nobody_has_is_not_found() {
        for path in ["/", "", "/sla/web/x", "/sla//", "/slas", "/SLA", "/sla/%ff"] {
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
