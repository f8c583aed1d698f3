//! Loopback keeps other machines out, but not the web pages that a browser of this machine shows: any of them may send
//! requests here, under a name of its own that leads to loopback too.

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::{Next, from_fn},
    response::Response,
};
use url::{Host, Url};

use crate::problem::problem;

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The routes, closed to web pages of other origins.
///
/// `Host` has to be a name of loopback, and what a browser says about the page that asks has to be that the page comes from
/// here. Anything else is answered 403, or 400 if `Host` is none.
pub fn closed_to_web_pages(router: Router) -> Router {
    router.layer(from_fn(guard))
}

async fn guard(request: Request, next: Next) -> Response {
    match fault(request.method(), request.headers()) {
        Some((status, detail)) => problem(status, detail),
        None => next.run(request).await,
    }
}

/// Why a request is refused.
fn fault(method: &Method, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let own = match text(&header::HOST).map(|host| Url::parse(&format!("http://{host}/"))) {
        None => None,
        Some(Ok(url)) if is_loopback(&url) => Some(url.origin()),
        Some(Ok(_)) => {
            let detail = "Host must be localhost or an address of loopback";
            return Some((StatusCode::FORBIDDEN, detail));
        }
        Some(Err(_)) => return Some((StatusCode::BAD_REQUEST, "Host is not a host")),
    };
    let changes = *method != Method::GET && *method != Method::HEAD;
    // An old browser sends a form without Origin. `curl -d` sends a form too, and is no page.
    let page = header::REFERER;
    let origin = text(&header::ORIGIN).or_else(|| text(&page).filter(|_| changes));
    let from_here = |origin: &str| Url::parse(origin).is_ok_and(|url| Some(url.origin()) == own);
    if origin.is_some_and(|origin| !from_here(origin)) {
        let detail = "Origin must be this host: web pages of other origins are refused";
        return Some((StatusCode::FORBIDDEN, detail));
    }
    let site = text(&SEC_FETCH_SITE);
    // Whoever follows a link sees the page himself; the page with the link does not.
    let follows = text(&SEC_FETCH_MODE) == Some("navigate") && !changes;
    if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) && !follows {
        let detail = "Sec-Fetch-Site must be same-origin: web pages of other origins are refused";
        return Some((StatusCode::FORBIDDEN, detail));
    }
    None
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn status(method: &Method, headers: &[(&str, &str)]) -> Option<u16> {
        let headers = headers.iter().map(|(name, value)| {
            let name = HeaderName::try_from(*name).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        fault(method, &headers.collect()).map(|(status, _)| status.as_u16())
    }

    #[test]
    fn a_host_has_to_be_a_name_of_loopback() {
        for (host, refused) in [
            ("127.0.0.1:9000", None),
            ("127.1.2.3", None),
            ("localhost:9000", None),
            ("LOCALHOST", None),
            ("demo.localhost:9000", None),
            ("[::1]:9000", None),
            ("evil.example:9000", Some(403)),
            ("localhost.evil.example", Some(403)),
            ("10.0.0.1:9000", Some(403)),
            ("0.0.0.0:9000", Some(403)),
            ("a b", Some(400)),
            ("[::1", Some(400)),
            ("a:99999", Some(400)),
        ] {
            assert_eq!(status(&Method::GET, &[("host", host)]), refused, "{host}");
        }
        assert_eq!(status(&Method::POST, &[]), None);
    }

    #[test]
    fn a_web_page_of_another_origin_is_refused() {
        let own = ("host", "localhost:9000");
        let form = ("content-type", "application/x-www-form-urlencoded");
        for (headers, refused) in [
            (&[form][..], None),
            (&[form, ("origin", "http://localhost:9000")], None),
            (&[form, ("origin", "https://evil.example")], Some(403)),
            (&[form, ("origin", "http://localhost:9001")], Some(403)),
            (&[form, ("origin", "null")], Some(403)),
            (&[form, ("referer", "https://evil.example/a")], Some(403)),
            (&[form, ("referer", "http://localhost:9000/ui")], None),
            (&[("sec-fetch-site", "same-origin")], None),
            (&[("sec-fetch-site", "none")], None),
            (&[("sec-fetch-site", "cross-site")], Some(403)),
            (&[("sec-fetch-site", "same-site")], Some(403)),
        ] {
            let headers = [&[own], headers].concat();
            assert_eq!(status(&Method::POST, &headers), refused, "{headers:?}");
        }
    }

    #[test]
    fn a_link_on_another_page_may_be_followed_and_not_read() {
        let link = [
            ("host", "localhost:9000"),
            ("referer", "http://localhost:9093/"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-mode", "navigate"),
        ];
        assert_eq!(status(&Method::GET, &link), None);
        assert_eq!(status(&Method::POST, &link), Some(403));
        let picture = [&link[..3], &[("sec-fetch-mode", "no-cors")]].concat();
        assert_eq!(status(&Method::GET, &picture), Some(403));
    }
}
