//! Servers as processes: started in groups of their own, written down, restarted when they die, stopped for sure.
//!
//! A file in the run directory stands for each process: its id and when it started. Whoever has the lock of the data
//! directory may stop what the files name: `up` at its end, the next `up` after one that was killed.

mod identity;
mod stop;

pub(crate) use identity::Identity;
pub(crate) use stop::stop_all;

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::{
    process::{Child, Command},
    task::JoinHandle,
    time::sleep,
};

use stop::kill_group;

/// How to start a program.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// Names the log file and the file in the run directory.
    pub(crate) name: &'static str,
    /// The program.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// Variables on top of this process' own.
    pub(crate) environment: Vec<(&'static str, OsString)>,
    /// Where its output goes.
    pub(crate) log: PathBuf,
    /// Where it is written down.
    pub(crate) run: PathBuf,
}

/// A program that was started and is not watched yet.
#[derive(Debug)]
pub(crate) struct Process {
    launch: Launch,
    child: Child,
}

/// A program that is started again when it ends.
#[derive(Debug)]
pub(crate) struct Supervised {
    launch: Launch,
    task: JoinHandle<()>,
}

/// The longest pause before a program that keeps ending is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Set for each program to its run directory: what it starts is known by it.
const RUN_VARIABLE: &str = "SLACAST_RUN";

impl Launch {
    /// Starts the program in a process group of its own, its output appended to its log.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(crate) fn start(self) -> Result<Process> {
        let child = self
            .spawn()
            .with_context(|| format!("starting {} ({})", self.name, self.program.display()))?;
        Ok(Process {
            launch: self,
            child,
        })
    }

    fn spawn(&self) -> io::Result<Child> {
        self.spawn_with(File::options().append(true).create(true).open(&self.log)?)
    }

    fn spawn_with(&self, log: File) -> io::Result<Child> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().cloned())
            .env(RUN_VARIABLE, &self.run)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        if let Some(process) = child.id().and_then(Identity::of) {
            let written = fs::write(self.run.join(self.name), process.to_string());
            // One that is not written down would never be stopped, and would be in the way of the next one.
            if let Err(error) = written {
                kill_group(process.pid);
                child.start_kill()?;
                return Err(error);
            }
        }
        Ok(child)
    }
}

impl Process {
    /// Waits until `probe` succeeds.
    ///
    /// # Errors
    /// When the program ends first or `patience` is over; the error shows the end of its log.
    pub(crate) async fn ready<T, E: std::fmt::Display>(
        mut self,
        patience: Duration,
        mut probe: impl AsyncFnMut() -> Result<T, E>,
    ) -> Result<(Supervised, T)> {
        let (name, group) = (self.launch.name, self.child.id());
        let probing = async {
            let began = Instant::now();
            loop {
                match probe().await {
                    Ok(answer) => return Ok(answer),
                    Err(error) if began.elapsed() > patience => return Err(error),
                    Err(_) => sleep(Duration::from_millis(100)).await,
                }
            }
        };
        let answer = tokio::select! {
            answer = probing => answer,
            status = self.child.wait() => {
                if let Some(group) = group {
                    kill_group(group);
                }
                let status = status.context("waiting for a program")?;
                bail!("{name} ended ({status}):\n{}", self.end_of_log());
            }
        };
        match answer {
            Ok(answer) => Ok((self.supervise(), answer)),
            Err(error) => bail!(
                "{name} does not answer after {} s: {error}\n{}",
                patience.as_secs(),
                self.end_of_log()
            ),
        }
    }

    fn supervise(self) -> Supervised {
        let Self { launch, mut child } = self;
        let watched = launch.clone();
        let task = tokio::spawn(async move {
            let mut pause = Duration::from_secs(1);
            loop {
                let (began, group) = (Instant::now(), child.id());
                let status = child.wait().await;
                // What it had started is in the way of the next one.
                if let Some(group) = group {
                    kill_group(group);
                }
                tracing::warn!(
                    server = watched.name,
                    ?status,
                    "a server ended, starting it again"
                );
                if began.elapsed() > LONGEST_PAUSE {
                    pause = Duration::from_secs(1);
                }
                child = loop {
                    sleep(pause).await;
                    pause = (2 * pause).min(LONGEST_PAUSE);
                    match watched.spawn() {
                        Ok(child) => break child,
                        Err(error) => {
                            tracing::error!(server = watched.name, %error, "a server cannot be started");
                        }
                    }
                };
            }
        });
        Supervised { launch, task }
    }

