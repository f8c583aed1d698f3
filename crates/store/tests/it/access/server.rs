//! A database server of a test's own, on a free port of loopback: what is to be broken is not the one that all tests use.

use std::{
    ffi::OsStr,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, SanType,
};
use tempfile::TempDir;

/// The user of the tests, who may do anything in the database `data` and nothing on a server that is read-only.
const INIT: &str = "CREATE DATABASE IF NOT EXISTS data;\n\
    CREATE USER IF NOT EXISTS app@'%' IDENTIFIED BY 'one';\n\
    GRANT ALL ON data.* TO app@'%';\n\
    CREATE USER IF NOT EXISTS admin@'%' IDENTIFIED BY 'admin';\n\
    GRANT ALL ON *.* TO admin@'%';\n";

/// MariaDB or MySQL, running until this is dropped.
pub(crate) struct OwnServer {
    process: Child,
    port: u16,
    _files: TempDir,
}

/// A certificate for one name, and the CA that issued it.
pub(crate) struct Certified {
    pub(crate) ca: String,
    certificate: String,
    key: String,
}

impl Certified {
    /// A certificate for a host name, or for an address of loopback.
    pub(crate) fn of(name: &str) -> Self {
        let named = |name: &str| {
            let mut distinguished = DistinguishedName::new();
            distinguished.push(DnType::CommonName, name);
            distinguished
        };
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name = named("the CA of a test");
        let ca_certificate = ca.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().unwrap();
        let mut own = CertificateParams::new(Vec::new()).unwrap();
        own.distinguished_name = named("a server");
        own.subject_alt_names = vec![match name.parse::<Ipv4Addr>() {
            Ok(address) => SanType::IpAddress(address.into()),
            Err(_) => SanType::DnsName(name.try_into().unwrap()),
        }];
        let certificate = own.signed_by(&key, &issuer).unwrap();
        Self {
            ca: ca_certificate.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

impl OwnServer {
    /// Starts a server, with TLS if there is a certificate.
    pub(crate) fn start(certified: Option<&Certified>) -> Self {
        let files = TempDir::new().unwrap();
        let data = files.path().join("data");
        let program = program();
        initialize(&program, &data, files.path());
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let init = files.path().join("init.sql");
        fs::write(&init, INIT).unwrap();
        let mut command = Command::new(&program);
        command
            .arg("--no-defaults")
            .arg(option("datadir", &data))
            .arg(option("init-file", &init))
            .arg(option("socket", &files.path().join("socket")))
            .arg(option("pid-file", &files.path().join("pid")))
            .arg(option("tmpdir", files.path()))
            .arg(format!("--port={port}"))
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve"])
            .args(["--skip-log-bin", "--innodb-buffer-pool-size=16M"])
            .args(as_root());
        match certified {
            Some(certified) => {
                let (certificate, key) =
                    (files.path().join("cert.pem"), files.path().join("key.pem"));
                fs::write(&certificate, &certified.certificate).unwrap();
                fs::write(&key, &certified.key).unwrap();
                command
                    .arg(option("ssl-cert", &certificate))
                    .arg(option("ssl-key", &key));
            }
            None => {
                command.arg("--skip-ssl");
            }
        }
        let log = fs::File::create(files.path().join("log")).unwrap();
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Self {
            process,
            port,
            _files: files,
        };
        server.wait();
        server
    }

    /// Where a user finds the database `data`.
    pub(crate) fn url(&self, login: &str) -> String {
        url(login, self.port)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn wait(&self) {
        for _ in 0..1200 {
            if TcpStream::connect(self.address()).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!(
            "the server does not start: see the log in {:?}",
            self._files
        );
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn url(login: &str, port: u16) -> String {
    format!("mysql://{login}@127.0.0.1:{port}/data")
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let software = std::env::var_os("LOCAL_SOFTWARE").map(PathBuf::from);
    // As the laptop tool unpacks it.
    let unpacked = software
        .and_then(|software| fs::read_dir(software).ok())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"));
    std::env::split_paths(&path)
        .chain(system)
        .chain(unpacked)
        .flat_map(|directory| ["mariadbd", "mysqld"].map(|name| directory.join(name)))
        .find(|program| program.exists())
        .expect("these tests start a server of their own: mariadbd or mysqld has to be on PATH")
}

/// Makes the files of a new server.
fn initialize(program: &Path, data: &Path, temporary: &Path) {
    let is_mysql = program.file_name() == Some(OsStr::new("mysqld"));
    let mut command = if is_mysql {
        let mut command = Command::new(program);
        command.args(["--no-defaults", "--initialize-insecure"]);
        command
    } else {
        let base = program.parent().and_then(Path::parent).unwrap();
        let packed = base.join("scripts/mariadb-install-db");
        let mut command = if packed.exists() {
            let mut command = Command::new(packed);
            command.arg("--no-defaults").arg(option("basedir", base));
            command
        } else {
            let mut command = Command::new("mariadb-install-db");
            command.arg("--no-defaults");
            command
        };
        command.arg("--auth-root-authentication-method=normal");
        command
    };
    let output = command
        .arg(option("datadir", data))
        // Not where others have theirs: one that starts deletes what looks as if it was left there.
        .arg(option("tmpdir", temporary))
        .env("TMPDIR", temporary)
        .args(as_root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A server refuses to run as root unless an option says so.
fn as_root() -> Option<&'static str> {
    std::env::var_os("USER")
        .is_none_or(|user| user == "root")
        .then_some("--user=root")
}

fn option(name: &str, value: &Path) -> String {
    format!("--{name}={}", value.display())
}
