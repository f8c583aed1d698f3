use std::{ffi::OsString, fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;
use reqwest::Url;
use tokio::{io::AsyncReadExt, net::TcpStream, process::Command, time::timeout};

use super::{
    DATABASE_VARIABLE, PATIENCE, Server, emptied,
    program::{Program, Provided},
};
use crate::{
    command::{on_path, run},
    data::DataDirectory,
    files,
    progress::Progress,
};

/// A database that answers.
pub(super) struct Database {
    pub(super) url: String,
    pub(super) server: Server,
}

const NAME: &str = "mysql";
const USER: &str = "slacast";
const INITIALIZING: Duration = Duration::from_secs(120);

/// The database that the environment names, if it answers.
pub(super) async fn given(url: String) -> Result<Database> {
    let parsed = Url::parse(&url)
        .ok()
        .filter(|url| url.scheme() == "mysql" && url.path().len() > 1)
        .with_context(|| {
            format!("{DATABASE_VARIABLE} is not mysql://user:password@host:port/database")
        })?;
    let host = parsed.host_str().unwrap_or("127.0.0.1");
    let port = parsed.port().unwrap_or(3306);
    let version = greeting(host, port).await.with_context(|| {
        format!("{DATABASE_VARIABLE}: no MySQL server answers at {host}:{port}")
    })?;
    Ok(Database {
        url,
        server: Server {
            name: NAME,
            version: Some(version),
            source: DATABASE_VARIABLE.to_owned(),
            port: Some(port),
            process: None,
        },
    })
}

/// Starts a database server of our own, with its files under the data directory.
pub(super) async fn start(
    data: &DataDirectory,
    provided: Option<&Provided>,
    progress: &Progress,
) -> Result<Database> {
    let provided = provided.context("no database server was found")?;
    let step = progress.step("database");
    let program = &provided.program;
    program.remove_leftover(NAME, data).await;
    let mut asked = program.command("mysql-version", data);
    asked.args(["--no-defaults", "--version"]);
    let version = run(&mut asked, INITIALIZING).await?;
    let flavour = if version.contains("MariaDB") {
        Flavour::MariaDb
    } else {
        Flavour::MySql
    };
    let files = data.path(flavour.directory());
    if !files.exists() {
        step.at("creating its files");
        initialize(data, program, flavour).await?;
    }
    let port = data.port(NAME)?;
    let password = data.password()?;
    let statements = data.path("database-init.sql");
    files::write(&statements, &statements_at_start(&password))?;
    let mut arguments: Vec<OsString> = vec!["--no-defaults".into()];
    arguments.extend(as_this_user(program));
    // Not where other servers have theirs: one that starts deletes what looks as if it was left there.
    let temporary = data.directory("database-tmp")?;
    for (option, value) in [
        ("datadir", files.as_os_str()),
        ("init-file", statements.as_os_str()),
        ("tmpdir", temporary.as_os_str()),
    ] {
        let mut argument = OsString::from(format!("--{option}="));
        argument.push(value);
        arguments.push(argument);
    }
    // Relative to the data directory: a path of its own could be longer than a socket's name may be.
    for argument in [
        format!("--port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--socket=mysql.sock".to_owned(),
        "--pid-file=mysql.pid".to_owned(),
        "--skip-name-resolve".to_owned(),
        "--skip-log-bin".to_owned(),
    ] {
        arguments.push(argument.into());
    }
    if flavour == Flavour::MySql {
        arguments.push("--mysqlx=OFF".into());
    }
    step.at("starting");
    let process = program.launch(NAME, arguments, data).start()?;
    let (process, version) = process
        .ready(PATIENCE, async || greeting("127.0.0.1", port).await)
        .await?;
    step.done(&format!(
        "{version} on 127.0.0.1:{port} ({})",
        provided.source
    ));
    Ok(Database {
        url: format!("mysql://{USER}:{password}@127.0.0.1:{port}/DataStorage"),
        server: Server {
            name: NAME,
            version: Some(version),
            source: provided.source.clone(),
            port: Some(port),
            process: Some(process),
        },
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavour {
    MariaDb,
    MySql,
}

impl Flavour {
    fn directory(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
        }
    }
}

/// Creates the files of a new server, beside their place, and moves them there when they are complete.
async fn initialize(data: &DataDirectory, program: &Program, flavour: Flavour) -> Result<()> {
    let partial = emptied(data.root(), &format!("{}.partial", flavour.directory()))?;
    let mut command = match flavour {
        Flavour::MySql => {
            let mut command = program.command("mysql-init", data);
            command.args(["--no-defaults", "--initialize-insecure"]);
            command
        }
        Flavour::MariaDb => install_script(program)?,
    };
    command.args(as_this_user(program));
    let mut directory = OsString::from("--datadir=");
    directory.push(&partial);
    command.arg(directory);
    run(&mut command, INITIALIZING).await?;
    fs::rename(partial, data.path(flavour.directory()))?;
    Ok(())
}

fn install_script(program: &Program) -> Result<Command> {
    let Program::Native(server) = program else {
        bail!("MariaDB in an image is not supported");
    };
    let base = server.parent().and_then(|bin| bin.parent());
    let packed = base.map(|base| base.join("scripts/mariadb-install-db"));
    let mut command = match packed.filter(|script| script.exists()) {
        Some(script) => {
            let mut base_argument = OsString::from("--basedir=");
            base_argument.push(base.map(PathBuf::from).unwrap_or_default());
            let mut command = Command::new(script);
            command.arg("--no-defaults").arg(base_argument);
            command
        }
        None => {
            let script = on_path(&["mariadb-install-db", "mysql_install_db"])
                .context("mariadb-install-db is not on PATH")?;
            let mut command = Command::new(script);
            command.arg("--no-defaults");
            command
        }
    };
    command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    Ok(command)
}

/// The server refuses to run as root unless an option says so.
fn as_this_user(program: &Program) -> Option<OsString> {
    (geteuid().is_root() && matches!(program, Program::Native(_))).then(|| "--user=root".into())
}

/// What the server runs at each start: one statement a line.
fn statements_at_start(password: &str) -> String {
    format!(
        "CREATE DATABASE IF NOT EXISTS DataStorage CHARACTER SET utf8mb4;\n\
         CREATE USER IF NOT EXISTS '{USER}'@'127.0.0.1' IDENTIFIED BY '{password}';\n\
         ALTER USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{password}';\n\
         GRANT ALL ON *.* TO '{USER}'@'127.0.0.1' WITH GRANT OPTION;\n\
         DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1', ''@'localhost';\n\
         ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';\n"
    )
}

/// The version in the greeting that a MySQL server sends to whoever connects.
async fn greeting(host: &str, port: u16) -> Result<String> {
    let read = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        let mut header = [0; 5];
        stream.read_exact(&mut header).await?;
        let length = usize::from(header[0]) | usize::from(header[1]) << 8;
        let mut rest = vec![0; length.saturating_sub(1)];
        stream.read_exact(&mut rest).await?;
        // Protocol 10; an error packet begins with 255.
        if header[4] != 10 {
            bail!("{}", String::from_utf8_lossy(&rest));
        }
        let version = rest.split(|byte| *byte == 0).next().unwrap_or_default();
        let version = String::from_utf8_lossy(version);
        // MariaDB puts this before its version for clients that take only digits below 10 for one.
        Ok(version.trim_start_matches("5.5.5-").to_owned())
    };
    timeout(Duration::from_secs(5), read)
        .await
        .context("no greeting within 5 s")?
}
