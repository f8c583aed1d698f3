//! Where every HTTP client of this workspace begins.
//!
//! reqwest brings TLS but no cryptography of its own: it takes the one provider of the process, which is ring, because
//! the database's client has that already and a second provider would weigh more than a function's own code.

use reqwest::{Client, ClientBuilder};
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
}