    fn end_of_log(&self) -> String {
        end_of(&self.launch.log, 15)
    }
}

impl Supervised {
    /// The id of the process that runs now.
    pub(crate) fn pid(&self) -> Option<u32> {
        recorded_pid(&self.launch.run, self.launch.name)
    }
}

/// Nobody starts it again from now on; the process itself is [`stop_all`]'s business.
impl Drop for Supervised {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The last lines of a log.
pub(crate) fn end_of(log: &Path, lines: usize) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// The id of the process that a run directory has under a name.
pub(crate) fn recorded_pid(run: &Path, name: &str) -> Option<u32> {
    Identity::read(&run.join(name)).map(|process| process.pid)
}

#[cfg(test)]
mod tests {
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };

    use super::*;

    pub(super) fn launch(directory: &Path, script: &str) -> Launch {
        Launch {
            name: "server",
            program: "/bin/sh".into(),
            arguments: vec![
                "-c".into(),
                format!("cd {}; {script}", directory.display()).into(),
            ],
            environment: Vec::new(),
            log: directory.join("server.log"),
            run: directory.join("run"),
        }
    }

    pub(super) fn directory() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("run")).unwrap();
        directory
    }

    /// The process that a script started, which has written its id to the file `child`.
    pub(super) async fn started_child(directory: &Path) -> Identity {
        loop {
            let text = fs::read_to_string(directory.join("child")).unwrap_or_default();
            if let Some(child) = text.trim().parse().ok().and_then(Identity::of) {
                return child;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    pub(super) async fn ended(process: Identity) {
        while process.runs() {
            sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_server_that_ends_at_once_is_an_error_with_its_last_words() {
        let directory = directory();
        let process = launch(directory.path(), "echo no room; exit 3")
            .start()
            .unwrap();
        let never = async || Err::<(), _>("silence");
        let error = process
            .ready(Duration::from_secs(60), never)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("no room"), "{error}");
    }

    #[tokio::test]
    async fn what_a_server_left_behind_is_ended_before_it_is_started_again() {
        let directory = directory();
        let script =
            "test -e child || { sleep 1000 & echo $! > child; sleep 0.2; exit; }; exec sleep 1000";
        let process = launch(directory.path(), script).start().unwrap();
        let child = started_child(directory.path()).await;
        let (supervised, ()) = process
            .ready(Duration::from_secs(1), async || Ok::<_, String>(()))
            .await
            .unwrap();
        ended(child).await;
        drop(supervised);
        stop_all(&directory.path().join("run")).await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_cannot_be_written_down_does_not_run() {
        let directory = directory();
        let run = directory.path().join("run");
        fs::remove_dir(&run).unwrap();
        // The end of the pipe that only the server holds.
        let (mut reader, writer) = io::pipe().unwrap();
        let launch = launch(directory.path(), "exec sleep 1000");
        let log = fs::File::from(std::os::fd::OwnedFd::from(writer));
        assert!(launch.spawn_with(log).is_err());
        let (say, said) = std::sync::mpsc::channel();
        std::thread::spawn(move || say.send(io::Read::read(&mut reader, &mut [0]).unwrap()));
        assert_eq!(said.recv_timeout(Duration::from_secs(60)), Ok(0));
    }

    #[tokio::test]
    async fn a_server_that_dies_is_started_again_until_it_is_stopped() {
        let directory = directory();
        let run = directory.path().join("run");
        let process = launch(directory.path(), "exec sleep 1000").start().unwrap();
        let (supervised, ()) = process
            .ready(Duration::from_secs(1), async || Ok::<_, String>(()))
            .await
            .unwrap();
        let first = supervised.pid().unwrap();
        kill(Pid::from_raw(first as i32), Signal::SIGKILL).unwrap();
        while supervised.pid() == Some(first) {
            sleep(Duration::from_millis(20)).await;
        }
        let second = supervised.pid().unwrap();
        let second = Identity::of(second).unwrap();
        drop(supervised);
        assert_eq!(stop_all(&run).await.unwrap(), 1);
        assert!(!second.runs());
    }
}
