//! Where every HTTP client of this workspace begins.
//!
//! reqwest brings TLS but no cryptography of its own: it takes the one provider of the process, which is ring, because
//! the database's client has that already and a second provider would weigh more than a function's own code.

use std::env;

use reqwest::{Client, ClientBuilder, Url};
use rustls::crypto::{CryptoProvider, ring};

/// A client to be configured. The certificates that it trusts are those of the system.
pub fn builder() -> ClientBuilder {
    if CryptoProvider::get_default().is_none() {
        // It fails only where another thread was faster.
        let _ = ring::default_provider().install_default();
    }
    Client::builder()
}

/// The same for servers of this machine, which no proxy of the environment knows.
pub fn direct() -> ClientBuilder {
    builder().no_proxy()
}

/// A client for servers at these addresses, to be configured.
///
/// It is what [`builder`] makes, without the certificates of the system where none of them can be needed: reading them takes
/// milliseconds of each start of a function.
pub fn builder_to<'a>(addresses: impl IntoIterator<Item = &'a Url>) -> ClientBuilder {
    // A proxy may be `https`, whatever is behind it.
    let is_direct = PROXIES.iter().all(|name| env::var_os(name).is_none());
    if is_direct && are_plain(addresses) {
        without_certificates(builder())
    } else {
        builder()
    }
}

/// The same of [`direct`].
pub fn direct_to<'a>(addresses: impl IntoIterator<Item = &'a Url>) -> ClientBuilder {
    if are_plain(addresses) {
        without_certificates(direct())
    } else {
        direct()
    }
}

/// The variables that name the proxy of `http` addresses.
const PROXIES: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

fn are_plain<'a>(addresses: impl IntoIterator<Item = &'a Url>) -> bool {
    addresses.into_iter().all(|url| url.scheme() == "http")
}

fn without_certificates(client: ClientBuilder) -> ClientBuilder {
    client.tls_certs_only([])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_made_as_often_as_one_is_wanted() {
        for _ in 0..2 {
            assert!(builder().https_only(true).build().is_ok());
            assert!(direct().build().is_ok());
        }
    }

    #[test]
    fn certificates_are_read_where_an_address_may_need_them() {
        let [plain, tls] = ["http://a/", "https://a/"].map(|text| Url::parse(text).unwrap());
        assert!(are_plain([]));
        assert!(are_plain([&plain, &plain]));
        assert!(!are_plain([&plain, &tls]));
        for addresses in [vec![], vec![&plain], vec![&tls]] {
            assert!(builder_to(addresses.clone()).build().is_ok());
            assert!(direct_to(addresses).build().is_ok());
        }
    }
}
