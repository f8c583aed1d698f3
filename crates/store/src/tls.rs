//! Whether a connection is encrypted, whom it trusts, and why it came to nothing.

use std::{fmt, net::IpAddr};

use config::{DatabaseConfig, ExposeSecret};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use url::Url;

use crate::{StoreError, certificate, error::number};

/// Amazon's roots for RDS, in PEM: its databases have certificates of these.
const RDS: &str = include_str!("../certificates/rds.pem");

/// A database that is not connected to because the connection would not be safe. Waiting does not help.
#[derive(Debug)]
pub struct TlsFault(String);

impl TlsFault {
    pub(crate) fn new(sentence: String) -> Self {
        Self(sentence)
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsFault {}

/// How to connect, without the settings of a session.
pub(crate) fn options(config: &DatabaseConfig) -> Result<MySqlConnectOptions, StoreError> {
    let text = config.url.expose_secret();
    let url = Url::parse(text).map_err(|_| StoreError::Url)?;
    let options: MySqlConnectOptions = text.parse().map_err(|_| StoreError::Url)?;
    let options = options
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false);
    let given = |names: [&str; 2]| url.query_pairs().any(|(name, _)| names.contains(&&*name));
    let options = if given(["ssl-ca", "ssl_ca"]) {
        options
    } else {
        options.ssl_ca_from_pem(trusted(config.ca.as_deref()))
    };
    Ok(match mode(&url, given(["ssl-mode", "ssl_mode"])) {
        Some(mode) => options.ssl_mode(mode),
        None => options,
    })
}

/// What is trusted besides the public roots.
fn trusted(own: Option<&str>) -> Vec<u8> {
    [RDS, own.unwrap_or_default()].join("\n").into_bytes()
}

/// The mode where the URL names none; `None` where it does.
fn mode(url: &Url, is_given: bool) -> Option<MySqlSslMode> {
    if is_given {
        return None;
    }
    Some(match url.host_str() {
        Some(host) if !is_loopback(host) => MySqlSslMode::VerifyIdentity,
        // On loopback TLS protects nothing but a password. It writes a long statement in pieces, each of which waits
        // 40 ms for the acknowledgement of the one before.
        _ if url.password().is_none() => MySqlSslMode::Disabled,
        _ => MySqlSslMode::Preferred,
    })
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The number of the error of a server that has `require_secure_transport`, or of a proxy of RDS that requires TLS.
const NO_TLS: u16 = 3159;

/// An error of connecting; one that TLS, or its absence, is the reason for becomes [`sqlx::Error::Tls`] of a [`TlsFault`].
pub(crate) async fn explained(error: sqlx::Error, options: &MySqlConnectOptions) -> sqlx::Error {
    let host = options.get_host();
    let sentence = match &error {
        sqlx::Error::Tls(reason) if reason.to_string().contains("does not support TLS") => format!(
            "DATABASE_URL: the server at {host} has no TLS: switch it on there, or allow a connection that everybody \
             on the way can read by ?ssl-mode=DISABLED"
        ),
        sqlx::Error::Tls(reason) => format!("DATABASE_URL: no TLS with {host}: {reason}"),
        // Without TLS it would have to be encrypted by RSA, which this program does not do.
        sqlx::Error::Configuration(reason) if reason.to_string().contains("RSA") => format!(
            "DATABASE_URL: the password goes to the server at {host} through TLS alone, because the user's plugin is \
             caching_sha2_password or sha256_password: switch TLS on there and ask for it (?ssl-mode=REQUIRED, which \
             verifies no certificate, is the least), or name a user with another plugin"
        ),
        sqlx::Error::Database(_) if number(&error) == NO_TLS => format!(
            "DATABASE_URL: the server at {host} takes no connection without TLS: ask for it \
             (?ssl-mode=REQUIRED, which verifies no certificate, is the least)"
        ),
        sqlx::Error::Io(reason) => {
            let Some(reason) = refused_certificate(reason) else {
                return error;
            };
            let (name, port) = (host.to_owned(), options.get_port());
            let shown = certificate::shown_by(&name, port).await;
            let shown = shown.map_or_else(String::new, |shown| format!(", {shown}"));
            format!(
                "DATABASE_URL: the certificate of {host} is refused ({reason}): asked for {name}{shown}; \
                 DATABASE_CA_FILE names certificates to trust, ?ssl-mode= asks for less"
            )
        }
        _ => return error,
    };
    sqlx::Error::Tls(Box::new(TlsFault(sentence)))
}

/// Why a certificate was refused, if that is what went wrong.
fn refused_certificate(error: &std::io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    use rustls::CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    let rustls::Error::InvalidCertificate(reason) = error else {
        return None;
    };
    Some(match reason {
        UnknownIssuer => "its issuer is not trusted".to_owned(),
        NotValidForName | NotValidForNameContext { .. } => "it is for another name".to_owned(),
        Expired | ExpiredContext { .. } => "it has expired".to_owned(),
        NotValidYet | NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use rustls::{
        RootCertStore,
        pki_types::{CertificateDer, pem::PemObject},
    };

    use super::*;
    use crate::stand_in;

    /// What is said of a server that sends these packets.
    async fn said(packets: &[Vec<u8>]) -> String {
        let (options, error) = stand_in::connecting(packets).await;
        let error = StoreError::from(explained(error, &options).await);
        assert!(matches!(error, StoreError::Tls(_)), "{error:?}");
        assert!(!error.is_transient());
        error.to_string()
    }

    #[tokio::test]
    async fn a_password_that_goes_through_tls_alone_is_a_matter_of_configuration() {
        // MySQL 8.0.18 without TLS.
        let greeting = b"\n8.0.18\0\x19\0\0\0\x114aB0c\x06g\0\xff\xf7\xff\x02\0\xff\xc7\x15\
            \0\0\0\0\0\0\0\0\0\0tL\x03s\x0f[4\rl4. \0caching_sha2_password\0";
        // It wants the password, not a proof of it; asked for its key, it shows that.
        let (all_of_it, key) = (vec![1, 4], vec![1, b'k']);
        let said = said(&[greeting.to_vec(), all_of_it, key]).await;
        for part in ["127.0.0.1", "caching_sha2_password", "?ssl-mode=REQUIRED"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[tokio::test]
    async fn a_server_that_requires_tls_says_so() {
        let refusal = stand_in::error(
            NO_TLS,
            "Connections using insecure transport are prohibited",
        );
        let said = said(&[refusal]).await;
        assert!(said.contains("no connection without TLS"), "{said}");
    }

    #[test]
    fn every_root_of_amazon_is_one() {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&trusted(None)) {
            roots.add(certificate.unwrap()).unwrap();
        }
        assert_eq!(roots.len(), RDS.matches("BEGIN CERTIFICATE").count());
        assert!(roots.len() > 80);
    }

    #[test]
    fn off_loopback_certificate_and_name_are_verified_unless_the_url_asks_for_less() {
        for (url, mode) in [
            ("mysql://u@127.0.0.1:3306/d", "Disabled"),
            ("mysql://u:p@127.0.0.1:3306/d", "Preferred"),
            ("mysql://u@localhost/d", "Disabled"),
            ("mysql://u@[::1]:3306/d", "Disabled"),
            ("mysql://u@db.example:3306/d", "VerifyIdentity"),
            ("mysql://u@192.0.2.1:3306/d", "VerifyIdentity"),
            ("mysql://u@127.0.0.1.example/d", "VerifyIdentity"),
            ("mysql://u@db.example:3306/d?ssl-mode=DISABLED", "Disabled"),
            ("mysql://u@db.example:3306/d?ssl-mode=REQUIRED", "Required"),
            ("mysql://u@db.example/d?ssl-mode=VERIFY_CA", "VerifyCa"),
            ("mysql://u@127.0.0.1/d?ssl-mode=REQUIRED", "Required"),
        ] {
            let options = options(&DatabaseConfig::at(url)).unwrap();
            assert_eq!(format!("{:?}", options.get_ssl_mode()), mode, "{url}");
        }
    }
}
