//! Stopping what the run directory names, with all that it started.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use tokio::time::sleep;

use super::{
    RUN_VARIABLE,
    identity::{Identity, stat},
};

/// How long programs have to end by themselves.
const GRACE: Duration = Duration::from_secs(20);

/// Stops every process that the run directory names: TERM, wait, KILL for what is left of its group. Returns how many
/// there were. The files go last, so that whoever is cut short leaves the rest to the next one.
///
/// # Errors
/// When the directory cannot be read.
pub(crate) async fn stop_all(run: &Path) -> Result<usize> {
    let entries = fs::read_dir(run).with_context(|| format!("reading {}", run.display()))?;
    let files: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    let told = files.iter().filter_map(|file| Identity::read(file));
    let (running, ended): (Vec<_>, Vec<_>) = told.partition(Identity::runs);
    for process in &running {
        let _ = kill(Pid::from_raw(process.pid as i32), Signal::SIGTERM);
    }
    let deadline = Instant::now() + GRACE;
    while running.iter().any(Identity::runs) && Instant::now() < deadline {
        sleep(Duration::from_millis(20)).await;
    }
    for process in &running {
        kill_group(process.pid);
    }
    for process in &ended {
        kill_left_behind(process, run);
    }
    for file in files {
        let _ = fs::remove_file(file);
    }
    Ok(running.len())
}

/// Kills what is left of a group whose leader runs or ran a moment ago: as long as there is a member, no other process
/// gets the leader's id.
pub(super) fn kill_group(leader: u32) {
    let _ = killpg(Pid::from_raw(leader as i32), Signal::SIGKILL);
}

/// Kills what a leader that ended some time ago left behind. Its group's number may be another's by now, so only those
/// count that were started for this run directory.
fn kill_left_behind(leader: &Identity, run: &Path) {
    let mut mark = RUN_VARIABLE.as_bytes().to_vec();
    mark.push(b'=');
    mark.extend(run.as_os_str().as_encoded_bytes());
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let group = stat(pid).and_then(|fields| fields.get(2)?.parse().ok());
        if group != Some(leader.pid) {
            continue;
        }
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|one| one == mark) {
            let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};

    #[tokio::test]
    async fn a_process_of_the_same_id_that_started_at_another_time_is_left_alone() {
        let directory = directory();
        let run = directory.path().join("run");
        let own = std::process::id();
        fs::write(run.join("server"), format!("{own} 1")).unwrap();
        assert_eq!(stop_all(&run).await.unwrap(), 0);
        assert!(!run.join("server").exists());
    }

    #[tokio::test]
    async fn what_a_server_started_ends_with_it() {
        let directory = directory();
        let run = directory.path().join("run");
        let script = "sleep 1000 & echo $! > child; trap 'exit 0' TERM; wait";
        let _process = launch(directory.path(), script).start().unwrap();
        let child = started_child(directory.path()).await;
        assert_eq!(stop_all(&run).await.unwrap(), 1);
        ended(child).await;
    }

    #[tokio::test]
    async fn what_a_server_left_behind_ends_too_and_a_stranger_in_its_group_does_not() {
        let directory = directory();
        let run = directory.path().join("run");
        let script = "sleep 1000 & echo $! > child; sleep 0.2";
        let mut process = launch(directory.path(), script).start().unwrap();
        let group = process.child.id().unwrap();
        process.child.wait().await.unwrap();
        let child = started_child(directory.path()).await;
        let mut stranger = tokio::process::Command::new("sleep")
            .arg("1000")
            .process_group(group as i32)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        assert_eq!(stop_all(&run).await.unwrap(), 0);
        ended(child).await;
        assert!(stranger.try_wait().unwrap().is_none());
        assert!(!run.join("server").exists());
    }
}
