//! Servers as processes: started in groups of their own, written down, restarted when they die, stopped for sure.
//!
//! A file in the run directory stands for each process: its id and when it started. Whoever has the lock of the data
//! directory may stop what the files tell of: `up` at its end, the next `up` after one that was killed.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use tokio::{
    process::{Child, Command},
    task::JoinHandle,
    time::sleep,
};

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
/// How long programs have to end by themselves.
const GRACE: Duration = Duration::from_secs(20);

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
        let log = File::options().append(true).create(true).open(&self.log)?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        if let Some(pid) = child.id() {
            let started = started_at(pid).unwrap_or_default();
            fs::write(self.run.join(self.name), format!("{pid} {started}"))?;
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
        let name = self.launch.name;
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
                let began = Instant::now();
                let status = child.wait().await;
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

/// Stops every process that the run directory tells of: TERM, wait, KILL. Returns how many there were.
///
/// # Errors
/// When the directory cannot be read.
pub(crate) async fn stop_all(run: &Path) -> Result<usize> {
    let mut running = Vec::new();
    for entry in fs::read_dir(run).with_context(|| format!("reading {}", run.display()))? {
        let path = entry?.path();
        match recorded(&path) {
            Some((pid, started)) if started_at(pid).as_ref() == Some(&started) => {
                running.push((pid, started))
            }
            _ => {}
        }
        let _ = fs::remove_file(path);
    }
    let count = running.len();
    for (pid, _) in &running {
        let _ = kill(Pid::from_raw(*pid as i32), Signal::SIGTERM);
    }
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline {
        running.retain(|(pid, started)| started_at(*pid).as_ref() == Some(started));
        if running.is_empty() {
            return Ok(count);
        }
        sleep(Duration::from_millis(20)).await;
    }
    for (pid, _) in running {
        let _ = killpg(Pid::from_raw(pid as i32), Signal::SIGKILL);
    }
    Ok(count)
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
    recorded(&run.join(name)).map(|(pid, _)| pid)
}

/// The process id and the start that a file of the run directory tells.
fn recorded(path: &Path) -> Option<(u32, String)> {
    let text = fs::read_to_string(path).ok()?;
    let (pid, started) = text.split_once(' ')?;
    Some((pid.parse().ok()?, started.to_owned()))
}

/// When a process started, in the system's own terms: together with its id this names a process for good. `None` if it
/// has ended.
fn started_at(pid: u32) -> Option<String> {
    if !Path::new("/proc/self/stat").exists() {
        return started_at_by_ps(pid);
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the state follows it, the start is the 22nd field in all.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ended = matches!(fields.first(), Some(&"Z" | &"X"));
    fields.get(19).filter(|_| !ended).map(ToString::to_string)
}

/// The same where there is no `/proc`.
fn started_at_by_ps(pid: u32) -> Option<String> {
    let ps = std::process::Command::new("ps")
        .args(["-o", "stat=,lstart=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8(ps.stdout).ok()?;
    let (state, started) = text.trim().split_once(' ')?;
    (!state.starts_with('Z')).then(|| started.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(directory: &Path, script: &str) -> Launch {
        Launch {
            name: "server",
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: Vec::new(),
            log: directory.join("server.log"),
            run: directory.join("run"),
        }
    }

    fn directory() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("run")).unwrap();
        directory
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
        assert!(started_at(second).is_some());
        drop(supervised);
        assert_eq!(stop_all(&run).await.unwrap(), 1);
        assert_eq!(started_at(second), None);
    }

    #[tokio::test]
    async fn a_process_of_the_same_id_that_started_at_another_time_is_left_alone() {
        let directory = directory();
        let run = directory.path().join("run");
        let own = std::process::id();
        fs::write(run.join("server"), format!("{own} 1")).unwrap();
        assert_eq!(stop_all(&run).await.unwrap(), 0);
        assert!(!run.join("server").exists());
    }
}
