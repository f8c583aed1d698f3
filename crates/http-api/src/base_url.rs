use lambda_http::{Request, RequestExt, http::header, request::RequestContext};

/// Where the caller found the system: scheme and host as the request has them, and the stage of a REST API.
pub(crate) fn of(request: &Request) -> String {
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
    format!("{scheme}://{host}{}", stage(request))
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

/// What stands before a route's path as the caller has it: a REST API without a domain of its own has its stage there, but
/// not in the path that the function sees.
pub(crate) fn stage(request: &Request) -> String {
    let Some(RequestContext::ApiGatewayV1(context)) = request.request_context_ref() else {
        return String::new();
    };
    let path = request.raw_http_path();
    let prefix = context
        .path
        .as_deref()
        .and_then(|full| full.strip_suffix(path))
        .unwrap_or_default();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_');
    if prefix.chars().all(legal) {
        prefix.to_owned()
    } else {
        String::new()
    }
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
        of(&request.body(Body::Empty).unwrap())
    }

    /// A request of a REST API whose function sees `/sla`.
    fn staged(full: &str) -> Request {
        let context = serde_json::json!({"path": full, "httpMethod": "GET"});
        let context = serde_json::from_value(context).unwrap();
        http::Request::builder()
            .uri("http://x/sla")
            .header("host", "api.example.com")
            .body(Body::Empty)
            .unwrap()
            .with_raw_http_path("/sla")
            .with_request_context(RequestContext::ApiGatewayV1(context))
    }

    #[test]
    fn a_stage_is_part_of_the_address_where_the_caller_has_it() {
        for (full, expected) in [
            ("/sla", "https://api.example.com"),
            ("/prod/sla", "https://api.example.com/prod"),
            ("/$(id)/sla", "https://api.example.com"),
            ("/elsewhere", "https://api.example.com"),
        ] {
            assert_eq!(of(&staged(full)), expected, "{full}");
        }
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
}
