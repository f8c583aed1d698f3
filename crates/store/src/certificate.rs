//! What certificate a database shows: for the sentence that says why it is refused.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{IpAddr, TcpStream, ToSocketAddrs},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use x509_cert::{
    Certificate,
    der::Decode,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// The names in a certificate and who issued it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    names: Vec<String>,
    issuer: String,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = match &self.names[..] {
            [] => "no name".to_owned(),
            names => names.join(" and "),
        };
        write!(f, "it is for {names} and was issued by {}", self.issuer)
    }
}

const PATIENCE: Duration = Duration::from_secs(2);
/// The first packet has a few hundred bytes.
const LARGEST_GREETING: usize = 4096;
/// More names are of no use in a sentence.
const MOST_NAMES: usize = 20;

/// The certificate that the server shows; `None` if it shows none or cannot be asked. Nothing is sent but the request for
/// TLS.
pub(crate) async fn shown_by(host: &str, port: u16) -> Option<Shown> {
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let asked = tokio::task::spawn_blocking(move || ask(&host, port));
    let certificate = asked.await.ok()?.ok()??;
    described(&certificate)
}

fn ask(host: &str, port: u16) -> io::Result<Option<CertificateDer<'static>>> {
    let address = (host, port).to_socket_addrs()?.next();
    let address = address.ok_or(io::ErrorKind::NotFound)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    request_tls(&mut stream)?;

    let seen = Arc::new(Looking::default());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(seen.clone())
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    // It always fails: the certificate is looked at and refused.
    let _ = connection.complete_io(&mut stream);
    let mut seen = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(seen.take())
}

/// Reads the server's greeting and asks for TLS, as every client of MySQL does.
fn request_tls(stream: &mut TcpStream) -> io::Result<()> {
    let mut header = [0; 4];
    stream.read_exact(&mut header)?;
    let [low, middle, high, _] = header.map(usize::from);
    let length = low | middle << 8 | high << 16;
    if length > LARGEST_GREETING {
        return Err(io::ErrorKind::InvalidData.into());
    }
    stream.read_exact(&mut vec![0; length])?;
    // CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_SECURE_CONNECTION; packets of 16 MiB; utf8mb4; reserved.
    let capabilities: u32 = 1 << 9 | 1 << 11 | 1 << 15;
    let mut request = vec![32, 0, 0, 1];
    request.extend(capabilities.to_le_bytes());
    request.extend((1_u32 << 24).to_le_bytes());
    request.push(45);
    request.extend([0; 23]);
    stream.write_all(&request)
}

/// Notes the certificate and refuses it.
#[derive(Debug, Default)]
struct Looking(Mutex<Option<CertificateDer<'static>>>);

impl ServerCertVerifier for Looking {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(certificate.clone().into_owned());
        Err(Error::General("looked at".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("looked at".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("looked at".to_owned()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

fn described(certificate: &[u8]) -> Option<Shown> {
    let certificate = Certificate::from_der(certificate).ok()?.tbs_certificate;
    let names = certificate
        .get::<SubjectAltName>()
        .ok()
        .flatten()
        .map(|(_, names)| names.0)
        .unwrap_or_default();
    let mut names: Vec<String> = names.iter().filter_map(name).take(MOST_NAMES).collect();
    if names.is_empty() && !certificate.subject.is_empty() {
        // Such as servers make for themselves; nobody looks for the name there any more.
        names.push(certificate.subject.to_string());
    }
    Some(Shown {
        names,
        issuer: certificate.issuer.to_string(),
    })
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}
