//! Pages: who may see them, who may send forms, and the policy that all of them are under.

use std::io::Read;

use config::{Access, AccessConfig};
use flate2::read::GzDecoder;
use http_api::{Api, ApiError, Call, Method, Reply, Route, assets, html, login, reply};
use lambda_http::Body;

use super::{request, route};

const READER: &str = "reader-reader-reader";
const WRITER: &str = "writer-writer-writer";

static ROUTES: [Route<()>; 10] = [
    route(Method::GET, "/", |(), call| {
        Box::pin(async {
            match call.prefers_html() {
                true => html::see_other(&call.path_of("/ui")),
                false => reply::ok(&1),
            }
        })
    }),
    route(Method::GET, "/metrics", |(), _| {
        Box::pin(async { reply::ok(&1) })
    }),
    route(Method::POST, "/sla", |(), _| {
        Box::pin(async { reply::ok(&1) })
    }),
    route(Method::GET, "/ui", |(), call| Box::pin(page(call))),
    route(Method::POST, "/ui/sla", |(), call| Box::pin(save(call))),
    route(Method::GET, "/ui/login", |state, call| {
        Box::pin(login::show(state, call))
    }),
    route(Method::POST, "/ui/login", |state, call| {
        Box::pin(login::sign_in(state, call))
    }),
    route(Method::POST, "/ui/logout", |state, call| {
        Box::pin(login::sign_out(state, call))
    }),
    route(Method::GET, "/ui/assets/{id}", |state, call| {
        Box::pin(assets::answer(state, call))
    }),
    route(Method::GET, "/ui/{proxy+}", |(), _| {
        Box::pin(async { Err(ApiError::NotFound("nothing".to_owned())) })
    }),
];

async fn page(call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let text = query.typed("q", 100).unwrap_or_default();
    query.finish()?;
    Ok(html::page(call, |now| {
        let age = now.map(|now| now.to_string()).unwrap_or_default();
        format!("<p>{text}{}<i>{age}</i>", "word ".repeat(200))
    }))
}

async fn save(call: &Call) -> Result<Reply, ApiError> {
    let mut form = call.form()?;
    let document = form.take("document");
    form.finish()?;
    match document {
        Some(_) => html::see_other(&call.path_of("/ui/sla/web")),
        None => Err(ApiError::Invalid(vec![http_api::Fault::at(
            "/document",
            "is missing",
        )])),
    }
}

fn open() -> Api<()> {
    Api::new(&ROUTES, &AccessConfig::Anonymous)
}

fn guarded(tokens: &[(&str, Access)]) -> Api<()> {
    let tokens = tokens.iter();
    let tokens = tokens.map(|(token, access)| ((*token).into(), *access));
    Api::new(&ROUTES, &AccessConfig::Tokens(tokens.collect()))
}

fn both() -> Api<()> {
    guarded(&[(READER, Access::ReadOnly), (WRITER, Access::ReadWrite)])
}

const HERE: (&str, &str) = ("host", "127.0.0.1:9000");
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn send(
    api: &Api<()>,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let headers: Vec<_> = [HERE, FORM].iter().chain(headers).copied().collect();
    api.answer(&(), request(method, uri, &headers, body)).await
}

fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// The cookie that showing a token sets, as a browser sends it back.
async fn signed_in(api: &Api<()>, token: &str) -> String {
    let reply = send(
        api,
        "POST",
        "/ui/login",
        &[OWN],
        &format!("token={token}&next=/ui"),
    )
    .await;
    assert_eq!(reply.status(), 303);
    let cookie = header(&reply, "set-cookie");
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_status_below_ui_is_html_under_one_policy() {
    let (open, closed) = (open(), both());
    for (api, method, uri, headers, body, status) in [
        (&open, "GET", "/ui", vec![], "", 200),
        (&open, "GET", "/ui?x=1", vec![], "", 400),
        (&open, "GET", "/ui/nowhere", vec![], "", 404),
        (&open, "GET", "/ui/sla", vec![], "", 405),
        (&open, "GET", "/ui/assets/style.css", vec![], "", 404),
        (&open, "POST", "/ui/sla", vec![OWN], "", 400),
        (&open, "POST", "/ui/sla", vec![OWN], "document=1", 303),
        (&open, "POST", "/ui/sla", vec![], "document=1", 403),
        (&closed, "GET", "/ui", vec![], "", 303),
        (&closed, "POST", "/ui/sla", vec![OWN], "document=1", 403),
        (&closed, "GET", "/ui/login", vec![], "", 200),
        (&closed, "POST", "/ui/login", vec![OWN], "token=wrong", 401),
    ] {
        let reply = send(api, method, uri, &headers, body).await;
        assert_eq!(
            reply.status().as_u16(),
            status,
            "{method} {uri} {headers:?}"
        );
        assert_eq!(header(&reply, "content-type"), "text/html; charset=utf-8");
        assert_eq!(
            header(&reply, "content-security-policy"),
            "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; frame-ancestors 'none'"
        );
        assert_eq!(header(&reply, "referrer-policy"), "same-origin");
        assert_eq!(header(&reply, "x-content-type-options"), "nosniff");
        let expected = match status {
            200 if uri == "/ui" => "private, no-cache",
            _ => "no-store",
        };
        assert_eq!(header(&reply, "cache-control"), expected, "{uri}");
        for name in ["Accept", "Cookie", "Authorization"] {
            assert!(header(&reply, "vary").contains(name), "{uri}");
        }
    }
}

#[tokio::test]
async fn without_a_session_a_page_leads_to_the_form_and_back() {
    let api = both();
    let reply = send(&api, "GET", "/ui?q=a%26b", &[], "").await;
    assert_eq!(reply.status(), 303);
    assert_eq!(
        header(&reply, "location"),
        "/ui/login?next=%2Fui%3Fq%3Da%2526b"
    );
    let form = send(&api, "GET", "/ui/login?next=%2Fui%3Fq%3Da%2526b", &[], "").await;
    assert!(super::text(&form).contains(r#"name="next" value="/ui?q=a%26b""#));
    let body = format!("token={READER}&next=%2Fui%3Fq%3Da%2526b");
    let signed_in = send(&api, "POST", "/ui/login", &[OWN], &body).await;
    assert_eq!(header(&signed_in, "location"), "/ui?q=a%26b");
    for foreign in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let body = format!("token={READER}&next={foreign}");
        let reply = send(&api, "POST", "/ui/login", &[OWN], &body).await;
        assert_eq!(header(&reply, "location"), "/ui", "{foreign}");
    }
}

#[tokio::test]
async fn a_browser_that_asks_for_the_root_is_sent_on_whoever_it_is() {
    let (open, closed) = (open(), both());
    let cookie = signed_in(&closed, READER).await;
    let cookie = ("cookie", cookie.as_str());
    let page = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let json = ("accept", "application/json");
    let known = ("authorization", "Bearer reader-reader-reader");
    let unknown = ("authorization", "Bearer nobody-nobody-nobody");
    for (api, method, uri, headers, status) in [
        (&open, "GET", "/", vec![page], 303),
        (&closed, "GET", "/", vec![page], 303),
        (&closed, "HEAD", "/", vec![page], 303),
        (&closed, "GET", "/", vec![page, cookie], 303),
        (&closed, "GET", "/", vec![page, unknown], 303),
        (&closed, "GET", "/", vec![json, known], 200),
        (&closed, "GET", "/", vec![], 401),
        (&closed, "GET", "/", vec![json, cookie], 401),
        (&closed, "POST", "/", vec![page, OWN], 401),
        (&closed, "GET", "/metrics", vec![page, cookie], 401),
    ] {
        let reply = send(api, method, uri, &headers, "").await;
        assert_eq!(reply.status(), status, "{method} {uri} {headers:?}");
        if status == 303 {
            assert_eq!(header(&reply, "location"), "/ui");
            assert!(header(&reply, "vary").contains("Accept"));
        }
    }
}

#[tokio::test]
async fn a_cookie_opens_pages_and_forms_alone() {
    let api = both();
    let (reader, writer) = (signed_in(&api, READER).await, signed_in(&api, WRITER).await);
    assert!(!reader.contains("reader"), "{reader}");
    for (method, uri, cookie, status) in [
        ("GET", "/ui", &reader, 200),
        ("GET", "/ui", &writer, 200),
        ("GET", "/metrics", &writer, 401),
        ("POST", "/sla", &writer, 401),
        ("POST", "/ui/sla", &reader, 403),
        ("POST", "/ui/sla", &writer, 303),
    ] {
        let cookie = ("cookie", cookie.as_str());
        let reply = send(&api, method, uri, &[OWN, cookie], "document=1").await;
        assert_eq!(reply.status().as_u16(), status, "{method} {uri} {cookie:?}");
    }
}

#[tokio::test]
async fn a_session_ends_with_its_token() {
    let cookie = signed_in(&both(), WRITER).await;
    let left = guarded(&[(READER, Access::ReadOnly)]);
    let reply = send(&left, "GET", "/ui", &[("cookie", &cookie)], "").await;
    assert_eq!(reply.status(), 303);
    let signed_out = send(
        &both(),
        "POST",
        "/ui/logout",
        &[OWN, ("cookie", &cookie)],
        "",
    )
    .await;
    assert!(header(&signed_out, "set-cookie").starts_with("slacast=; Path=/; Max-Age=0"));
}

#[tokio::test]
async fn off_loopback_the_cookie_only_goes_over_tls() {
    let body = format!("token={WRITER}");
    let headers = [("host", "api.example.com"), FORM];
    let reply = both()
        .answer(&(), request("POST", "/ui/login", &headers, body.as_str()))
        .await;
    let cookie = header(&reply, "set-cookie");
    assert!(cookie.starts_with("__Host-slacast="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure"));
}

#[tokio::test]
async fn a_page_of_another_host_changes_nothing() {
    let (open, closed) = (open(), both());
    let cookie = signed_in(&closed, WRITER).await;
    let bearer = format!("Bearer {WRITER}");
    let cookie = ("cookie", cookie.as_str());
    let bearer = ("authorization", bearer.as_str());
    let cross = ("sec-fetch-site", "cross-site");
    for (api, uri, headers, status) in [
        (&closed, "/ui/sla", vec![cookie, cross], 403),
        (&closed, "/ui/sla", vec![cookie], 403),
        (
            &closed,
            "/ui/sla",
            vec![cookie, ("origin", "https://evil.example")],
            403,
        ),
        (
            &closed,
            "/ui/sla",
            vec![cookie, ("origin", "http://127.0.0.1:9000")],
            303,
        ),
        (&closed, "/ui/sla", vec![bearer], 303),
        (&closed, "/sla", vec![bearer], 200),
        (&open, "/ui/sla", vec![cross], 403),
        (&open, "/ui/login", vec![cross], 403),
        // A command is no page; a page of another host that has the browser send a command is.
        (&open, "/sla", vec![], 200),
        (&open, "/sla", vec![cross], 403),
        (&open, "/sla", vec![("origin", "https://evil.example")], 403),
    ] {
        let reply = send(api, "POST", uri, &headers, "document=1").await;
        assert_eq!(reply.status().as_u16(), status, "{uri} {headers:?}");
    }
}

#[tokio::test]
async fn a_page_is_compressed_and_not_sent_twice() {
    let gzip = ("accept-encoding", "gzip, br");
    let reply = send(&open(), "GET", "/ui?q=first", &[gzip], "").await;
    assert_eq!(header(&reply, "content-encoding"), "gzip");
    let Body::Binary(short) = reply.body() else {
        panic!("{reply:?}");
    };
    let mut text = String::new();
    GzDecoder::new(short.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.starts_with("<p>first"));
    // The age in it has changed; the data has not.
    let known = ("if-none-match", header(&reply, "etag"));
    let again = send(&open(), "GET", "/ui?q=first", &[gzip, known], "").await;
    assert_eq!(again.status(), 304);
    let other = send(&open(), "GET", "/ui?q=second", &[gzip, known], "").await;
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn assets_need_no_token_and_stay() {
    let api = both();
    for asset in pages::assets::ALL {
        let uri = format!("/ui/assets/{}", asset.name());
        let reply = send(&api, "GET", &uri, &[], "").await;
        assert_eq!(reply.status(), 200);
        assert_eq!(
            header(&reply, "cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(header(&reply, "content-type"), asset.content_type);
        assert_eq!(super::text(&reply), asset.text);
    }
}
