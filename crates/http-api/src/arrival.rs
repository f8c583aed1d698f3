//! How a request came here: which route a gateway found for it, and where the caller found the system.
//!
//! A gateway may keep a stage or a base path before a route's path, and may show either of them in the path or not: REST
//! APIs, HTTP APIs, custom domains and function URLs all differ. So the route is the one that the gateway names, and what
//! the caller has before it is what is left of the path that was called, without as many segments as the route has.

use lambda_http::{Request, RequestExt, http::header, request::RequestContext};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is known of a request's way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrival {
    /// The path of the route, with its parameters in braces, as the gateway has it.
    pub(crate) resource: Option<String>,
    /// What the gateway found for `{name}`, `{id}` and the `{proxy+}` of a route for everything.
    name: Option<String>,
    id: Option<String>,
    proxy: Option<String>,
    /// The path that the function is shown.
    path: String,
    /// The stage, if the path may begin with it.
    stage: Option<String>,
    /// The path that was called.
    called: String,
    /// Scheme and host that were called.
    origin: String,
}

/// What stands in the path where the route has `{name}` and `{id}`; empty where it has none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Segments {
    pub(crate) name: String,
    pub(crate) id: String,
}

/// Longer names are nobody's.
const LONGEST_NAME: usize = 255;

/// What may stand in a path as it is. The links go into commands that people paste into a shell.
const UNSAFE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'%');

impl Arrival {
    pub(crate) fn of(request: &Request) -> Self {
        let path = request.raw_http_path().to_owned();
        let parameters = request.path_parameters_ref();
        let parameter = |name| Some(parameters?.first(name)?.to_owned());
        let (resource, called, stage) = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV1(context)) => {
                (context.resource_path.clone(), context.path.clone(), None)
            }
            Some(RequestContext::ApiGatewayV2(context)) => (
                context.route_key.as_deref().and_then(path_of_route_key),
                context.http.path.clone(),
                context.stage.clone(),
            ),
            _ => (None, None, None),
        };
        Self {
            resource,
            name: parameter("name"),
            id: parameter("id"),
            proxy: parameter("proxy"),
            called: called.unwrap_or_else(|| path.clone()),
            path,
            stage,
            origin: origin(request),
        }
    }

    /// A request that no gateway has seen.
    #[cfg(test)]
    pub(crate) fn at(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            called: path.to_owned(),
            ..Self::default()
        }
    }

    /// What the gateway found for the parameters of the route that it names; `None` if nobody has such a name.
    pub(crate) fn parameters(&self) -> Option<Segments> {
        let decoded_or_empty = |text: &Option<String>| match text {
            Some(text) => decoded(text),
            None => Some(String::new()),
        };
        Some(Segments {
            name: decoded_or_empty(&self.name)?,
            id: decoded_or_empty(&self.id)?,
        })
    }

    /// The paths that may be a route's, the likeliest first.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        let below_stage = self.stage.as_ref().and_then(|stage| {
            let rest = self.path.strip_prefix('/')?.strip_prefix(stage.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then_some(rest)
        });
        // Of a route for everything below a base path the gateway shows what is below; a slash at its front is missing.
        let below_base = self.proxy.as_deref().and_then(|proxy| {
            let end = self.path.trim_end_matches('/');
            let start = end
                .len()
                .checked_sub(proxy.trim_end_matches('/').len() + 1)?;
            (end.get(start..)?.strip_prefix('/')? == proxy.trim_end_matches('/'))
                .then(|| &end[start..])
        });
        below_base
            .into_iter()
            .chain([self.path.as_str()])
            .chain(below_stage)
    }

    /// What the caller has before a path of these routes, as scheme, host and path, where the call found the route of
    /// path `pattern`.
    pub(crate) fn base_url(&self, pattern: &str) -> String {
        format!("{}{}", self.origin, self.prefix(pattern))
    }

    /// Whether a cookie may be one that only goes over TLS: off loopback always.
    pub(crate) fn is_secure(&self) -> bool {
        let host = self.origin.strip_prefix("http://");
        !host.is_some_and(is_loopback)
    }

    /// The path that was called, as it may stand in a link.
    pub(crate) fn called(&self) -> String {
        utf8_percent_encode(&self.called, UNSAFE).to_string()
    }

    /// The path of [`Self::base_url`]: empty, or such as `/v1`.
    pub(crate) fn prefix(&self, pattern: &str) -> String {
        let mut prefix = self.called.trim_end_matches('/');
        for _ in segments(pattern) {
            prefix = prefix.rsplit_once('/').map_or("", |(before, _)| before);
        }
        utf8_percent_encode(prefix, UNSAFE).to_string()
    }
}

