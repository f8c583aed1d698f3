//! Which function answers which path.

use std::collections::BTreeMap;

use axum::http::Method;
use matchit::{InsertError, Router};
use percent_encoding::percent_decode_str;

use crate::{host::HostError, spec::Route};

/// The HTTP routes. What is written out beats a parameter.
#[derive(Debug)]
pub(crate) struct Routes(Router<Resource>);

/// A path and the functions behind its methods.
#[derive(Debug)]
struct Resource {
    path: String,
    functions: Vec<(Option<Method>, String)>,
}

/// What a request's path and method lead to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Function {
        name: String,
        /// The path as it is in the route.
        resource: String,
        /// The path's parameters, decoded.
        parameters: Vec<(String, String)>,
    },
    /// The path is known, the method is not; these are.
    WrongMethod(Vec<Method>),
    Unknown,
}

impl Routes {
    pub(crate) fn new(routes: &[Route]) -> Result<Self, HostError> {
        let mut resources: BTreeMap<&str, Vec<(Option<Method>, String)>> = BTreeMap::new();
        for route in routes {
            let functions = resources.entry(&route.path).or_default();
            if functions.iter().any(|(method, _)| *method == route.method) {
                let path = route.path.clone();
                return Err(HostError::DuplicateRoute { path });
            }
            functions.push((route.method.clone(), route.function.clone()));
        }
        let mut router = Router::new();
        for (path, functions) in resources {
            let path = path.to_owned();
            let resource = Resource {
                path: path.clone(),
                functions,
            };
            insert(&mut router, &path, resource)
                .map_err(|source| HostError::Route { path, source })?;
        }
        Ok(Self(router))
    }

    /// A slash at the end of a path is passed over where no route has it, as a REST API does.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Target {
        let without = path.strip_suffix('/').unwrap_or(path);
        let Ok(found) = self.0.at(path).or_else(|_| self.0.at(without)) else {
            return Target::Unknown;
        };
        let functions = &found.value.functions;
        let exact = functions
            .iter()
            .find(|(known, _)| known.as_ref() == Some(method));
        let any = || functions.iter().find(|(known, _)| known.is_none());
        match exact.or_else(any) {
            Some((_, name)) => Target::Function {
                name: name.clone(),
                resource: found.value.path.clone(),
                parameters: found.params.iter().map(decoded).collect(),
            },
            None => Target::WrongMethod(
                functions
                    .iter()
                    .filter_map(|(known, _)| known.clone())
                    .collect(),
            ),
        }
    }
}

/// `{name+}` is `{*name}` to the router.
fn insert(
    router: &mut Router<Resource>,
    path: &str,
    resource: Resource,
) -> Result<(), InsertError> {
    let segments = path.split('/').map(|segment| {
        match segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix("+}"))
        {
            Some(name) => format!("{{*{name}}}"),
            None => segment.to_owned(),
        }
    });
    router.insert(segments.collect::<Vec<_>>().join("/"), resource)
}

fn decoded((name, value): (&str, &str)) -> (String, String) {
    let value = percent_decode_str(value).decode_utf8_lossy();
    (name.to_owned(), value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: Option<Method>, path: &str, function: &str) -> Route {
        Route {
            method,
            path: path.to_owned(),
            function: function.to_owned(),
        }
    }

    fn find(routes: &Routes, method: Method, path: &str) -> String {
        match routes.find(&method, path) {
            Target::Function {
                name,
                resource,
                parameters,
            } => format!("{name} {resource} {parameters:?}"),
            Target::WrongMethod(methods) => format!("{methods:?}"),
            Target::Unknown => "unknown".to_owned(),
        }
    }

    #[test]
    fn the_most_specific_route_answers() {
        let routes = Routes::new(&[
            route(None, "/", "root"),
            route(None, "/things/{id}", "one"),
            route(None, "/things/all", "all"),
            route(Some(Method::GET), "/files/{path+}", "files"),
            route(Some(Method::POST), "/both", "post"),
            route(None, "/both", "rest"),
        ])
        .unwrap();
        let cases = [
            (Method::GET, "/", "root / []"),
            (
                Method::GET,
                "/things/7",
                r#"one /things/{id} [("id", "7")]"#,
            ),
            (
                Method::GET,
                "/things/a%20b%2Fc",
                r#"one /things/{id} [("id", "a b/c")]"#,
            ),
            (Method::DELETE, "/things/all", "all /things/all []"),
            (
                Method::GET,
                "/files/a/b.txt",
                r#"files /files/{path+} [("path", "a/b.txt")]"#,
            ),
            (Method::PUT, "/files/a", "[GET]"),
            (Method::POST, "/both", "post /both []"),
            (Method::PATCH, "/both", "rest /both []"),
            (Method::PATCH, "/both/", "rest /both []"),
            (Method::PATCH, "/both//", "unknown"),
            (Method::GET, "/things", "unknown"),
            (Method::GET, "/things/", "unknown"),
            (Method::GET, "/Things/all", "unknown"),
            (Method::GET, "/things/7/8", "unknown"),
        ];
        for (method, path, expected) in cases {
            assert_eq!(find(&routes, method, path), expected, "{path}");
        }
    }

    #[test]
    fn routes_that_contradict_each_other_are_refused() {
        let twice = [route(None, "/a", "one"), route(None, "/a", "two")];
        assert!(
            matches!(Routes::new(&twice), Err(HostError::DuplicateRoute { path }) if path == "/a")
        );
        let ambiguous = [route(None, "/{a}", "one"), route(None, "/{b}", "two")];
        assert!(matches!(
            Routes::new(&ambiguous),
            Err(HostError::Route { .. })
        ));
    }
}
