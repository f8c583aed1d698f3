//! Where a request that changes something comes from. A browser sends a cookie along with whatever page asks for it, so that
//! the cookie alone does not say that somebody wanted the change.

use lambda_http::http::{HeaderMap, header};

/// Whose page sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A page of this host.
    Own,
    /// A page of another host.
    Foreign,
    /// No page, or a browser that does not say.
    Unknown,
}

impl Sender {
    /// As the browser says: by `Sec-Fetch-Site`, else by `Origin`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| Some(headers.get(name)?.to_str().unwrap_or("?"));
        match text("sec-fetch-site") {
            Some("same-origin") => return Self::Own,
            Some("none") | None => {}
            Some(_) => return Self::Foreign,
        }
        let Some(origin) = text(header::ORIGIN.as_str()) else {
            return Self::Unknown;
        };
        let host = origin.split_once("://").map(|(_, host)| host);
        if host.is_some() && host == text(header::HOST.as_str()) {
            Self::Own
        } else {
            Self::Foreign
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_says_whose_page_it_is() {
        for (headers, sender) in [
            (vec![], Sender::Unknown),
            (vec![("sec-fetch-site", "same-origin")], Sender::Own),
            (vec![("sec-fetch-site", "none")], Sender::Unknown),
            (vec![("sec-fetch-site", "cross-site")], Sender::Foreign),
            (vec![("sec-fetch-site", "same-site")], Sender::Foreign),
            (vec![("origin", "https://here:9000")], Sender::Own),
            (vec![("origin", "https://here")], Sender::Foreign),
            (vec![("origin", "https://here:9000.evil")], Sender::Foreign),
            (vec![("origin", "null")], Sender::Foreign),
            (
                vec![
                    ("origin", "https://here:9000"),
                    ("sec-fetch-site", "cross-site"),
                ],
                Sender::Foreign,
            ),
        ] {
            let pairs = headers.iter().chain(&[("host", "here:9000")]);
            let headers: HeaderMap = pairs
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect::<Vec<(header::HeaderName, _)>>()
                .into_iter()
                .collect();
            assert_eq!(Sender::of(&headers), sender, "{headers:?}");
        }
    }
}
