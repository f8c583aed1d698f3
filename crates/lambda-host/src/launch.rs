//! Starting a function's program.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    process::Stdio,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::spec::FunctionSpec;

/// The account in the ARNs: there is none.
pub(crate) const ACCOUNT: &str = "000000000000";

/// A process just started.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) child: Child,
    pub(crate) pid: u32,
    /// Where its output starts in the log.
    pub(crate) log_start: u64,
}

/// Starts an instance in a process group of its own, so that a terminal's Ctrl-C does not reach it and whatever it
/// starts can be ended with it.
pub(crate) fn launch(
    spec: &FunctionSpec,
    runtime_api: &str,
    region: &str,
    instance: Uuid,
) -> io::Result<Launched> {
    let (log, log_start) = open_log(&spec.log)?;
    let folder = spec.program.parent().unwrap_or(Path::new("/"));
    let mut command = Command::new(&spec.program);
    command.env_clear();
    for name in ["PATH", "HOME"] {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    let child = command
        .env("TZ", ":UTC")
        .envs(&spec.environment)
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", &spec.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env(
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            spec.memory_mb.to_string(),
        )
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env(
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", spec.name),
        )
        .env("AWS_LAMBDA_LOG_STREAM_NAME", instance.to_string())
        .env("AWS_REGION", region)
        .env("AWS_DEFAULT_REGION", region)
        .env("LAMBDA_TASK_ROOT", folder)
        .env("_HANDLER", "bootstrap")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let pid = child
        .id()
        .ok_or_else(|| io::Error::other("the process ended at once"))?;
    Ok(Launched {
        child,
        pid,
        log_start,
    })
}

/// Signals an instance and all that it started. One that is gone already is no error.
pub(crate) fn signal_group(pid: u32, signal: Signal) {
    if let Ok(group) = i32::try_from(pid) {
        let _ = killpg(Pid::from_raw(group), signal);
    }
}

/// The last line that was logged after `start`: mostly what a program has to say about its end.
pub(crate) fn last_line(log: &Path, start: u64) -> Option<String> {
    const TAIL: u64 = 4096;
    const LONGEST: usize = 500;
    let mut file = File::open(log).ok()?;
    let end = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(start.max(end.saturating_sub(TAIL))))
        .ok()?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).ok()?;
    let tail = String::from_utf8_lossy(&tail);
    let line = tail
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    Some(line.chars().take(LONGEST).collect())
}

fn open_log(path: &Path) -> io::Result<(File, u64)> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_last_with_text_since_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, "before\nError: no database\n\n  \n").unwrap();
        assert_eq!(last_line(&log, 7).unwrap(), "Error: no database");
        assert_eq!(last_line(&log, 27), None);
        assert_eq!(last_line(&folder.path().join("none"), 0), None);
    }
}