/// `GET /sla/{name}` is about `/sla/{name}`, `$default` about nothing.
fn path_of_route_key(key: &str) -> Option<String> {
    key.split_once(' ').map(|(_, path)| path.to_owned())
}

/// Scheme and host as the request has them.
fn origin(request: &Request) -> String {
    let text = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let host = text(header::HOST.as_str())
        .filter(|host| is_host(host))
        .unwrap_or("localhost");
    let scheme = match text("x-forwarded-proto") {
        Some("http") => "http",
        Some("https") => "https",
        _ if is_loopback(host) => "http",
        _ => "https",
    };
    format!("{scheme}://{host}")
}

/// The host goes into a command that people paste into a shell: nothing but a host and a port may be in it.
fn is_host(host: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '[' | ']');
    !host.is_empty() && host.len() <= 255 && host.chars().all(legal)
}

fn is_loopback(host: &str) -> bool {
    ["localhost", "127.", "[::1]"]
        .iter()
        .any(|prefix| host.starts_with(prefix))
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Whether `path` is of the form `pattern`, and what stands for its `{name}` and `{id}`; `{proxy+}` is whatever is left. A
/// slash at the end does not matter.
pub(crate) fn match_path(pattern: &str, path: &str) -> Option<Segments> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
    let mut found = Segments::default();
    let (mut own, mut wanted) = (path.split('/'), pattern.split('/'));
    loop {
        match (wanted.next(), own.next()) {
            (None, None) => return Some(found),
            (Some("{name}"), Some(text)) => found.name = decoded(text)?,
            (Some("{id}"), Some(text)) => found.id = decoded(text)?,
            (Some("{proxy+}"), Some(text)) if !text.is_empty() => return Some(found),
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
    use lambda_http::{Body, http};

    fn base(headers: &[(&str, &str)]) -> String {
        let mut request = http::Request::builder().uri("http://x/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Arrival::of(&request.body(Body::Empty).unwrap()).base_url("/")
    }

    #[test]
    fn scheme_and_host_are_the_callers() {
        for (headers, expected) in [
            (vec![("host", "127.0.0.1:9000")], "http://127.0.0.1:9000"),
            (vec![("host", "api.example.com")], "https://api.example.com"),
            (
                vec![("host", "api.example.com"), ("x-forwarded-proto", "http")],
                "http://api.example.com",
            ),
            (vec![("host", "x; rm -rf /")], "http://localhost"),
            (
                vec![("host", "$(id)"), ("x-forwarded-proto", "ftp")],
                "http://localhost",
            ),
            (vec![], "http://localhost"),
        ] {
            assert_eq!(base(&headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn what_the_caller_has_before_a_route_is_part_of_every_link() {
        for (called, pattern, prefix) in [
            ("/sla", "/sla", ""),
            ("/", "/", ""),
            ("/prod", "/", "/prod"),
            ("/prod/", "/", "/prod"),
            ("/prod/sla/a%2Fb/", "/sla/{name}", "/prod"),
            (
                "/a/b/sla/web/exclusions/7",
                "/sla/{name}/exclusions/{id}",
                "/a/b",
            ),
            ("/$(id)/it's/sla", "/sla", "/%24%28id%29/it%27s"),
            ("/100%25/sla", "/sla", "/100%25"),
        ] {
            assert_eq!(Arrival::at(called).prefix(pattern), prefix, "{called}");
        }
    }
}
