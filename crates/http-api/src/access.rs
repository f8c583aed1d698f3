use config::{Access, AccessConfig, ExposeSecret};
use domain::Timestamp;
use lambda_http::http::{HeaderMap, Method, header};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::{ApiError, session};

/// Lets through who may call.
#[derive(Clone, Debug)]
pub(crate) enum Gate {
    Open,
    /// The digests of the tokens: of equal length, so that comparing them shows nothing of a token's own.
    Tokens(Vec<([u8; 32], Access)>),
}

impl Gate {
    pub(crate) fn new(access: &AccessConfig) -> Self {
        match access {
            AccessConfig::Anonymous => Self::Open,
            AccessConfig::Tokens(tokens) => Self::Tokens(
                tokens
                    .iter()
                    .map(|(token, access)| (digest(token.expose_secret()), *access))
                    .collect(),
            ),
        }
    }

    /// What the caller may do.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<Access, ApiError> {
        let Self::Tokens(_) = self else {
            return Ok(Access::ReadWrite);
        };
        let Some(token) = bearer(headers) else {
            let shown = headers.contains_key(header::AUTHORIZATION);
            return Err(ApiError::Unauthorized { shown });
        };
        let known = self.known(token);
        known
            .map(|(_, access)| access)
            .ok_or(ApiError::Unauthorized { shown: true })
    }

    /// What whoever signed in with the cookie of these headers may do.
    pub(crate) fn signed_in(
        &self,
        headers: &HeaderMap,
        is_secure: bool,
        now: Timestamp,
    ) -> Option<Access> {
        let Self::Tokens(tokens) = self else {
            return Some(Access::ReadWrite);
        };
        session::cookies(headers, is_secure).find_map(|cookie| session::access(cookie, tokens, now))
    }

    /// The value of the cookie of whoever shows this token; `None` if it is no token.
    pub(crate) fn session(&self, token: &str, now: Timestamp) -> Option<String> {
        let (key, access) = self.known(token)?;
        Some(session::value(&key, access, now))
    }

    /// The digest of a token and what it permits.
    ///
    /// Every token is compared, and all of it, so that the time taken does not depend on which one is right.
    fn known(&self, token: &str) -> Option<([u8; 32], Access)> {
        let Self::Tokens(tokens) = self else {
            return None;
        };
        let shown = digest(token);
        let mut found = 0u8;
        for (known, access) in tokens {
            let rank = match access {
                Access::ReadOnly => 1,
                Access::ReadWrite => 2,
            };
            let equal: Choice = known.ct_eq(&shown);
            found.conditional_assign(&found.max(rank), equal);
        }
        match found {
            2 => Some((shown, Access::ReadWrite)),
            1 => Some((shown, Access::ReadOnly)),
            _ => None,
        }
    }
}

/// Whether `access` is enough for `method` on a route; `reads`: whatever the method, the route only reads.
pub(crate) fn permits(access: Access, method: &Method, reads: bool) -> bool {
    access == Access::ReadWrite || is_safe(method) || reads
}

/// Whether nothing is changed by `method`.
pub(crate) fn is_safe(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// Whether the headers show a token.
pub(crate) fn shows_token(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const READER: &str = "reader-reader-reader";
    const WRITER: &str = "writer-writer-writer";

    fn gate() -> Gate {
        Gate::new(&AccessConfig::Tokens(vec![
            (READER.into(), Access::ReadOnly),
            (WRITER.into(), Access::ReadWrite),
        ]))
    }

    fn admit(authorization: Option<&str>) -> Result<Access, ApiError> {
        let headers = authorization.map(|value| (header::AUTHORIZATION, value.parse().unwrap()));
        gate().admit(&headers.into_iter().collect())
    }

    #[test]
    fn a_token_admits_to_what_it_permits() {
        assert_eq!(
            admit(Some(&format!("Bearer {READER}"))).unwrap(),
            Access::ReadOnly
        );
        assert_eq!(
            admit(Some(&format!("bearer {WRITER}"))).unwrap(),
            Access::ReadWrite
        );
        assert!(permits(Access::ReadOnly, &Method::GET, false));
        assert!(!permits(Access::ReadOnly, &Method::POST, false));
        assert!(permits(Access::ReadOnly, &Method::POST, true));
        assert!(permits(Access::ReadWrite, &Method::DELETE, false));
    }

    #[test]
    fn whatever_is_no_token_is_unauthorized() {
        for (authorization, was_shown) in [
            (None, false),
            (Some("Bearer"), true),
            (Some("Bearer "), true),
            (Some("Bearer reader-reader-reade"), true),
            (Some("Basic cmVhZGVyLXJlYWRlci1yZWFkZXI="), true),
            (Some(READER), true),
        ] {
            let Err(ApiError::Unauthorized { shown }) = admit(authorization) else {
                panic!("{authorization:?} is admitted");
            };
            assert_eq!(shown, was_shown, "{authorization:?}");
        }
    }

    #[test]
    fn the_debug_form_holds_no_token() {
        assert!(!format!("{:?}", gate()).contains(READER));
    }
}
