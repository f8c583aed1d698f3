//! How a browser stays signed in: a cookie that says until when and what is permitted, under a code that only whoever knows
//! the token can make. It holds nothing of the token, and a token that is taken away takes its sessions with it.

use std::time::Duration;

use config::Access;
use domain::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use lambda_http::http::{HeaderMap, header};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How long a session lasts.
pub(crate) const LENGTH: Duration = Duration::from_secs(12 * 3600);

/// What the cookie is called where it may only go over TLS.
const SECURE_NAME: &str = "__Host-slacast";
/// What it is called over http on loopback.
const LOOPBACK_NAME: &str = "slacast";

/// The value of the cookie of a session that begins now, of the token with this digest.
pub(crate) fn value(key: &[u8; 32], access: Access, now: Timestamp) -> String {
    let until = (now + LENGTH).millis() / 1000;
    let claim = format!("{until}.{}", letter(access));
    let code = code(key, &claim);
    format!("{claim}.{code}")
}

/// `Set-Cookie` with that value.
pub(crate) fn set(value: &str, is_secure: bool) -> String {
    let seconds = LENGTH.as_secs();
    cookie(value, seconds, is_secure)
}

/// `Set-Cookie` that ends the session in this browser.
pub(crate) fn unset(is_secure: bool) -> String {
    cookie("", 0, is_secure)
}

fn cookie(value: &str, seconds: u64, is_secure: bool) -> String {
    let name = name(is_secure);
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

fn name(is_secure: bool) -> &'static str {
    if is_secure {
        SECURE_NAME
    } else {
        LOOPBACK_NAME
    }
}

/// The values of our cookies in a request.
pub(crate) fn cookies(headers: &HeaderMap, is_secure: bool) -> impl Iterator<Item = &str> {
    let wanted = name(is_secure);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(move |(name, value)| (name == wanted).then_some(value))
}

/// What a cookie's value permits, if one of these tokens made it and it is not over.
pub(crate) fn access(value: &str, tokens: &[([u8; 32], Access)], now: Timestamp) -> Option<Access> {
    let (claim, shown) = value.rsplit_once('.')?;
    let (until, permitted) = claim.split_once('.')?;
    let until: i64 = until.parse().ok()?;
    if until.checked_mul(1000)? <= now.millis() {
        return None;
    }
    let mut found = None;
    // Every token is tried, so that the time taken does not depend on which one it is.
    for (key, access) in tokens {
        let is_made_by_it: bool = code(key, claim).as_bytes().ct_eq(shown.as_bytes()).into();
        if is_made_by_it && permitted == letter(*access) {
            found = Some(*access);
        }
    }
    found
}

fn letter(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "r",
        Access::ReadWrite => "w",
    }
}

/// 64 hex digits of HMAC-SHA-256.
fn code(key: &[u8; 32], claim: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        // A key may have any length.
        return String::new();
    };
    mac.update(b"slacast session ");
    mac.update(claim.as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T08:45:00Z".parse().unwrap()
    }

    const READER: ([u8; 32], Access) = ([1; 32], Access::ReadOnly);
    const WRITER: ([u8; 32], Access) = ([2; 32], Access::ReadWrite);

    #[test]
    fn a_session_permits_what_its_token_does_for_12_hours() {
        for (key, own) in [READER, WRITER] {
            let value = value(&key, own, now());
            let tokens = [READER, WRITER];
            let just_before = now() + LENGTH - Duration::from_secs(1);
            assert_eq!(access(&value, &tokens, just_before), Some(own));
            assert_eq!(access(&value, &tokens, now() + LENGTH), None);
        }
    }

    #[test]
    fn a_session_ends_with_its_token_or_what_it_permits() {
        let value = value(&WRITER.0, WRITER.1, now());
        assert_eq!(access(&value, &[READER], now()), None);
        assert_eq!(access(&value, &[], now()), None);
        assert_eq!(access(&value, &[(WRITER.0, Access::ReadOnly)], now()), None);
    }

    #[test]
    fn nobody_can_change_what_a_session_says() {
        let own = value(&READER.0, READER.1, now());
        let (until, rest) = own.split_once('.').unwrap();
        let later = format!("{}.{rest}", until.parse::<i64>().unwrap() + 1);
        let more = own.replace(".r.", ".w.");
        for forged in [
            later.as_str(),
            &more,
            "",
            ".",
            "..",
            "9999999999.w.",
            "x.w.00",
        ] {
            assert_eq!(access(forged, &[READER, WRITER], now()), None, "{forged}");
        }
    }

    #[test]
    fn the_cookie_is_bound_to_the_host_and_kept_from_scripts() {
        assert_eq!(
            set("1.r.00", true),
            "__Host-slacast=1.r.00; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            set("1.r.00", false),
            "slacast=1.r.00; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"
        );
        let headers: HeaderMap = [
            (header::COOKIE, "a=b; slacast=1.r.00".parse().unwrap()),
            (header::COOKIE, "__Host-slacast=2".parse().unwrap()),
        ]
        .into_iter()
        .collect();
        assert_eq!(cookies(&headers, false).collect::<Vec<_>>(), ["1.r.00"]);
        assert_eq!(cookies(&headers, true).collect::<Vec<_>>(), ["2"]);
    }
}
