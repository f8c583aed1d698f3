//! `/ui/login`: a token is shown once, and a cookie stands for it from then on.

use lambda_http::http::{HeaderValue, header};
use pages::Frame;

use crate::{ApiError, Call, Reply, html};

/// Where people go without another place to go to.
const HOME: &str = "/ui";

/// The form.
///
/// # Errors
/// When there is a parameter that the form does not have.
pub async fn show<S>(_: &S, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let next = query.typed("next", LONGEST_PATH).unwrap_or_default();
    query.finish()?;
    let next = own_path(&next).map(str::to_owned);
    if call.is_signed_in() {
        let home = || call.path_of(HOME);
        return html::see_other(&next.unwrap_or_else(home));
    }
    let base = call.path_of("");
    Ok(html::once(pages::login(
        &Frame::bare(&base),
        next.as_deref(),
        false,
    )))
}

/// Signs in whoever shows a token.
///
/// # Errors
/// When the body is no form.
pub async fn sign_in<S>(_: &S, call: &Call) -> Result<Reply, ApiError> {
    let mut form = call.form()?;
    let token = form.take("token").unwrap_or_default();
    let next = form.take("next").unwrap_or_default();
    form.finish()?;
    let next = own_path(&next);
    let base = call.path_of("");
    if call.is_open() {
        return html::see_other(next.unwrap_or(&call.path_of(HOME)));
    }
    let Some(session) = call.session(token.trim()) else {
        let text = pages::login(&Frame::bare(&base), next, true);
        return Ok(html::unauthorized(text));
    };
    let mut reply = html::see_other(next.unwrap_or(&call.path_of(HOME)))?;
    set_cookie(&mut reply, &session)?;
    Ok(reply)
}

/// Ends the session in this browser.
///
/// # Errors
/// When the body is no form.
pub async fn sign_out<S>(_: &S, call: &Call) -> Result<Reply, ApiError> {
    call.form()?.finish()?;
    let mut reply = html::see_other(&call.path_of("/ui/login"))?;
    set_cookie(&mut reply, &call.no_session())?;
    Ok(reply)
}

fn set_cookie(reply: &mut Reply, cookie: &str) -> Result<(), ApiError> {
    let value = HeaderValue::from_str(cookie).map_err(ApiError::internal)?;
    reply.headers_mut().insert(header::SET_COOKIE, value);
    Ok(())
}

/// A longer path is nobody's.
const LONGEST_PATH: usize = 2000;

/// `next`, if it is a path of this host: not of another one (`//host`, which browsers also read in `/\host`), and nothing
/// that cannot stand in a header.
fn own_path(next: &str) -> Option<&str> {
    let mut characters = next.chars();
    let is_path = characters.next() == Some('/') && !matches!(characters.next(), Some('/' | '\\'));
    let is_plain = next
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (is_path && is_plain && next.len() <= LONGEST_PATH).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_host_is_gone_to() {
        for next in ["/ui", "/v1/ui/sla/web?from=-3h&to=now", "/ui/sla/a%2Fb"] {
            assert_eq!(own_path(next), Some(next));
        }
        for next in [
            "",
            "ui",
            "//evil.example",
            "/\\evil.example",
            "/ui\\..",
            "https://evil.example",
            "/ui\r\nx: y",
            "/\t/evil.example",
            "/ä",
        ] {
            assert_eq!(own_path(next), None, "{next:?}");
        }
    }
}
