//! The data directory: everything that outlives an `up`, and what others need to know of a running one.

use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, bail};

use crate::{
    files,
    lock::{self, Lock},
    state::State,
};

/// A data directory. Only its owner may look inside.
#[derive(Clone, Debug)]
pub(crate) struct DataDirectory {
    root: PathBuf,
    /// One at a time chooses ports.
    ports: Arc<Mutex<()>>,
}

/// Who has a data directory now.
#[derive(Debug)]
pub(crate) struct Holder {
    /// The process, if it is one that `down` may ask to end.
    pub(crate) pid: Option<u32>,
    /// What it told of itself; `None` while it is starting.
    pub(crate) state: Option<State>,
}

/// Ports of servers: below the range that systems take for outgoing connections.
const FIRST_PORT: u16 = 20_000;
const PORT_COUNT: u16 = 10_000;
/// 16 MiB.
const LONGEST_LOG: u64 = 16 << 20;

impl DataDirectory {
    /// Opens the directory, creating it if it is not there.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let created = || -> io::Result<PathBuf> {
            for directory in [path.to_owned(), path.join("logs"), path.join("run")] {
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(directory)?;
            }
            fs::canonicalize(path)
        };
        let root =
            created().with_context(|| format!("{} cannot be a data directory", path.display()))?;
        Ok(Self {
            root,
            ports: Arc::default(),
        })
    }

    /// Where it is, absolute.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file or directory in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Where a program's output goes.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.root.join("logs").join(format!("{name}.log"))
    }

    /// Begins logs anew that have grown large, also while programs write them. What was in one is kept, until it grows
    /// large again, in the folder `old`.
    ///
    /// # Errors
    /// When the directory of logs cannot be read, or there is no room for the copy.
    pub(crate) fn trim_logs(&self) -> io::Result<()> {
        let logs = self.path("logs");
        for entry in fs::read_dir(&logs)? {
            let (path, metadata) = {
                let entry = entry?;
                (entry.path(), entry.metadata()?)
            };
            if metadata.is_file() && metadata.len() > LONGEST_LOG {
                let old = logs.join("old");
                fs::create_dir_all(&old)?;
                fs::copy(&path, old.join(path.file_name().unwrap_or_default()))?;
                // Whoever writes it appends, so the next line is the first.
                fs::File::options().write(true).open(&path)?.set_len(0)?;
            }
        }
        Ok(())
    }

    /// Where the programs that run for this directory are written down.
    pub(crate) fn run(&self) -> PathBuf {
        self.path("run")
    }

    /// Creates a directory in it.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(crate) fn directory(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(path)
    }

    /// Takes the directory for this process; `None` if another one has it. What an earlier `up` told is forgotten.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub(crate) fn lock(&self) -> Result<Option<Lock>> {
        let lock = Lock::take(&self.path("lock")).context("locking the data directory")?;
        if lock.is_some() {
            // Mostly there is none.
            let _ = fs::remove_file(self.path("state.json"));
        }
        Ok(lock)
    }

    /// Who has the directory, if anybody.
    ///
    /// # Errors
    /// When the lock file cannot be used or what is written there cannot be read.
    pub(crate) fn holder(&self) -> Result<Option<Holder>> {
        let path = self.path("lock");
        if !lock::is_taken(&path).context("looking at the lock file")? {
            return Ok(None);
        }
        let pid = lock::signer(&path);
        let state: Option<State> =
            files::read_json(&self.path("state.json")).context("reading state.json")?;
        let state = state.filter(|state| Some(state.pid) == pid);
        Ok(Some(Holder { pid, state }))
    }

    /// Writes down for others that this `up` runs.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write_state(&self, state: &State) -> Result<()> {
        files::write_json(&self.path("state.json"), state).context("writing state.json")
    }

    /// The port of a server on loopback: the one it had, while that is free, else a free one, which is remembered. Which
    /// ports are tried first depends on the directory, so that two checkouts do not meet.
    ///
    /// # Errors
    /// When no port is free or the file of ports cannot be read or written.
    pub(crate) fn port(&self, server: &str) -> Result<u16> {
        let _alone = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path("ports.json");
        let mut ports: BTreeMap<String, u16> = files::read_json(&path)?.unwrap_or_default();
        if let Some(port) = ports.get(server).copied().filter(|port| is_free(*port)) {
            return Ok(port);
        }
        let mut hasher = DefaultHasher::new();
        self.root.hash(&mut hasher);
        let first = (hasher.finish() % u64::from(PORT_COUNT)) as u16;
        let port = (0..PORT_COUNT)
            .map(|offset| FIRST_PORT + (first + offset) % PORT_COUNT)
            .find(|port| !ports.values().any(|taken| taken == port) && is_free(*port));
        let Some(port) = port else {
            bail!("no port from {FIRST_PORT} on is free for {server}");
        };
        ports.insert(server.to_owned(), port);
        files::write_json(&path, &ports)?;
        Ok(port)
    }

    /// The password of the database server, made up at the first call.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub(crate) fn password(&self) -> Result<String> {
        let path = self.path("password");
        if let Some(password) = files::read_json(&path)? {
            return Ok(password);
        }
        let password = uuid::Uuid::new_v4().simple().to_string();
        files::write_json(&path, &password)?;
        Ok(password)
    }

    /// A short text that no other data directory of this machine has.
    pub(crate) fn fingerprint(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.root.hash(&mut hasher);
        format!("{:08x}", hasher.finish() as u32)
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, DataDirectory) {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(&directory.path().join("data")).unwrap();
        (directory, data)
    }

    #[test]
    fn a_server_keeps_its_port_while_it_is_free() {
        let (_directory, data) = directory();
        let port = data.port("database").unwrap();
        assert_ne!(data.port("kafka").unwrap(), port);
        assert_eq!(data.port("database").unwrap(), port);
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert_ne!(data.port("database").unwrap(), port);
    }

    #[test]
    fn one_process_at_a_time_has_the_directory() {
        let (_directory, data) = directory();
        let lock = data.lock().unwrap();
        assert!(lock.is_some());
        assert!(data.lock().unwrap().is_none());
        drop(lock);
        assert!(data.lock().unwrap().is_some());
    }

    #[test]
    fn what_an_earlier_up_told_is_no_longer_told() {
        let (_directory, data) = directory();
        let own = std::process::id();
        let lock = data.lock().unwrap().unwrap();
        assert_eq!(data.holder().unwrap().unwrap().pid, None);
        lock.sign().unwrap();
        let starting = data.holder().unwrap().unwrap();
        assert_eq!((starting.pid, starting.state), (Some(own), None));
        let state = State::of_process(own);
        data.write_state(&state).unwrap();
        assert_eq!(data.holder().unwrap().unwrap().state, Some(state.clone()));
        drop(lock);
        assert!(data.holder().unwrap().is_none());

        data.write_state(&state).unwrap();
        let lock = data.lock().unwrap().unwrap();
        lock.sign().unwrap();
        assert_eq!(data.holder().unwrap().unwrap().state, None);
    }

    #[test]
    fn a_large_log_begins_anew_under_the_program_that_writes_it() {
        use std::io::Write;
        let (_directory, data) = directory();
        let path = data.log("etl");
        let mut log = fs::File::options()
            .append(true)
            .create(true)
            .open(&path)
            .unwrap();
        log.set_len(LONGEST_LOG).unwrap();
        data.trim_logs().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), LONGEST_LOG);
        log.write_all(b"!").unwrap();
        data.trim_logs().unwrap();
        log.write_all(b"next").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"next");
        let old = data.path("logs/old/etl.log");
        assert_eq!(fs::metadata(old).unwrap().len(), LONGEST_LOG + 1);
    }

    #[test]
    fn secrets_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_directory, data) = directory();
        let password = data.password().unwrap();
        assert_eq!(data.password().unwrap(), password);
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(data.path("password")), 0o600);
        assert_eq!(mode(data.root().to_owned()), 0o700);
    }
}
