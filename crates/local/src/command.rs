//! Programs that do one thing and end: found on PATH, run with a deadline, stopped when nobody waits any more.

use std::{
    env,
    ffi::OsStr,
    fs::File,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use tokio::{process::Command, time::timeout};

use crate::{output, process::end_of};

/// The first of `names` that is a program on PATH. Servers are often in the `sbin` beside a `bin`, which is on the PATH
/// of administrators alone: it counts as well.
pub(crate) fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let directories: Vec<PathBuf> = env::split_paths(&path)
        .flat_map(|directory| {
            let beside = directory
                .ends_with("bin")
                .then(|| directory.with_file_name("sbin"));
            [Some(directory), beside]
        })
        .flatten()
        .collect();
    names.iter().find_map(|name| {
        let mut candidates = directories.iter().map(|directory| directory.join(name));
        candidates.find(|candidate| is_program(candidate))
    })
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Runs a command to its end and returns what it printed. It has a process group of its own, which is killed when the
/// time is over or the caller stops waiting.
///
/// # Errors
/// When it cannot be started, fails or takes too long; the error shows the end of what it printed.
pub(crate) async fn run(command: &mut Command, patience: Duration) -> Result<String> {
    let name = name(command);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    let group = Group(child.id());
    let Ok(output) = timeout(patience, child.wait_with_output()).await else {
        bail!("{name} takes longer than {} s", patience.as_secs());
    };
    group.ended();
    let Output {
        status,
        stdout,
        stderr,
    } = output.with_context(|| format!("waiting for {name}"))?;
    if !status.success() {
        let printed = [stdout, stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        let lines: Vec<_> = printed.lines().collect();
        let end = lines[lines.len().saturating_sub(15)..].join("\n");
        bail!("{name} failed ({status}):\n{end}");
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

/// Runs a command that must not be cut short: when the time is over or the caller stops waiting it is asked to end
/// (SIGINT) and ends when it can. Its output goes to a file, so that it outlives its reader.
///
/// # Errors
/// When it cannot be started, fails or takes too long; the error shows the end of what it printed.
pub(crate) async fn run_whole(command: &mut Command, patience: Duration, log: &Path) -> Result<()> {
    let name = name(command);
    let printed = File::create(log).with_context(|| format!("creating {}", log.display()))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(printed.try_clone()?)
        .stderr(printed)
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    let mut asked = Asked(child.id().map(|pid| (pid, name.clone())));
    let Ok(status) = timeout(patience, child.wait()).await else {
        bail!("{name} takes longer than {} s", patience.as_secs());
    };
    asked.0 = None;
    let status = status.with_context(|| format!("waiting for {name}"))?;
    if !status.success() {
        bail!("{name} failed ({status}):\n{}", end_of(log, 15));
    }
    Ok(())
}

fn name(command: &Command) -> String {
    let program = Path::new(command.as_std().get_program());
    let name = program.file_name().unwrap_or(OsStr::new("?"));
    name.to_string_lossy().into_owned()
}

/// A process that is asked to end on drop. It alone: what it started is its own business.
#[derive(Debug)]
struct Asked(Option<(u32, String)>);

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some((pid, name)) = &self.0 {
            let _ = kill(Pid::from_raw(*pid as i32), Signal::SIGINT);
            output::note(&format!("{name} is asked to end, and does when it can"));
        }
    }
}

/// A process group that is killed on drop, unless its leader has ended.
#[derive(Debug)]
pub(crate) struct Group(pub(crate) Option<u32>);

impl Group {
    /// The leader has ended by itself.
    pub(crate) fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = killpg(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_failure_shows_what_was_printed() {
        let minute = Duration::from_secs(60);
        assert_eq!(
            run(&mut shell("echo fine"), minute).await.unwrap(),
            "fine\n"
        );
        let error = run(&mut shell("echo broken >&2; exit 2"), minute).await;
        assert!(error.unwrap_err().to_string().contains("broken"));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_killed_with_its_children() {
        let directory = tempfile::tempdir().unwrap();
        let pids = directory.path().join("pids");
        let script = format!("sleep 1000 & echo $! > {}; wait", pids.display());
        let moment = Duration::from_millis(300);
        assert!(run(&mut shell(&script), moment).await.is_err());
        let child: u32 = std::fs::read_to_string(pids)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        while !state().is_empty() && !state().contains(" Z ") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn what_must_not_be_cut_short_is_asked_and_ends_when_it_can() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let script = format!(
            "trap 'sleep 0.2; echo asked; mv {new} {done}; exit 1' INT; touch {new}; \
             while :; do sleep 0.05; done",
            new = path("new").display(),
            done = path("done").display()
        );
        let mut command = shell(&script);
        let long = Duration::from_secs(60);
        let log = path("log");
        let started = async {
            while !path("new").exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            outcome = run_whole(&mut command, long, &log) => panic!("it ended: {outcome:?}"),
            () = started => {}
        }
        while !path("done").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "asked\n");
        let failed = run_whole(&mut shell("echo no space; exit 100"), long, &log).await;
        assert!(failed.unwrap_err().to_string().contains("no space"));
    }

    #[test]
    fn a_shell_is_on_path_and_nonsense_is_not() {
        assert!(on_path(&["no-such-program", "sh"]).is_some());
        assert!(on_path(&["no-such-program"]).is_none());
    }
}
